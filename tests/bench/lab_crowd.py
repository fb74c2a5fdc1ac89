#!/usr/bin/python3
"""A crowd: 8 clients of 100/20 Mbit/s want the same 118 packages at the same moment from mirrors of 30, 20 and 10 Mbit/s, 20, 40 and 60 ms
away. Time of the last client over the Kumar-Ross bound, bytes of the mirrors over the bytes needed, bytes moved, CPU. Needs root.

    tests/bench/lab_crowd.py --build build --rounds N [--systems NAME,...] [--outage FRACTION] [--clients N]

Every round runs each system once. --outage: all mirrors stop when so much of all wanted bytes has moved; then the share of packages that
completed counts. A client that knows one mirror only is told of the one that is best for all: 4, 3 and 1 of 8 clients on each.
"""
import functools
import statistics
import sys

import contest
from lab import clients, needs, race
from lab.place import Line, Place, kumar_ross

MIRRORS = {"m1": Line(30, 30, 5), "m2": Line(20, 20, 15), "m3": Line(10, 10, 25)}
CLIENT = Line(up=20, down=100, delay=5)
USUAL = 8  # clients
GOALS = {"last": 1.15, "mirrors": 0.27, "moved": 1.03, "cpu": 2.5}  # of the usual crowd and the whole upgrade
FIRST = [0, 0, 0, 0, 1, 1, 1, 2]  # the mirror of each client that knows one only


class Outage:
    """All mirrors stop once a part of what is wanted has moved."""

    def __init__(self, place, fraction, wanted):
        self.place, self.at, self.is_over = place, fraction * wanted, False

    def __call__(self, seconds, carried):
        if not self.is_over and sum(carried) >= self.at:
            self.is_over = True
            for mirror in self.place.mirrors:
                mirror.stop()
            print(f"    mirrors off after {seconds:.1f} s", flush=True)


class Trace:
    """Every two seconds the rates of mirrors and clients."""

    def __init__(self):
        self.seconds, self.carried = 0, (0, 0)

    def __call__(self, seconds, carried):
        if seconds - self.seconds >= 2:
            rates = [(now - then) * 1e-6 / (seconds - self.seconds) for now, then in zip(carried, self.carried)]
            print(f"    {seconds:6.1f} s  mirrors {rates[0]:5.2f}  clients {rates[1]:5.2f} MB/s", flush=True)
            self.seconds, self.carried = seconds, carried


def one_run(place, kind, arguments, tag):
    """A race of all clients, with the mirrors as they were before it afterwards."""
    def swarm(node):
        others = [f"{other.ip}:{contest.agents.Agent.SWARM_PORT}" for other in place.clients if other is not node]
        # The addresses are private ones, but the lines are those of strangers on the Internet.
        return {"peers": others, "lan_networks": ["127.0.0.0/8"], "upload_limit": 0}

    def mirrors_of(number):
        best = FIRST[number % len(FIRST)]
        return place.mirrors if kind.knows_all_mirrors else [place.mirrors[best]] + [one for one in place.mirrors if one is not place.mirrors[best]]

    watchers = [Trace()] if arguments.trace else []
    if arguments.outage:
        watchers.append(Outage(place, arguments.outage, kind.size(place.content) * len(place.clients)))
    result = race.run(place, kind, [(node, mirrors_of(number)) for number, node in enumerate(place.clients)], swarm, tag, arguments,
                      stall=40 if arguments.outage else 60, during=lambda *seen: [watcher(*seen) for watcher in watchers])
    if arguments.outage:
        for mirror in place.mirrors:
            mirror.start()
    return result


def rows_of(kind, results, bound, curls, goals):
    """What is told of one system at the end: medians."""
    def median(figure):
        return statistics.median(figure(result) for result in results)

    goals = goals if kind.ours else {}
    ratios = sorted(result.last / bound for result in results)
    yield (f"{kind.name}: last / Kumar-Ross bound, {bound:.1f} s", median(lambda result: result.last / bound), goals.get("last"),
           f"{ratios[0]:.3f} to {ratios[-1]:.3f}")
    yield f"{kind.name}: bytes from mirrors / needed", median(lambda result: result.mirror_share), goals.get("mirrors"), ""
    yield f"{kind.name}: bytes moved / needed", median(lambda result: result.moved), goals.get("moved"), ""
    if curls and kind is not clients.Curl:
        curl = statistics.median(result.cpu_per_gb() for result in curls)
        agents = f"the agents' alone {median(lambda result: result.cpu_per_gb('agent_cpu')) / curl:.2f}" if kind.ours else ""
        yield f"{kind.name}: CPU per GB / curl's", median(lambda result: result.cpu_per_gb()) / curl, goals.get("cpu"), agents


def outage_rows(kind, results):
    right = [sum(cost.complete for cost in result.costs) for result in results]
    share = statistics.median(result.complete for result in results)
    yield f"{kind.name}: packages complete / wanted", share, None, f"{right} of {results[0].packages * len(results[0].costs)}"


def main():
    parser = race.options(__doc__, "packswarm_apt,packswarm_pacman,aria2bt,curl", without=["aptacng"])
    parser.add_argument("--clients", type=int, default=USUAL, help="how many (default %(default)s)")
    parser.add_argument("--outage", type=float, help="the mirrors stop when this part of all bytes has moved")
    parser.add_argument("--trace", action="store_true", help="every two seconds the MB/s from mirrors and from clients")
    arguments = parser.parse_args()
    kinds = {name: clients.KINDS[name] for name in arguments.systems}
    needs.check(arguments, kinds.values())
    lines = {f"c{number}": CLIENT for number in range(1, arguments.clients + 1)}
    results = {name: [] for name in kinds}
    with Place(arguments, MIRRORS, lines) as place:
        bound_of = functools.cache(lambda kind: kumar_ross(kind.size(place.content), MIRRORS.values(), lines.values()))
        for turn in range(arguments.rounds):
            for name, kind in kinds.items():
                results[name].append(one_run(place, kind, arguments, f"{name}{turn}"))
                race.tell(turn, kind, results[name][-1], bound_of(kind), "Kumar-Ross")
        goals = {} if arguments.mb or arguments.clients != USUAL else GOALS
        rows = []
        for name, kind in kinds.items():
            rows += outage_rows(kind, results[name]) if arguments.outage else rows_of(kind, results[name], bound_of(kind), results.get("curl"), goals)
    return contest.report(arguments, "lab_crowd", rows)


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
