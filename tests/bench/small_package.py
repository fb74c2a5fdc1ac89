#!/usr/bin/python3
"""One package of 50 KB through a warm agent over a GET on a kept-alive connection to the mirror, 40 Mbit/s and 20 ms away.
Different packages each time, so that nothing comes from the store; the two ways take turns.
"""
import json
import statistics
import sys

import contest
from long_lines import LongLines

GOAL = 1.05
TIMER = """
import http.client, json, sys, time
host, port, paths = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
link, times = http.client.HTTPConnection(host, port, timeout=20), []
for path in paths:
    began = time.perf_counter()
    link.request("GET", path)
    answer = link.getresponse()
    body = answer.read()
    times.append((time.perf_counter() - began) * 1000)
    if answer.status != 200 or len(body) < 40000: sys.exit(f"{path}: {answer.status}, {len(body)} bytes")
print(json.dumps(times))
"""


def timed(client, host, port, paths):
    return json.loads(client.run(["/usr/bin/python3", "-c", TIMER, host, port, *paths], timeout=120).stdout)


def main():
    parser = contest.options(__doc__, rounds=4)
    arguments = parser.parse_args()
    each = 10
    with contest.Bench(arguments) as bench:
        bench.content = contest.Content(bench.folder, bench.household, [50_000 + number for number in range(2 * each * arguments.rounds + 2)], arch=False)
        network = LongLines(bench.household)
        mirror_node, client = network.node("m1", 40, 40, 5), network.node("c1", 20, 100, 5)
        mirrors = [bench.mirror(mirror_node)]
        entry = contest.AptThroughUs(bench, client, mirrors, "warm")
        entry.prepare()  # the agent has the index and a connection to the mirror
        paths = [f"/debian/{package.path}" for package in entry.packages()]
        warm_up = 1
        direct, through = [], []
        for turn in range(arguments.rounds):
            direct += timed(client, mirror_node.ip, 80, [paths[0]] * warm_up + paths[2 * turn * each + 2:(2 * turn + 1) * each + 2])[warm_up:]
            ours = [f"{mirrors[0].url.removesuffix('/debian')}{path}" for path in paths]
            through += timed(client, "127.0.0.1", 7878, [ours[1]] * warm_up + ours[(2 * turn + 1) * each + 2:(2 * turn + 2) * each + 2])[warm_up:]
        entry.agent.stop()
        rows = [("50 KB through a warm agent / kept-alive GET, medians", statistics.median(through) / statistics.median(direct), GOAL,
                 f"{statistics.median(through):.1f} ms / {statistics.median(direct):.1f} ms, p90 {statistics.quantiles(through, n=10)[8]:.1f} / "
                 f"{statistics.quantiles(direct, n=10)[8]:.1f} ms")]
    return contest.report(arguments, "small_package", rows)


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
