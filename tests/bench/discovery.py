#!/usr/bin/python3
"""How soon a started agent hears from a neighbour, without a mirror: from the start of its process to the first answer (`tell`) on the wire and
to the first whole file: on a LAN that neither side was told of, where the neighbour is found by multicast (the memory of peers is wiped) or
dialled from memory; and through a private DHT of which one node is known and nothing remembered. Beside it aria2, which knows the file's
torrent, finding another aria2 by the same multicast (BEP 14).
"""
import json
import shutil
import statistics
import subprocess
import sys
import time

import contest
from harness import agent as agents
from harness import asker, watcher
from harness.network import Network
from harness.processes import Failed, wait_until

GOAL_MS, DHT_GOAL_MS = 200, 5_000
NODES = 6
EACH = 20       # files asked for until one has come, one every 20 ms
PAUSE = 1.0     # seconds of life together, and between a stop and the next start
BIND, EVERYTHING = "eth0", "stable"


def watch(node, bench):
    child = node.child(["/usr/bin/python3", watcher.__file__, BIND], bench.folder / f"watch-{node.name}-{time.monotonic()}")
    wait_until(lambda: "ready" in child.text(), 10, "the watcher is ready")
    return child


def first(child, since, what):
    """Milliseconds from `since` to the first event of that kind."""
    seen = (json.loads(line) for line in child.text().splitlines() if line.startswith("{"))
    return min((1000 * (event["t"] - since) for event in seen if event["what"] == what and event["t"] > since), default=None)


class Pair:
    """Agent a has everything, agent b its index; once the mirror has stopped a is all that b can get something from."""

    def __init__(self, bench, network, mirror, names, **swarm):
        self.bench, self.swarm = bench, swarm
        self.table = {"format": "debian", "suite": EVERYTHING, "components": ["main"], "architectures": ["amd64"], "mirrors": [mirror.url],
                      "keyring": [bench.content.public], "public": True}
        self.url, self.packages = mirror.url, iter(bench.content.debian.packages.values())
        self.a, self.b = (agent(bench, network.node(name), [self.table], **swarm).start() for name in names)
        for path in ("dists/stable/InRelease", "dists/stable/main/binary-amd64/Packages.xz"):
            for one in (self.a, self.b):
                one.fetch(f"{mirror.url}/{path}", one.folder / "scratch", timeout=60)
        for package in bench.content.debian.packages.values():
            self.a.fetch(f"{mirror.url}/{package.path}", self.a.folder / "scratch", timeout=60)
        wait_until(lambda: self.a.status()["sharing"]["offered"] >= len(bench.content.debian.packages), 60, lambda: f"all is offered: {self.a.status()}")
        self.b.stop()
        self.watcher = watch(self.b.node, bench)

    def start(self):
        """(ms to the first tell, ms to the first file) of one start of b."""
        time.sleep(PAUSE)
        files = [word for package in (next(self.packages) for _ in range(EACH)) for word in (f"{self.url}/{package.path}", package.sha256, package.size)]
        asking = self.b.node.child(["/usr/bin/python3", asker.__file__, self.b.socket, *files], self.b.folder / f"ask-{time.monotonic()}")
        time.sleep(0.2)  # its interpreter has started
        began = time.monotonic()
        self.b.start()
        wait_until(lambda: "done" in asking.text() or not asking.alive(), 40, lambda: f"a file comes: {asking.text()}\n{self.b.log()[-2000:]}")
        if "done" not in asking.text():
            raise Failed(f"no file came: {asking.text()}\n{self.b.log()[-3000:]}")
        done = json.loads(asking.text())["done"]
        told = wait_until(lambda: first(self.watcher, began, "tell"), 10, lambda: f"the answer was seen on the wire: {asking.text()}")
        time.sleep(PAUSE)
        self.b.stop()
        return told, 1000 * (done - began)


def agent(bench, node, repositories, **swarm):
    folder = bench.folder / node.name
    return agents.Agent(node, folder, bench.programs, agents.settings(folder, repositories, node.ip, **swarm))


