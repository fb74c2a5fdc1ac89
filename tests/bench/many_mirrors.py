#!/usr/bin/python3
"""One client on three mirrors of 40, 20 and 8 Mbit/s, 20, 60 and 120 ms away: time over the fluid bound, which is the bytes of
the files over the sum of the mirrors' rates. Headers of TCP, IP and Ethernet alone make 1.046, so that nobody can do better.
"""
import sys

import contest
from long_lines import LongLines, round_trip_ms

MIRRORS = [("m1", 40, 5), ("m2", 20, 25), ("m3", 8, 55)]  # Mbit/s, ms each way
GOAL = 1.06


def main():
    parser = contest.options(__doc__)
    parser.add_argument("--mb", type=float, default=100, help="size of the upgrade (default 100)")
    arguments = parser.parse_args()
    with contest.Bench(arguments) as bench:
        bench.content = contest.Content(bench.folder, bench.household, contest.upgrade_sizes(arguments.mb))
        network = LongLines(bench.household)
        nodes = [network.node(name, rate, rate, delay) for name, rate, delay in MIRRORS]
        client = network.node("c1", 20, 100, 5)
        print("round trips in ms:", [round(round_trip_ms(client, node), 1) for node in nodes])
        mirrors = [bench.mirror(node) for node in nodes]
        bench.contest(client, [(contest.AptThroughUs, mirrors), (contest.PacmanThroughUs, mirrors), (contest.Aria2, mirrors), (contest.PacmanAlone, mirrors)])
        rows = []
        for label, results in bench.results.items():
            repository = bench.content.arch if label.startswith("pacman") else bench.content.debian
            bound = sum(package.size for package in repository.packages.values()) * 8e-6 / sum(rate for _, rate, _ in MIRRORS)
            ratios = sorted(result.seconds / bound for result in results)
            rows.append((f"{label}: time / fluid bound of {bound:.1f} s", bench.median(label) / bound, GOAL if "packswarm" in label else None,
                         f"{ratios[0]:.3f} to {ratios[-1]:.3f}"))
    return contest.report(arguments, "many_mirrors", rows)


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
