"""Clients of one kind fetch the same upgrade at the same moment: what each took, what went over the lines, and a line of print about it."""
import argparse
import dataclasses
import pathlib
import statistics
import time

import contest
from lab import clients

LEAST = 2000  # bytes between two looks that count as going on


@dataclasses.dataclass(frozen=True)
class Result:
    costs: list        # of each client
    size: int          # bytes that each wants
    packages: int      # that each wants
    wall: float        # seconds until all were done, or it was given up
    from_mirrors: int  # bytes that TCP and UDP carried
    from_clients: int

    @property
    def needed(self):
        return self.size * len(self.costs)

    @property
    def last(self):
        return max(self.wall if cost.seconds is None else cost.seconds for cost in self.costs)

    @property
    def last_byte(self):
        """Of the last client; None where that is not looked at, or not all came."""
        times = [cost.last_byte for cost in self.costs]
        return None if None in times else max(times)

    @property
    def complete(self):
        return sum(cost.complete for cost in self.costs) / (self.packages * len(self.costs))

    @property
    def mirror_share(self):
        return self.from_mirrors / self.needed

    @property
    def moved(self):
        return (self.from_mirrors + self.from_clients) / self.needed

    def cpu_per_gb(self, of="cpu"):
        return sum(getattr(cost, of) for cost in self.costs) / (self.needed * 1e-9)


class Watch:
    """Looks at the clients until all are done, too much time has passed, or nothing has moved for too long."""

    def __init__(self, place, racing, arguments, stall):
        self.place, self.racing, self.arguments, self.stall = place, racing, arguments, stall
        self.before = place.carried()

    def carried(self):
        return tuple(now - then for now, then in zip(self.place.carried(), self.before))

    def to_the_end(self, every, during):
        """`during`: called after each look with the seconds and (bytes from mirrors, from clients) so far. Returns the seconds."""
        began = went_on = time.monotonic()
        most = 0
        while not all([client.look() for client in self.racing]):  # a list: each is looked at
            carried, now = self.carried(), time.monotonic()
            if sum(carried) > most + LEAST:
                most, went_on = sum(carried), now
            elif now - went_on > self.stall or now - began > self.arguments.timeout:
                break
            if during:
                during(now - began, carried)
            time.sleep(every)
        return time.monotonic() - began


def run(place, kind, entries, swarm, tag, arguments, stall=60, every=0.2, during=None):
    """entries: (node, mirrors) of each client. `swarm(node)`: what its agent is told of peers. Preparing is not timed."""
    racing = []
    try:
        for node, mirrors in entries:
            client = kind(place, node, mirrors, f"{tag}-{node.name}")
            client.swarm = swarm(node)
            racing.append(client)
            client.prepare()
        watch = Watch(place, racing, arguments, stall)
        for client in racing:
            client.begin()
        wall = watch.to_the_end(every, during)
        carried = watch.carried()
        costs = [client.end() for client in racing]
        packages = racing[0].packages()
        return Result(costs, sum(package.size for package in packages), len(packages), wall, *carried)
    finally:
        close(racing, arguments)


def close(racing, arguments):
    for client in racing:  # all at once: an agent takes most of a second
        if client.agent and client.agent.child:
            client.agent.child.ask_to_end()
    for client in racing:
        client.close(arguments.keep)


def tell(turn, kind, result, bound, bound_name):
    agents = f", the agents' {result.cpu_per_gb('agent_cpu'):.1f}" if kind.ours else ""
    last_byte = f", the last byte after {result.last_byte:.1f}" if result.last_byte is not None else ""
    right, wanted = sum(cost.complete for cost in result.costs), result.packages * len(result.costs)
    memory = max(cost.memory for cost in result.costs)
    median = statistics.median(cost.seconds or result.wall for cost in result.costs)
    print(f"  round {turn + 1}: {kind.name}\n"
          f"    last {result.last:.1f} s{last_byte}, median {median:.1f}; {bound_name} bound {bound:.1f} s; ratio {result.last / bound:.3f}\n"
          f"    {right} of {wanted} packages right; from mirrors {result.from_mirrors / 1e6:.1f} MB = {result.mirror_share:.3f} of what was needed,"
          f" from clients {result.from_clients / 1e6:.1f} MB, moved {result.moved:.3f}\n"
          f"    CPU {result.cpu_per_gb():.1f} s per GB{agents}; peak memory of a client {memory / 1e6:.1f} MB", flush=True)
    for cost in result.costs:
        if cost.said:
            print("    one that lacks packages " + cost.said.replace("\n", "\n      "), flush=True)
            break


def options(description, systems, without=()):
    """Those that the lab's benches share; `without`: systems that this one does not know."""
    parser = contest.options(description, rounds=1)
    known = [name for name in clients.KINDS if name not in without]
    parser.add_argument("--systems", default=systems, type=lambda text: named(text, known),
                        help=f"which, by comma: {', '.join(known)} (default %(default)s)")
    parser.add_argument("--mb", type=float, help="the sizes in proportion to so many MB as Debian's (default: 115)")
    parser.add_argument("--timeout", type=float, default=300, help="seconds after which a run is given up (default %(default)s)")
    parser.add_argument("--keep", type=kept, help="leave the clients' folders there, with the agents' logs and ledgers")
    return parser


def kept(text):
    folder = pathlib.Path(text).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def named(text, known):
    names = text.split(",")
    for name in names:
        if name not in known:
            raise argparse.ArgumentTypeError(f"there is no {name}; there are {', '.join(known)}")
    return names
