#!/usr/bin/python3
"""pacman behind a client's own line of 1, 4 and 16 Mbit/s, two fast mirrors: time and bytes on the wire over plain pacman's in the same round.
The line is a token bucket with a queue of 64 KiB, so that what is asked for side by side waits in it.
"""
import statistics
import sys

import contest
from harness.network import Network

GOAL = 1.02


def sizes(rate):
    """Half a minute's worth or more: middling packages, which come whole, a few large ones, and small ones where there is time for them."""
    large = [1_300_000] if rate < 4 else [rate * 400_000 + 500_000 * number for number in range(4)]
    return large + [300_000 + 100_000 * number for number in range(8)] + [3000 * number + 1000 for number in range(0 if rate < 4 else 30)]


class OneFileAtATime:
    def prepare(self):
        super().prepare()
        self.pacman.one_file_at_a_time()


class PlainInTurn(OneFileAtATime, contest.PacmanAlone):
    name = "pacman, one at a time"


class OursInTurn(OneFileAtATime, contest.PacmanThroughUs):
    name = "pacman through packswarm, one at a time"


PAIRS = {"pacman": (contest.PacmanAlone, contest.PacmanThroughUs), "in-turn": (PlainInTurn, OursInTurn), "apt": (contest.AptAlone, contest.AptThroughUs)}


def one_line(arguments, rate):
    rows = []
    with contest.Bench(arguments) as bench:
        bench.content = contest.Content(bench.folder, bench.household, contest.upgrade_sizes(arguments.mb) if arguments.mb else sizes(rate))
        network = Network(bench.household)
        mirrors = [bench.mirror(network.node(name).by_single_packets()) for name in ("m1", "m2")[:arguments.mirrors]]
        client = network.node("c1", rate, rate)
        print(f"{rate} Mbit/s, {len(bench.content.arch.packages)} packages", flush=True)
        for plain, ours in (PAIRS[name] for name in arguments.pairs.split(",")):
            times, moved, around = [], [], 0
            for turn in range(arguments.rounds):
                results = []
                for kind in (plain, ours):
                    for mirror in mirrors:
                        mirror.forget()
                    contestant = kind(bench, client, mirrors, f"run-{kind.name.replace(' ', '-')}-{turn}")
                    results.append(contestant.run())
                    print(f"  round {turn + 1}: {kind.name:<42} {results[-1].seconds:7.2f} s  {results[-1].received / 1e6:7.3f} MB", flush=True)
                around += contest.past_us(mirrors)
                times.append(results[1].seconds / results[0].seconds)
                moved.append(results[1].received / results[0].received)
            for what, ratios, note in (("time", times, ""), ("bytes", moved, f"; {around} packages past us")):
                rows.append((f"{rate} Mbit/s, {ours.name}: {what} / plain", statistics.median(ratios), GOAL, f"{min(ratios):.3f} to {max(ratios):.3f}{note}"))
    return rows


def main():
    parser = contest.options(__doc__)
    parser.add_argument("--rates", default="1,4,16", help="the line's Mbit/s, one after the other (default %(default)s)")
    parser.add_argument("--pairs", default="pacman", help="of pacman, in-turn (ParallelDownloads = 1) and apt (default %(default)s)")
    parser.add_argument("--mirrors", type=int, default=2, help="one or two (default 2)")
    parser.add_argument("--mb", type=float, help="size of an upgrade drawn like a distribution's instead")
    arguments = parser.parse_args()
    rows = []
    for rate in (int(text) for text in arguments.rates.split(",")):
        rows += one_line(arguments, rate)
    return contest.report(arguments, "slow_line", rows)


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
