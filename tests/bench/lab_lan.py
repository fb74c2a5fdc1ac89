#!/usr/bin/python3
"""A neighbour on the local network: c1 has fetched 118 packages, c2 wants the same. LAN of 1 Gbit/s, 20 Mbit/s to the Internet for both;
two agents find each other by LAN discovery. Time over the bound of the LAN, and bytes over the line to the mirrors. Needs root.

    tests/bench/lab_lan.py --build build --rounds N [--systems NAME,...]

Every round runs each system once. aptacng is an apt-cacher-ng on c1 that c2's apt is told of; a system that shares nothing fetches all
over the line.
"""
import contextlib
import statistics
import sys

import contest
from harness.apt_cacher import AptCacher
from harness.processes import wait_until
from lab import clients, needs, race
from lab.place import LAN, Line, Place, line_bound

MIRRORS = {"m1": Line(100, 100, 5), "m2": Line(100, 100, 15), "m3": Line(100, 100, 25)}
HOME = Line(up=1000, down=1000, delay=0.1)
INTERNET = Line(up=5, down=20, delay=5)
UNTHROTTLED = 1000  # Mbit/s, while c1 fetches
GOAL, LINE_GOAL = 1.3, 0.01


@contextlib.contextmanager
def unthrottled(place):
    place.network.lan_rate(LAN, UNTHROTTLED, UNTHROTTLED)
    yield
    place.network.lan_rate(LAN, INTERNET.up, INTERNET.down)


def swarm(_):
    return {"lan": True}


@contextlib.contextmanager
def filled(place, kind, arguments, tag):
    """c1 with everything, still there to be asked; gives the mirrors that c2 is told of."""
    first = place.clients[0]
    cacher = AptCacher(first, place.folder / f"{tag}-cacher", place.mirrors[0]).start() if kind is clients.CachedApt else None
    client = kind(place, first, [cacher] if cacher else place.mirrors, f"{tag}-first")
    client.swarm = swarm(first)
    try:
        client.prepare()
        with unthrottled(place):
            client.begin()
            wait_until(client.look, arguments.timeout, lambda: f"c1 has got everything:\n{client.child.text()[-2000:]}")
        yield client.mirrors
        cost = client.end()
        if cost.said:
            raise contest.Failed(f"c1 had not got everything, it {cost.said}")
    finally:
        if cacher:
            cacher.child.end()
        race.close([client], arguments)


def one_run(place, kind, arguments, tag):
    """c2 after c1."""
    with filled(place, kind, arguments, tag) if kind.shares else contextlib.nullcontext(place.mirrors) as mirrors:
        return race.run(place, kind, [(place.clients[1], mirrors)], swarm, tag, arguments, every=0.05)


def rows_of(kind, results, bound, is_whole):
    ratios = sorted(result.last / bound for result in results)
    last_bytes = [result.last_byte for result in results if result.last_byte is not None]
    note = f"; the last byte at {statistics.median(last_bytes) / bound:.2f}" if last_bytes else ""
    yield (f"{kind.name}: time / bound of the LAN, {bound:.2f} s", statistics.median(ratios), GOAL if kind.ours and is_whole else None,
           f"{ratios[0]:.2f} to {ratios[-1]:.2f}{note}")
    yield (f"{kind.name}: bytes over the line / needed", statistics.median(result.mirror_share for result in results),
           LINE_GOAL if kind.ours and is_whole else None, "")


def main():
    arguments = race.options(__doc__, "packswarm_apt,packswarm_pacman,aptacng").parse_args()
    kinds = {name: clients.KINDS[name] for name in arguments.systems}
    needs.check(arguments, kinds.values())
    results = {name: [] for name in kinds}
    with Place(arguments, MIRRORS, {"c1": HOME, "c2": HOME}, shared=INTERNET) as place:
        bounds = {name: line_bound(kind.size(place.content), HOME.down) for name, kind in kinds.items()}
        for turn in range(arguments.rounds):
            for name, kind in kinds.items():
                results[name].append(one_run(place, kind, arguments, f"{name}{turn}"))
                race.tell(turn, kind, results[name][-1], bounds[name], "LAN")
    return contest.report(arguments, "lab_lan", [row for name, kind in kinds.items() for row in rows_of(kind, results[name], bounds[name], not arguments.mb)])


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
