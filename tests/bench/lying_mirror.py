#!/usr/bin/python3
"""Again and again an upgrade of 117 packages by pacman, the fastest of three mirrors (40, 20 and 8 Mbit/s) giving wrong bytes in every package and
standing first in pacman's list: whenever pacman gives the agent up, it asks that one. Counts the runs that end with every file right.
"""
import random
import sys

import contest
from harness.mirror import Mirror
from harness.processes import Failed
from long_lines import LongLines
from many_mirrors import MIRRORS


def sizes():
    """117 packages of 46 MB: half below 100 KB, one of ten megabytes."""
    chance = random.Random(117)
    return [min(int(chance.lognormvariate(11.4, 1.6)) + 3000, 11_000_000) for _ in range(117)]


class Run(contest.PacmanThroughUs):
    def outcome(self):
        """(seconds, right files, exit code, what pacman said of servers)"""
        try:
            self.prepare()
            child = self.node.child(self.argv(), self.folder / "out")
            code = child.wait(300)
            said = [line for line in child.text().splitlines() if "error" in line or "warning: " in line]
            status = self.agent.status()["bytes"]
            return code, len(self.packages()) - len(self.pacman.wrong(self.packages())), said, status
        finally:
            if self.agent:
                self.agent.stop()


def main():
    parser = contest.options(__doc__, rounds=100)
    parser.add_argument("--from-start", action="store_true", help="every byte is wrong (default: some, from the middle of each package on)")
    arguments = parser.parse_args()
    with contest.Bench(arguments) as bench:
        bench.content = contest.Content(bench.folder, bench.household, sizes())
        network = LongLines(bench.household)
        mirrors = []
        for name, rate, delay in MIRRORS:
            node = network.node(name, rate, rate, delay)
            mirrors.append(Mirror(node, bench.folder / f"nginx-{name}", bench.folder / "www/arch", prefix="/arch").start())
        mirrors[0].spoil()
        if arguments.from_start:
            for file in mirrors[0].spoiled.rglob("*.zst"):
                file.write_bytes(random.Random(file.name).randbytes(file.stat().st_size))
        mirrors[0].start("wrong_bytes")
        client = network.node("c1", 20, 100, 5)
        bad = past = 0
        for turn in range(arguments.rounds):
            for mirror in mirrors:
                mirror.forget()
            code, right, said, moved = Run(bench, client, mirrors, f"run{turn}").outcome()
            around = contest.past_us(mirrors)
            past += around > 0
            bad += code != 0 or right != len(bench.content.arch.packages)
            print(f"run {turn + 1}: exit {code}, {right} of {len(bench.content.arch.packages)} right, {around} past us, received/needed "
                  f"{moved.get('received', 0) / max(1, moved.get('needed', 1)):.3f} {' | '.join(said[:4])}", flush=True)
    if bad:
        raise Failed(f"{bad} of {arguments.rounds} runs did not end as they should")
    return contest.report(arguments, "lying_mirror", [("runs with a file that did not come through the agent", past, 0, f"of {arguments.rounds}")])


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
