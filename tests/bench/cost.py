#!/usr/bin/python3
"""CPU seconds per gigabyte over curl's, of everything that takes part: agent, method and apt; and peak
resident memory over aria2's, of the agent alone and of everything.
Two contents: an upgrade of many files, and one large file, on a line of 200 Mbit/s 10 ms away; and the largest file four times as
large, which must not cost more memory.
"""
import sys

import contest
from long_lines import LongLines

CPU_GOAL, MEMORY_GOAL = 1.5, 1.5
CONTENTS = {"upgrade": lambda: contest.upgrade_sizes(120), "one file of 128 MiB": lambda: [128 << 20], "one file of 512 MiB": lambda: [512 << 20]}


def measure(arguments, sizes):
    """Medians of (CPU seconds per GB, peak MB, of it the agent's) by contestant."""
    with contest.Bench(arguments) as bench:
        bench.content = contest.Content(bench.folder, bench.household, sizes, arch=False)
        network = LongLines(bench.household)
        mirror_node, client = network.node("m1", 200, 200, 2.5), network.node("c1", 200, 200, 2.5)
        mirrors = [bench.mirror(mirror_node)]
        bench.contest(client, [(kind, mirrors) for kind in (contest.Curl, contest.AptThroughUs, contest.Aria2, contest.AptAlone)])
        gigabytes = sum(package.size for package in bench.content.debian.packages.values()) / 1e9
        return {label.split(",")[0]: (bench.median(label, "cpu") / gigabytes, bench.median(label, "memory") / 1e6, bench.median(label, "agent") / 1e6) for label in bench.results}


def main():
    arguments = contest.options(__doc__).parse_args()
    rows, memory = [], {}
    for what, sizes in CONTENTS.items():
        print(f"{what}:")
        one = measure(arguments, sizes())
        ours, curl, aria2, apt = (one[name] for name in ("apt through packswarm", "curl", "aria2c", "apt"))
        memory[what] = ours[1]
        rows.append((f"{what}: CPU, apt through packswarm / curl", ours[0] / curl[0], CPU_GOAL,
                     f"{ours[0]:.1f} / {curl[0]:.1f} s per GB; apt alone {apt[0]:.1f}, aria2c {aria2[0]:.1f}"))
        rows.append((f"{what}: memory, the agent / aria2c", ours[2] / aria2[1], MEMORY_GOAL, f"{ours[2]:.1f} / {aria2[1]:.1f} MB"))
        rows.append((f"{what}: memory, apt, its method and the agent / aria2c", ours[1] / aria2[1], None, f"{ours[1]:.1f} / {aria2[1]:.1f} MB; apt alone {apt[1]:.1f}"))
    small, large = memory["one file of 128 MiB"], memory["one file of 512 MiB"]
    rows.append(("memory at 512 MiB / memory at 128 MiB", large / small, 1.1, f"{large:.1f} / {small:.1f} MB"))
    return contest.report(arguments, "cost", rows)


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
