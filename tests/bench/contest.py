"""What the benches share: content like a real upgrade, the contestants, their time, CPU and memory, and the report.

Every contestant is run in turn, round after round, in the same network over the same files, and every file is hashed afterwards.
"""
import argparse
import dataclasses
import json
import os
import pathlib
import random
import resource
import shutil
import signal
import statistics
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration"))

from harness import agent as agents  # noqa: E402
from harness.apt import Apt  # noqa: E402
from harness.arch import PacmanRepository  # noqa: E402
from harness.debian import DebianRepository, sha256  # noqa: E402
from harness.keys import SigningKey, pacman_keyring  # noqa: E402
from harness.mirror import Mirror  # noqa: E402
from harness.pacman import Pacman  # noqa: E402
from harness.processes import Failed, Household, remove_folder  # noqa: E402

TICK = os.sysconf("SC_CLK_TCK")


def upgrade_sizes(total_mb):
    """Sizes drawn like a distribution's: half below 100 KB, most bytes in a few large files. Always the same ones."""
    chance = random.Random(20240611)
    sizes = [int(total_mb * 0.5e6), int(total_mb * 0.1e6)]
    while sum(sizes) < total_mb * 1e6:
        sizes.append(min(int(chance.lognormvariate(11.3, 1.5)) + 1000, 6_000_000))
    return sizes


class Content:
    """The same sizes as a signed Debian repository and as a signed pacman repository."""

    def __init__(self, folder, household, sizes, arch=True, arch_growth=1.0):
        """`arch_growth`: how much larger than Debian's pacman's packages are."""
        self.folder = folder
        self.key = SigningKey(folder / "key", "bench", household)
        self.public = self.key.export(folder / "bench.gpg")
        self.debian = DebianRepository(folder / "www/debian", self.key)
        self.arch = PacmanRepository(folder / "www/arch", self.key) if arch else None
        for number, size in enumerate(sizes):
            self.debian.add(f"pack{number:03}", size)
            if arch:
                self.arch.add(f"pack{number:03}", int(size * arch_growth))
        self.debian.publish()
        if arch:
            self.arch.publish()
            self.keyring = pacman_keyring(folder / "keyring", [self.key], household)


@dataclasses.dataclass
class Result:
    seconds: float
    cpu: float       # of every process that took part
    memory: int      # peak resident bytes, all of them together
    received: int    # bytes on the wire
    agent: int       # peak resident bytes of the agent alone; 0 without one


class Tree:
    """Samples the memory of processes and their children, and adds up their CPU seconds."""

    def __init__(self, roots, every=0.05):
        self.roots, self.every, self.peak, self.seen, self.going = roots, every, 0, {}, True
        self.peaks = dict.fromkeys(roots, 0)  # of each alone
        self.begin = {pid: cpu for pid, cpu in self._cpu().items()}
        self.thread = threading.Thread(target=self._sample, daemon=True)
        self.thread.start()

    def _pids(self):
        pids, todo = [], list(self.roots)
        while todo:
            pid = todo.pop()
            pids.append(pid)
            try:
                todo += [int(child) for task in pathlib.Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()]
            except OSError:
                pass
        return pids

    def _cpu(self):
        """CPU seconds by pid, of ended children too: a parent counts those it has waited for."""
        out = {}
        for pid in self._pids():
            try:
                fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
                out[pid] = sum(int(fields[place]) for place in (11, 12, 13, 14)) / TICK
            except OSError:
                pass
        return out

    def _sample(self):
        while self.going:
            resident = 0
            for pid in self._pids():
                try:
                    own = int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()
                except OSError:
                    continue
                resident += own
                if pid in self.peaks:
                    self.peaks[pid] = max(self.peaks[pid], own)
            self.peak = max(self.peak, resident)
            time.sleep(self.every)

    def end(self):
        """(CPU seconds of those that still run, peak resident bytes)."""
        self.going = False
        self.thread.join()
        return sum(cpu - self.begin.get(pid, 0) for pid, cpu in self._cpu().items()), self.peak


