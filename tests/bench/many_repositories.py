#!/usr/bin/python3
"""`apt-get update` of a desktop with thirty repositories, each at a host of its own: public, private, unsigned, flat,
expired, refused and dead ones. Through packswarm over apt alone, in the same run, no peers known; nothing is new.

A dead one does not answer at all: apt alone waits for it, too, as long as --timeout says.
"""
import statistics
import sys
import time

import contest
from long_lines import LongLines
from harness import agent as agents
from harness.apt import Apt
from harness.debian import DebianRepository
from harness.keys import SigningKey
from harness.mirror import Mirror
from harness.network import ip
from harness.processes import run

GOAL = 1.02      # or
ALLOWANCE = 50   # milliseconds more, whichever is larger
DAY = 86400


class Desktop:
    """The repositories, their servers, and the lines of sources.list."""

    def __init__(self, bench, network, counts):
        self.bench, self.network, self.lines, self.number = bench, network, [], 0
        self.key = SigningKey(bench.folder / "vendor-key", "vendor", bench.household)
        self.public = self.key.export(bench.folder / "vendor.gpg")
        self.stranger = SigningKey(bench.folder / "strange-key", "stranger", bench.household)
        for kind, count in counts.items():
            for _ in range(count):
                getattr(self, kind)()

    def repository(self):
        self.number += 1
        repository = DebianRepository(self.bench.folder / f"r{self.number}", self.key, suite=f"suite{self.number}")
        repository.add(f"tool{self.number}", 2_000)
        return repository

    def serve(self, repository, options, place=None):
        node = self.network.node(f"m{self.number}", 100, 100, 5)
        mirror = Mirror(node, self.bench.folder / f"m{self.number}", repository.base).start()
        self.lines.append(f"deb [arch=amd64 {options}] {mirror.url} {place or repository.suite + ' main'}")
        return mirror

    def signed(self):
        self.serve(self.repository().publish(), f"signed-by={self.public}")

    def apart(self):
        self.serve(self.repository().publish(inrelease=False), f"signed-by={self.public}")

    def unsigned(self):
        repository = self.repository().publish()
        for name in ("InRelease", "Release.gpg"):
            (repository.base / "dists" / repository.suite / name).unlink()
        self.serve(repository, "trusted=yes")

    def flat(self):
        repository = self.repository()
        packages = repository.base / "Packages"
        packages.write_text(run(["apt-ftparchive", "packages", "."], cwd=repository.base).stdout)
        for path in (repository.base, *repository.base.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
        self.serve(repository, "trusted=yes", "./")

    def expired(self):
        repository = self.repository().publish(date=time.time() - 30 * DAY, valid_until=time.time() - 20 * DAY)
        self.serve(repository, f"signed-by={self.public} check-valid-until=no")

    def strange(self):
        self.serve(self.repository().publish(key=self.stranger), "trusted=yes")

    def refused(self):
        self.serve(self.repository().publish(), f"signed-by={self.public}").stop()

    def dead(self):
        mirror = self.serve(self.repository().publish(), f"signed-by={self.public}")
        ip(mirror.node.namespace, "link set eth0 down")


def timed(apt):
    began = time.monotonic()
    apt.update(check=False, timeout=300)
    return 1000 * (time.monotonic() - began)


def main():
    parser = contest.options(__doc__, rounds=5)
    parser.add_argument("--dead", type=int, default=0, help="how many of the thirty do not answer (default 0)")
    parser.add_argument("--timeout", type=int, default=5, help="apt's own patience with these, in seconds (default 5)")
    arguments = parser.parse_args()
    counts = {"signed": 14 - arguments.dead, "apart": 3, "unsigned": 3, "flat": 3, "expired": 2, "strange": 2,
              "refused": 3, "dead": arguments.dead}
    with contest.Bench(arguments) as bench:
        network = LongLines(bench.household)
        desktop = Desktop(bench, network, counts)
        client = network.node("c1", 20, 100, 5)
        extra = f'Acquire::http::Timeout "{arguments.timeout}"; Acquire::Retries "0";\n'
        method = bench.programs / "packswarm-apt-method"
        ours = extra + f'Packswarm::Socket "{bench.folder}/agent/socket";\n'
        plain = Apt(client, bench.folder / "plain", desktop.lines, None, extra)
        through = Apt(client, bench.folder / "through", desktop.lines, method, ours)
        settings = agents.settings(bench.folder / "agent", [], client.ip, lan=True)
        settings["sources"] = {"apt": True, "pacman": False, "apt_dir": through.folder / "etc"}
        agent = agents.Agent(client, bench.folder / "agent", bench.programs, settings).start()
        times = {plain: [], through: []}
        first = {apt: timed(apt) for apt in (plain, through)}
        for _ in range(arguments.rounds):
            for apt in (plain, through):
                times[apt].append(timed(apt))
        agent.stop()
        ours, alone = statistics.median(times[through]), statistics.median(times[plain])
        goal = max(GOAL, 1 + ALLOWANCE / alone)
        rows = [("apt-get update of thirty repositories through packswarm / apt, medians", ours / alone, goal,
                 f"{ours:.0f} ms / {alone:.0f} ms; the first time {first[through]:.0f} ms / {first[plain]:.0f} ms")]
    return contest.report(arguments, "many_repositories", rows)


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
