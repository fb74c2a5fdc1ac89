#!/usr/bin/python3
"""400 small packages (20 to 200 KB) from one peer over the peer channel, over the same from an HTTP server on the peer's machine through one
kept-alive connection of curl: between two namespaces as fast as the kernel goes, and on a line of 200 Mbit/s with a round trip of 20 ms.
The fetching agent's mirror is gone by then; curl asks its gateway for a hundred packages at a time and keeps one connection for each.
"""
import random
import statistics
import sys
import time

import contest
from harness.network import Network
from long_lines import LongLines

GOAL = 2.0
COUNT = 400


class OneConnection(contest.Curl):
    name = "curl, one connection"

    def argv(self):
        return ["curl", "--fail", "--no-progress-meter", "-K", self.list]


def main():
    parser = contest.options(__doc__)
    arguments = parser.parse_args()
    sizes = [random.Random(number).randrange(20_000, 200_000) for number in range(COUNT)]
    rows = []
    for line in ("loopback", "20 ms"):
        with contest.Bench(arguments) as bench:
            bench.content = contest.Content(bench.folder, bench.household, sizes, arch=False)
            network = Network(bench.household) if line == "loopback" else LongLines(bench.household)
            nodes = [network.node(name) if line == "loopback" else network.node(name, 200, 200, 5) for name in ("m1", "holder", "c1")]
            direct, ours = race(bench, *nodes)
            rows.append((f"{COUNT} packages over the channel / kept-alive HTTP, {line}", statistics.median(ours) / statistics.median(direct), GOAL,
                         f"{statistics.median(ours):.2f} s / {statistics.median(direct):.2f} s, {sum(sizes) / 1e6:.0f} MB"))
    return contest.report(arguments, "channel", rows)


def race(bench, mirror_node, holder_node, client):
    mirror, server = bench.mirror(mirror_node), bench.mirror(holder_node)
    holder = contest.AptThroughUs(bench, holder_node, [mirror], "holder")
    holder.prepare()
    holder.apt.install([package.name for package in holder.packages()], timeout=300)
    direct, ours = [], []
    for turn in range(bench.arguments.rounds):
        direct.append(OneConnection(bench, client, [server], f"direct{turn}").run().seconds)
        ours.append(over_the_channel(bench, client, mirror, holder, f"ours{turn}"))
        print(f"  round {turn + 1}: kept-alive {direct[-1]:.2f} s, channel {ours[-1]:.2f} s", flush=True)
    holder.agent.stop()
    return direct, ours


def over_the_channel(bench, client, mirror, holder, tag):
    mirror.start()
    entry = contest.AptThroughUs(bench, client, [mirror], tag)
    folder = entry.folder / "agent"
    settings = contest.agents.settings(folder, [entry.debian_table()], client.ip, [holder.agent.endpoint])
    entry.agent = contest.agents.Agent(client, folder, bench.programs, settings).start()
    client.run(["curl", "-sf", "-o", "/dev/null", "--proxy", entry.agent.gateway, f"{mirror.url}/dists/stable/InRelease"])
    client.run(["curl", "-sf", "-o", "/dev/null", "--proxy", entry.agent.gateway, f"{mirror.url}/dists/stable/main/binary-amd64/Packages.xz"])
    entry.agent.wait_for_peer()
    mirror.stop()
    got = entry.folder / "got"
    got.mkdir()
    urls = entry.folder / "urls"
    urls.write_text("".join(f'url = "{mirror.url}/{package.path}"\noutput = "{got}/{package.name}"\n' for package in entry.packages()))
    began = time.monotonic()
    done = client.run(["curl", "--fail", "--no-progress-meter", "--proxy", entry.agent.gateway, "--parallel", "--parallel-immediate", "--parallel-max", "100",
                       "-K", urls], timeout=300, check=False)
    seconds = time.monotonic() - began
    have = {contest.sha256(file) for file in got.iterdir()}
    gave = entry.agent.gave()
    entry.agent.stop()
    if done.returncode or any(package.sha256 not in have for package in entry.packages()) or gave["peer"] < sum(package.size for package in entry.packages()):
        raise contest.Failed(f"curl ended with {done.returncode}: {done.stdout[-500:]}\n{gave}\n{entry.agent.log()[-2000:]}")
    return seconds


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
