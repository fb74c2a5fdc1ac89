#!/usr/bin/python3
"""What it costs to sit behind apt and pacman: the time of an upgrade through packswarm over the time of the built-in downloader,
with one mirror of 40 Mbit/s 20 ms away and no peers.
"""
import sys

import contest
from long_lines import LongLines

GOAL = 1.02


def main():
    parser = contest.options(__doc__, rounds=5)
    parser.add_argument("--mb", type=float, default=60, help="size of the upgrade (default 60)")
    arguments = parser.parse_args()
    with contest.Bench(arguments) as bench:
        bench.content = contest.Content(bench.folder, bench.household, contest.upgrade_sizes(arguments.mb))
        network = LongLines(bench.household)
        mirror_node, client = network.node("m1", 40, 40, 5), network.node("c1", 20, 100, 5)
        mirrors = [bench.mirror(mirror_node)]
        bench.contest(client, [(kind, mirrors) for kind in (contest.AptAlone, contest.AptThroughUs, contest.PacmanAlone, contest.PacmanThroughUs)])
        rows = [(f"{kind} through packswarm / {kind}", bench.median(f"{kind} through packswarm, 1 mirror") / bench.median(f"{kind}, 1 mirror"), GOAL,
                 f"{bench.median(f'{kind} through packswarm, 1 mirror'):.2f} s / {bench.median(f'{kind}, 1 mirror'):.2f} s") for kind in ("apt", "pacman")]
    return contest.report(arguments, "hook_tax", rows)


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