class Contestant:
    """prepare() is not timed; argv() is. `ours`: an agent takes part; `swarm`: what it is told of peers (harness/agent.py, settings)."""

    name, ours, swarm = "", False, {}

    def __init__(self, bench, node, mirrors, tag):
        self.bench, self.node, self.mirrors = bench, node, mirrors
        self.folder = bench.folder / tag
        self.folder.mkdir(parents=True)
        self.folder.chmod(0o755)
        self.agent = None

    def start_agent(self, repositories):
        folder = self.folder / "agent"
        self.agent = agents.Agent(self.node, folder, self.bench.programs, agents.settings(folder, repositories, self.node.ip, **self.swarm)).start()

    def prepare(self):
        pass

    def argv(self):
        raise NotImplementedError

    env, cwd = None, None

    def run(self):
        self.prepare()
        try:
            return self._timed()
        finally:
            if self.agent:
                self.agent.stop()
            shutil.rmtree(self.folder, ignore_errors=True)

    def _timed(self):
        before = self.node.received()
        began = time.monotonic()
        spent = resource.getrusage(resource.RUSAGE_CHILDREN)
        child = self.start()
        tree = Tree(self.roots(child))
        code = child.wait(600)
        seconds = time.monotonic() - began
        cpu, memory = tree.end()
        now = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu += now.ru_utime + now.ru_stime - spent.ru_utime - spent.ru_stime
        if code or not self.complete():
            raise Failed(f"{self.name} ended with {code}, complete: {self.complete()}\n{child.text()[-3000:]}")
        return Result(seconds, cpu, memory, self.node.received() - before, tree.peaks[self.agent.child.pid] if self.agent else 0)

    def start(self):
        return self.node.child(self.argv(), self.folder / "out", env=self.env, cwd=self.cwd)

    def roots(self, child):
        """The processes that it consists of, with their children."""
        return [child.pid] + ([self.agent.child.pid] if self.agent else [])

    def complete(self):
        return not self.lacking()

    def lacking(self):
        """The packages that are not there byte for byte."""
        have = {sha256(file) for file in self.target().rglob("*") if file.is_file()}
        return [package for package in self.packages() if package.sha256 not in have]

    def packages(self):
        return list(self.bench.content.debian.packages.values())

    def target(self):
        return self.folder / "got"

    def addresses(self, package):
        return [f"{mirror.url}/{package.path}" for mirror in self.mirrors]

    def debian_table(self):
        return {"format": "debian", "suite": "stable", "components": ["main"], "architectures": ["amd64"],
                "mirrors": [mirror.url for mirror in self.mirrors], "keyring": [self.bench.content.public], "public": True}

    def arch_table(self):
        return {"format": "pacman", "suite": "lab", "architectures": ["x86_64"], "public": True,
                "mirrors": [f"{mirror.url.replace('/debian', '/arch')}/lab/os/x86_64" for mirror in self.mirrors], "keyring": [self.bench.content.keyring]}


class AptAlone(Contestant):
    name = "apt"

    def prepare(self):
        method = self.bench.programs / "packswarm-apt-method" if self.ours else None
        if self.ours:
            self.start_agent([self.debian_table()])
        source = f"deb [signed-by={self.bench.content.public} arch=amd64] {self.mirrors[0].url} stable main"
        self.apt = Apt(self.node, self.folder / "apt", [source], method, f'Packswarm::Socket "{self.folder}/agent/socket";\n')
        self.apt.update()
        self.env, self.cwd = self.apt.env(), self.apt.folder / "got"

    def argv(self):
        return ["apt-get", "-q", *self.apt.install_argv([package.name for package in self.packages()])]

    def target(self):
        return self.apt.archives


class AptThroughUs(AptAlone):
    name, ours = "apt through packswarm", True


class PacmanAlone(Contestant):
    name = "pacman"

    def servers(self):
        return [f"Server = {mirror.url.replace('/debian', '/arch')}/$repo/os/$arch" for mirror in self.mirrors]

    def prepare(self):
        self.pacman = Pacman(self.node, self.folder / "pacman", self.bench.content.keyring, {"lab": self.servers()})
        self.pacman.run("-Sy")

    def argv(self):
        return self.pacman.argv("-Sw", *(package.name for package in self.packages()))

    def packages(self):
        return list(self.bench.content.arch.packages.values())

    def target(self):
        return self.pacman.cache


