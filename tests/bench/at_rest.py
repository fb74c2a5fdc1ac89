#!/usr/bin/python3
"""What it costs to hash a stored file before it is handed out: 200 MB from the store through the gateway, the first answer after the agent's start and
the second, against an agent that hashes nothing (--former: a folder with its programs). To a client on loopback that throws the bytes away, which is as
fast as this machine sends and faster than it hashes: no goal for the first answer there. And to one that takes 125 MB a second, as a line of 1 Gbit/s
does. The two agents take turns; pages are warm.
"""
import pathlib
import statistics
import sys
import time

import contest
from contest import agents
from harness.network import Network
from harness.processes import wait_until

SIZE, GOAL, LINE = 200_000_000, 1.05, 125_000_000
TIMER = """
import socket, sys, time
path, rate = sys.argv[1], float(sys.argv[2])
buffer = bytearray(1 << 20)
link = socket.create_connection(("127.0.0.1", 7878), timeout=60)
began = time.perf_counter()
link.sendall(f"GET {path} HTTP/1.1\\r\\nHost: 127.0.0.1\\r\\nConnection: close\\r\\n\\r\\n".encode())
taken = 0
while got := link.recv_into(buffer):
    taken += got
    ahead = taken / rate - (time.perf_counter() - began) if rate else 0
    if ahead > 0.002: time.sleep(ahead)
print(time.perf_counter() - began, taken)
"""


class Side:
    def __init__(self, bench, node, mirror, tag, build):
        entry = contest.PacmanThroughUs(bench, node, [mirror], tag)
        programs = agents.staged(build, bench.folder / f"bin-{tag}")
        self.node, self.times = node, {}
        self.package = entry.packages()[0]
        folder = entry.folder / "agent"
        self.agent = agents.Agent(node, folder, programs, agents.settings(folder, [entry.arch_table()], node.ip))
        self.agent.start()
        self.agent.ask("refresh")
        self.take(0)
        stored = self.agent.state / "files" / self.package.sha256[:2] / self.package.sha256
        wait_until(stored.exists, 60, "it is stored")
        time.sleep(1)
        self.agent.stop()

    def take(self, rate):
        answer = self.node.run(["/usr/bin/python3", "-c", TIMER, f"/lab/os/x86_64/{pathlib.Path(self.package.path).name}", str(rate)], timeout=120).stdout.split()
        assert int(answer[1]) > self.package.size, f"{answer[1]} bytes"
        return float(answer[0])

    def round(self):
        for name, rate in (("loopback", 0), ("line", LINE)):
            self.agent.start()
            time.sleep(0.5)
            for which in ("first", "second"):
                self.times.setdefault((name, which), []).append(self.take(rate))
            self.agent.stop()


def main():
    parser = contest.options(__doc__, rounds=5)
    parser.add_argument("--former", type=pathlib.Path, required=True, help="folder with the programs to compare with")
    arguments = parser.parse_args()
    with contest.Bench(arguments) as bench:
        bench.content = contest.Content(bench.folder, bench.household, [SIZE])
        network = Network(bench.household)
        mirror, node = bench.mirror(network.node("m1")), network.node("c1")
        sides = {name: Side(bench, node, mirror, name, build) for name, build in (("ours", arguments.build), ("former", arguments.former))}
        for turn in range(arguments.rounds):
            for side in list(sides.values())[::1 if turn % 2 else -1]:
                side.round()
        rows = []
        for (name, which), times in sides["ours"].times.items():
            ours, former = statistics.median(times), statistics.median(sides["former"].times[name, which])
            rows.append((f"{which} answer of 200 MB, {name}, over the former agent's", ours / former, None if (name, which) == ("loopback", "first") else GOAL,
                         f"{ours * 1000:.0f} ms ({min(times) * 1000:.0f} to {max(times) * 1000:.0f}) / {former * 1000:.0f} ms"))
    return contest.report(arguments, "at_rest", rows)


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
