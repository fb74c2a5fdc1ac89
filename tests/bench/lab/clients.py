"""Those who fetch the upgrade side by side: begin(), look() until it says True, end(). What contest.py has alone, here one of many."""
import dataclasses
import os
import shutil
import time

import contest
from harness import agent as agents
from lab import torrents
from lab.place import total

LATE = (".sig", ".sig.part", ".aria2")  # files that are not counted: the packages have come


@dataclasses.dataclass(frozen=True)
class Cost:
    seconds: float | None    # until it was done; None when it was not
    last_byte: float | None  # seconds until all bytes were there: what follows is the package manager's own work
    complete: int            # packages that are there byte for byte
    cpu: float               # seconds, of every process that took part
    agent_cpu: float         # of them the agent's
    memory: int              # peak resident bytes, all together
    said: str                # the end of its output, when something is lacking


class Client:
    """In front of one of the contestants. `shares`: others can have the packages from it as long as it has not ended."""

    shares, knows_all_mirrors, takes_arch, programs = False, False, False, ()

    @classmethod
    def size(cls, content):
        """Bytes that it wants."""
        return total(content.arch if cls.takes_arch else content.debian)

    def begin(self):
        """The clock starts."""
        self.began, self.seconds, self.last_byte, self.ended_cpu = time.monotonic(), None, None, 0.0
        self.agent_began = self._agent_cpu()
        self.child = self.start()
        self.tree = contest.Tree(self.roots(self.child), every=0.2)

    def look(self):
        """Notes what has come true since the last look; whether it is done."""
        now = time.monotonic() - self.began
        if self.ours and self.last_byte is None and self._bytes_here() >= sum(package.size for package in self.packages()):
            self.last_byte = now
        if self.seconds is None and self.is_done():
            self.seconds = now
        return self.seconds is not None

    def is_done(self):
        return self.has_ended()

    def has_ended(self):
        """Whether its process has; what that spent is told to its parent at this moment, and only then."""
        process = self.child.process
        if process.returncode is None:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                process.returncode = os.waitstatus_to_exitcode(status)
                self.ended_cpu = usage.ru_utime + usage.ru_stime
        return process.returncode is not None

    def end(self):
        """Ends the package manager, not the agent."""
        ended = self.has_ended()
        cpu, memory = self.tree.end()
        agent_cpu = self._agent_cpu() - self.agent_began
        self.child.kill()
        lacking = self.lacking()
        said = f"ended with {self.child.process.returncode if ended else 'nothing'}:\n{self.child.text()[-1500:]}" if lacking else ""
        return Cost(self.seconds, self.last_byte, len(self.packages()) - len(lacking), cpu + self.ended_cpu, agent_cpu, memory, said)

    def close(self, keep=None):
        """Ends its agent and takes its folder away; `keep`: puts it there instead."""
        if self.agent:
            self.agent.stop()
        if keep:
            shutil.move(self.folder, keep / f"{self.folder.name}-{self.node.name}")
        shutil.rmtree(self.folder, ignore_errors=True)

    def _agent_cpu(self):
        return agents.own_cpu(self.agent.child.pid) if self.agent else 0.0

    def _bytes_here(self):
        here = 0
        for folder in (self.target(), self.target() / "partial"):
            try:
                here += sum(entry.stat().st_size for entry in os.scandir(folder) if entry.is_file() and not entry.name.endswith(LATE))
            except FileNotFoundError:  # no such folder, or a file has got its last name in this moment
                pass
        return here


class OfArch:
    """Takes the pacman packages as plain files, which are more bytes than Debian's."""

    takes_arch = True

    def packages(self):
        return list(self.bench.content.arch.packages.values())

    def addresses(self, package):
        return [f"{mirror.url.replace('/debian', '/arch')}/{package.path}" for mirror in self.mirrors]


class Apt(Client, contest.AptAlone):
    programs = ("apt-get",)


class Pacman(Client, contest.PacmanAlone):
    takes_arch, programs = True, ("pacman",)


class OurApt(Client, contest.AptThroughUs):
    shares, knows_all_mirrors, programs = True, True, ("apt-get", "setpriv")


class OurPacman(Client, contest.PacmanThroughUs):
    shares, knows_all_mirrors, takes_arch, programs = True, True, True, ("pacman", "setpriv")


class CachedApt(Apt):
    """Its mirror is an apt-cacher-ng, which keeps the packages for others."""

    name, shares, programs = "apt through apt-cacher-ng", True, ("apt-get", "apt-cacher-ng")


class Curl(OfArch, Client, contest.Curl):
    programs = ("curl",)


class Aria2(OfArch, Client, contest.Aria2):
    name, knows_all_mirrors, programs = "aria2c, HTTP alone", True, ("aria2c",)


class Aria2Torrents(Aria2):
    """A torrent of each package with all mirrors as web seeds, and a tracker; it seeds until it is ended."""

    name, programs, shares = "aria2c with torrents", ("aria2c", "opentracker", "curl"), True

    def prepare(self):
        self.target().mkdir()
        self.done_log = self.folder / "done"
        self.done_log.touch()
        hook = self.folder / "hook"
        hook.write_text(f"#!/bin/sh\necho >> {self.done_log}\n")
        hook.chmod(0o755)
        self.hook, self.torrents = hook, self.written(self.bench.start_tracker())

    def written(self, tracker):
        folder = self.folder / "torrents"
        folder.mkdir()
        return [torrents.write(folder / f"{package.name}.torrent", self.bench.torrent_of(package), tracker, self.addresses(package))
                for package in self.packages()]

    def argv(self):
        return ["aria2c", "--no-conf", "-q", "--file-allocation=none", "--summary-interval=0", "--allow-overwrite=true", "-d", self.target(),
                "-j5", f"-s{len(self.mirrors)}", "-x1", "-k1M", "--enable-dht=false", "--enable-dht6=false", "--bt-enable-lpd=false",
                "--follow-torrent=false", "--listen-port=6881-6889", "--seed-ratio=0.0", "--bt-detach-seed-only=true",
                f"--on-bt-download-complete={self.hook}", *self.torrents]

    def is_done(self):
        return self.has_ended() or self.done_log.stat().st_size >= len(self.torrents)  # a byte each


class Aria2Set(Aria2Torrents):
    """The best case of plain BitTorrent: everybody wants the very same set."""

    name = "aria2c with one torrent"

    def written(self, tracker):
        seeds = [f"{mirror.url.replace('/debian', '/arch')}/" for mirror in self.mirrors]
        return [torrents.write(self.folder / "set.torrent", self.bench.torrent_of_all(), tracker, seeds)]


KINDS = {"packswarm_apt": OurApt, "packswarm_pacman": OurPacman, "apt": Apt, "pacman": Pacman, "aptacng": CachedApt, "curl": Curl, "aria2": Aria2,
         "aria2bt": Aria2Torrents, "aria2set": Aria2Set}