class PacmanThroughUs(PacmanAlone):
    name, ours = "pacman through packswarm", True

    def servers(self):
        return [f"Server = {self.agent.gateway}/$repo/os/$arch"] + super().servers()

    def prepare(self):
        self.start_agent([self.arch_table()])
        super().prepare()


class Aria2(Contestant):
    """Every file with all mirrors as addresses and its digest; five at a time."""

    name = "aria2c"

    def prepare(self):
        self.target().mkdir()
        self.list = self.folder / "list"
        self.list.write_text("".join("\t".join(self.addresses(package)) + f"\n checksum=sha-256={package.sha256}\n" for package in self.packages()))

    def argv(self):
        return ["aria2c", "--no-conf", "-q", "--file-allocation=none", "--summary-interval=0", "-d", self.target(), "-j5", f"-s{len(self.mirrors)}", "-x1",
                "-k1M", "--auto-file-renaming=false", "-i", self.list]


class Curl(Contestant):
    name = "curl"

    def prepare(self):
        self.target().mkdir()
        self.list = self.folder / "list"
        self.list.write_text("".join(f'url = "{self.addresses(package)[0]}"\noutput = "{self.target()}/{pathlib.Path(package.path).name}"\n'
                                     for package in self.packages()))

    def argv(self):
        return ["curl", "--fail", "--no-progress-meter", "--parallel", "--parallel-max", "5", "-K", self.list]


class Bench:
    """One network with its content; clears up whatever happens."""

    def __init__(self, arguments):
        self.arguments = arguments
        self.household = Household()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="packswarm-bench-"))
        self.folder.chmod(0o755)
        self.household.add(lambda: remove_folder(self.folder))
        self.programs = agents.staged(arguments.build, self.folder / "bin")
        self.results = {}
        self.content = None

    def __enter__(self):
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
        return self

    def __exit__(self, *_):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever is impatient would leave processes and namespaces behind
        self.household.close()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def mirror(self, node):
        """Serves /debian and /arch."""
        return Mirror(node, self.folder / f"nginx-{node.name}", self.folder / "www/debian", extra=("/arch", self.folder / "www/arch")).start()

    def contest(self, node, entries):
        """entries: (contestant class, mirrors). Round after round, each in turn."""
        for turn in range(self.arguments.rounds):
            for number, (kind, mirrors) in enumerate(entries):
                label = f"{kind.name}, {len(mirrors)} mirror{'s' * (len(mirrors) > 1)}"
                result = kind(self, node, mirrors, f"run{turn}-{number}").run()
                self.results.setdefault(label, []).append(result)
                print(f"  round {turn + 1}: {label:<36} {result.seconds:7.2f} s  {result.cpu:6.2f} CPU s  {result.memory / 1e6:6.1f} MB", flush=True)
        return self.results

    def median(self, label, field="seconds"):
        return statistics.median(getattr(result, field) for result in self.results[label])


def past_us(mirrors):
    """Packages that were asked for by anybody but the agent."""
    return sum(not request["agent"].startswith("packswarm") and request["uri"].endswith((".deb", ".zst")) for mirror in mirrors for request in mirror.requests())


def options(description, rounds=3):
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=os.environ.get("PACKSWARM_BUILD", HERE.parents[1] / "build"),
                        help="folder with the programs (default: $PACKSWARM_BUILD, else build)")
    parser.add_argument("--rounds", type=int, default=rounds, help="how often each contestant runs (default %(default)s)")
    parser.add_argument("--json", type=pathlib.Path, help="append one JSON line per result to this file")
    return parser


def report(arguments, bench, rows):
    """rows: (what, ratio, goal or None, note). Prints the table and appends JSON lines; returns how many goals were missed."""
    print(f"\n{'measured':<58} {'ratio':>7} {'goal':>7}  ")
    missed = 0
    for what, ratio, goal, note in rows:
        late = goal is not None and ratio > goal
        missed += late
        print(f"{what:<58} {ratio:>7.3f} {goal if goal is not None else '':>7}  {'MISSED ' if late else ''}{note}")
        if arguments.json:
            with open(arguments.json, "a") as file:
                file.write(json.dumps({"bench": bench, "what": what, "ratio": round(ratio, 4), "goal": goal, "note": note,
                                       "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}) + "\n")
    sys.stdout.flush()
    return missed