def private_dht(bench, network):
    """Where the first node listens; all others know only that one."""
    known = []
    for number in range(NODES):
        one = agent(bench, network.node(f"n{number}"), [], dht=True, dht_nodes=known[:1]).start()
        known.append(one.endpoint)
    return known[0]


def aria2(bench, network, rounds):
    """Milliseconds from the start of an aria2 to its whole file from another, found by multicast."""
    file = bench.folder / "rival"
    file.write_bytes(b"x" * 20_000)
    subprocess.run([bench.programs / "packswarm-torrent", "make", "--output", bench.folder, file], check=True, stdout=subprocess.DEVNULL)
    torrent = next(bench.folder.glob("*.torrent"))
    common = ["aria2c", "--no-conf", "-q", "--enable-dht=false", "--bt-enable-lpd=true", f"--bt-lpd-interface={BIND}", "--listen-port=6900", "--follow-torrent=mem"]
    seeding = bench.folder / "seeding"
    seeding.mkdir()
    shutil.copy(file, seeding / torrent.stem)
    network.node("s").child([*common, "-d", seeding, "--seed-ratio=0", "-V", torrent], bench.folder / "seeder.log")
    taker, out = network.node("t"), []
    time.sleep(2)  # the seeder has hashed its file
    for turn in range(rounds):
        folder = bench.folder / f"taken{turn}"
        began = time.monotonic()
        child = taker.child([*common, "-d", folder, "--seed-time=0", torrent], bench.folder / f"taker{turn}.log")
        wait_until(lambda: (folder / torrent.stem).exists() and (folder / torrent.stem).stat().st_size == 20_000 and not (folder / f"{torrent.stem}.aria2").exists(),
                   120, lambda: f"aria2 has the file: {child.text()}")
        out.append(1000 * (time.monotonic() - began))
        child.end()
        time.sleep(PAUSE)
    return out


def row(what, times, unit_ms, is_goal=True):
    print(f"  {what}: {' '.join(f'{one:.0f}' for one in times)} ms", flush=True)
    return what, statistics.median(times) / unit_ms, 1 if is_goal else None, f"median {statistics.median(times):.0f} ms, worst {max(times):.0f} ms"


def main():
    parser = contest.options(__doc__, rounds=9)
    parser.add_argument("--without-rival", action="store_true", help="without aria2")
    arguments = parser.parse_args()
    with contest.Bench(arguments) as bench:
        shutil.copy(arguments.build / "packswarm-torrent", bench.programs)
        bench.content = contest.Content(bench.folder, bench.household, [2_000 + number for number in range(2 * arguments.rounds * EACH)], arch=False)
        network = Network(bench.household)
        mirror = bench.mirror(network.node("m1"))
        pair = Pair(bench, network, mirror, "ab", lan=True)
        far = Pair(bench, network, mirror, "cd", dht_nodes=[private_dht(bench, network)])
        mirror.stop()
        found, dialled, looked_up = [], [], []
        for _ in range(arguments.rounds):
            pair.b.forget_peers()
            found.append(pair.start())
            dialled.append(pair.start())
            far.b.forget_peers()
            (far.b.state / "dht.state").unlink(missing_ok=True)
            looked_up.append(far.start())
        rows = [row("start to first tell / 200 ms, found by multicast", [told for told, _ in found], GOAL_MS),
                row("start to first tell / 200 ms, dialled from memory", [told for told, _ in dialled], GOAL_MS),
                row("start to first file / 200 ms, found by multicast", [done for _, done in found], GOAL_MS, is_goal=False),
                row(f"start to first tell / 5 s, a DHT of {NODES} nodes of which one is known", [told for told, _ in looked_up], DHT_GOAL_MS)]
        for one in (pair, far):
            one.a.stop()
        if not arguments.without_rival:
            rows.append(row("aria2: start to first file / 200 ms", aria2(bench, network, arguments.rounds), GOAL_MS, is_goal=False))
    return contest.report(arguments, "discovery", rows)


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
