"""Where a race is held: clients and mirrors in namespaces, each on a line of its own (wire.cpp), a tracker, and the bounds of its lines."""
import dataclasses
import os

import contest
from harness.tracker import Tracker
from lab import content, torrents
from long_lines import LongLines, round_trip_ms


@dataclasses.dataclass(frozen=True)
class Line:
    """Rates in Mbit/s as its owner sees them; the delay in ms each way."""

    up: float
    down: float
    delay: float

    def __str__(self):
        return f"{self.down:g}/{self.up:g}"


TRACKER = Line(1000, 1000, 5)
LAN = "home"


class Place(contest.Bench):
    """`shared`: the line to all others that the clients share; their own lines are those of their LAN then."""

    def __init__(self, arguments, mirrors, clients, shared=None):
        super().__init__(arguments)
        self.mirror_lines, self.client_lines, self.shared = mirrors, clients, shared

    def __enter__(self):
        super().__enter__()
        try:
            self._build()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _build(self):
        print("making the packages ...", flush=True)
        self.content = content.make(self.folder, self.household, self.arguments.mb)
        (self.folder / "www/arch" / torrents.SET).symlink_to(self.folder / "www/arch/lab/os/x86_64")
        self.network = LongLines(self.household, tag=f"lab{os.getpid() % 100000:x}", in_segments=True)
        if self.shared:
            self.network.lan(LAN, self.shared.up, self.shared.down, self.shared.delay)
        lan = LAN if self.shared else None
        nodes = {name: self.network.node(name, line.up, line.down, line.delay) for name, line in self.mirror_lines.items()}
        self.clients = [self.network.node(name, line.up, line.down, line.delay, lan) for name, line in self.client_lines.items()]
        self.tracker_node, self.tracker = self.network.node("tr", TRACKER.up, TRACKER.down, TRACKER.delay), None
        self.mirrors = [self.mirror(node) for node in nodes.values()]
        self._describe(nodes)

    def _describe(self, nodes):
        for what, content_of in (("Debian", self.content.debian), ("pacman", self.content.arch)):
            print(f"{len(content_of.packages)} packages, {total(content_of) / 1e6:.1f} MB as {what}'s")
        for name, node in nodes.items():
            print(f"{name}: {self.mirror_lines[name].up:g} Mbit/s, {round_trip_ms(self.clients[0], node):.1f} ms from {self.clients[0].name}")
        lines = {str(line) for line in self.client_lines.values()}
        print(f"{len(self.clients)} clients of {', '.join(lines)} Mbit/s" + (f", together {self.shared} to the mirrors" if self.shared else ""), flush=True)

    def start_tracker(self):
        """Started with the first client that wants it: its list of admitted torrents takes a hash of all content."""
        if not self.tracker:
            infos = [self.torrent_of(package) for package in self.content.arch.packages.values()] + [self.torrent_of_all()]
            self.tracker = Tracker(self.tracker_node, self.folder / "tracker", [torrents.infohash(info) for info in infos]).start()
        return self.tracker.url("http")

    def torrent_of(self, package):
        return torrents.of_one(self.content.arch.base / package.path, package.size)

    def torrent_of_all(self):
        return torrents.of_all(tuple((self.content.arch.base / package.path, package.size) for package in self.content.arch.packages.values()))

    def carried(self):
        """Bytes that TCP and UDP carried so far: (from mirrors to clients, from clients to clients)."""
        mirrors, clients = set(self.mirror_lines), set(self.client_lines)
        every = self.network.carried().items()
        return (sum(count for (sender, taker), count in every if sender in mirrors and taker in clients),
                sum(count for (sender, taker), count in every if sender in clients and taker in clients))


def total(repository):
    return sum(package.size for package in repository.packages.values())


def line_bound(size, mbit):
    """Seconds that so many bytes take on a line."""
    return size * 8e-6 / mbit


def kumar_ross(size, mirrors, clients):
    """The least time in which all clients can have the bytes when whatever has arrived may be passed on at once (Kumar and Ross 2006)."""
    served = sum(line.up for line in mirrors)
    together = served + sum(line.up for line in clients)
    return max(line_bound(size, served), line_bound(size, min(line.down for line in clients)), line_bound(size * len(clients), together))
