"""All attacks on one agent at once, beside honest users of it: what they get, how long it takes, what the agent takes of the machine.

The agent's machine has 256 MiB for it (a memory cgroup, where the machine gives one), a local user who is hostile, a server that is, peers
that are, and somebody who writes into the store. Honest are apt and pacman on that machine, and apt on another one whose agent is a peer.
"""
import dataclasses
import gzip
import os
import pathlib
import random
import statistics
import sys
import threading
import time

from conftest import chosen
from harness import bad_peer, gossip
from harness.debian import DebianRepository
from harness.pacman import by_server
from harness.processes import Failed, wait_until

ATTACKS = pathlib.Path(__file__).resolve().parent / "attacks.py"
MEMORY = 256 << 20
CGROUPS = pathlib.Path("/sys/fs/cgroup/memory")
NOBODY = ["setpriv", "--reuid=65533", "--regid=65533", "--clear-groups", "prlimit", "--nofile=4096"]
BAD_PEERS = ("lying_hashes", "wrong_blocks", "silent", "drip", "flood", "malformed", "lends_garbage", "lends_garbage_later")
NETWORKS = 45
QUOTA = 40 << 20
LATE_P99_MS = 50
ROUND_WITHIN = 110  # seconds for one step of an honest round; a busy machine with two cores takes thirty


@dataclasses.dataclass
class Round:
    who: str
    seconds: float
    failure: str = ""


class MemoryLimit:
    """A memory cgroup around one process. is_there: whether the machine gives one."""

    def __init__(self, household, limit):
        self.folder = CGROUPS / f"packswarm-siege-{os.getpid()}"
        self.is_there = (CGROUPS / "memory.limit_in_bytes").exists()
        if self.is_there:
            self.folder.mkdir()
            household.add(self.folder.rmdir)
            (self.folder / "memory.limit_in_bytes").write_text(str(limit))

    def take(self, pid):
        if self.is_there:
            (self.folder / "cgroup.procs").write_text(str(pid))

    def anonymous(self):
        """Bytes that no file backs: what cannot be given back."""
        lines = (self.folder / "memory.stat").read_text().splitlines() if self.is_there else []
        return next((int(line.split()[1]) for line in lines if line.startswith("rss ")), 0)


HONEST = ("apt on c1", "apt on c2", "pacman on c1")


class Siege:
    def __init__(self, world, stock, loop_limit_ms=50):
        self.world, self.stock, self.loop_limit_ms = world, stock, loop_limit_ms
        self.rounds, self.samples, self.over = [], [], threading.Event()
        self.mirror = world.mirror("m1", stock.debian.base, up=80)
        self.arch_mirror = world.mirror("m2", stock.arch.base, prefix="/arch", up=80)
        self.liar = world.mirror("m3", stock.debian.base).spoil()
        self.liar.start("wrong_bytes")
        self.server = world.network.node("server")
        self._hostile_server()
        self.peers = [self._bad_peer(mode) for mode in BAD_PEERS]
        self.machine = world.machine("c1")
        self.limit = MemoryLimit(world.household, MEMORY)
        self._start_agent()
        self.neighbour = world.machine("c2")
        self.neighbour.start_agent([stock.debian_repository(self.mirror)], peers=[self.agent.endpoint],
                                   env={"PACKSWARM_LOOP_LIMIT_MS": str(max(250, loop_limit_ms))},
                                   change=lambda settings: settings["store"].update(quota="16 MiB"))

    # ---- The place

    def _hostile_server(self):
        """A repository with an index that unpacks to a thousand times its size, and one whose root has 30,000 lines."""
        base = self.world.folder / "hostile"
        for suite in ("bomb", "lines"):
            made = DebianRepository(base, self.stock.key, suite=suite)
            made.add("tiny", 1000)
            if suite == "lines":
                hashes = "".join(f" {number:064x} {number} main/odd{number}\n" for number in range(30_000))
                made.publish(by_hash=False, edit_release=lambda text: text + hashes)
                continue
            made.publish(by_hash=False, compressions=(".gz",))
            dist = base / "dists" / suite
            with gzip.open(dist / "main/binary-amd64/Packages.gz", "wb", compresslevel=6) as out:
                for _ in range(1024):
                    out.write(b"Package: x\n" * (1 << 20 // 11))
            made._sign(dist, made._release(dist, time.time() - 60, None, False), True, True, self.stock.key)
        self.server.child([sys.executable, ATTACKS, "server", self.server.ip, base], self.world.folder / "server.log")
        wait_until(lambda: f"{self.server.ip}:80 " in self.server.run(["ss", "-Hltn"]).stdout, 15, "the hostile server listens")
        self.server_url = f"http://{self.server.ip}"

    def _bad_peer(self, mode):
        node = self.world.network.node(f"bad{BAD_PEERS.index(mode)}")
        files = [self.stock.debian.base / one.path for one in chosen(self.stock.debian, "middle", "large")]
        node.child([sys.executable, bad_peer.__file__, mode, node.ip, "6881", *files], self.world.folder / f"peer-{mode}.log")
        return f"{node.ip}:6881"

    def _start_agent(self):
        hostile = {**self.stock.debian_repository(self.mirror), "mirrors": [f"{self.server_url}/hostile"], "public": False}
        repositories = [self.stock.debian_repository(self.mirror, self.liar), self.stock.pacman_repository(self.arch_mirror),
                        *({**hostile, "suite": suite} for suite in ("bomb", "lines"))]
        self.agent = self.machine.prepare_agent(repositories, peers=self.peers, lan=True, env={"PACKSWARM_LOOP_LIMIT_MS": str(self.loop_limit_ms)},
                                                change=lambda settings: settings["store"].update(quota=f"{QUOTA >> 20} MiB"))
        self.agent.start()
        self.limit.take(self.agent.child.pid)
        self.swarm = wait_until(lambda: self.agent.discovery()["swarms"], 20, "a swarm is joined")[0]["infohash"]

    # ---- Attacks

    def attack(self):
        socket, port = self.agent.socket, self.agent.GATEWAY_PORT
        for words in (["control", socket, self.server_url], ["descriptors", socket], ["sessions", socket], ["gateway", port], ["heads", port],
                      ["unlisted", port, self.server_url]):
            self.machine.node.child([*NOBODY, sys.executable, ATTACKS, *words], self.world.folder / f"attack-{words[0]}.log")
        crowd = self.world.network.node("crowd")
        self.machine.node.run(["ip", "route", "add", "198.18.0.0/16", "via", crowd.ip])
        addresses = [f"198.18.{number}.1" for number in range(NETWORKS)]
        for address in addresses:
            crowd.run(["ip", "address", "add", f"{address}/32", "dev", "lo"])
        own, swarm = [self.machine.node.ip, self.agent.SWARM_PORT, self.swarm], self.world.folder
        crowd.child([sys.executable, ATTACKS, "dials", *own[:2]], swarm / "attack-dials.log")
        crowd.child([sys.executable, gossip.__file__, "crowd", *own, 300, *addresses], swarm / "attack-crowd.log")
        crowd.child([sys.executable, gossip.__file__, "unfinished", *own, 150, *addresses], swarm / "attack-unfinished.log")
        crowd.child(["prlimit", "--nofile=8192", sys.executable, gossip.__file__, "silent", *own, 1000, *addresses], swarm / "attack-silent.log")
        crowd.child([sys.executable, gossip.__file__, "pex", *own, *(f"198.18.200.{number}:7000" for number in range(200))], swarm / "attack-pex.log")
        crowd.child([sys.executable, gossip.__file__, "lan", crowd.ip, self.swarm, *(f"198.18.201.{number}:7000" for number in range(200))],
                    swarm / "attack-lan.log")
        for go_on in (self._bomb, self._write_into_the_store):
            self._thread(go_on)
        self._thread(self._forge, crowd)

    def _forge(self, crowd):
        """Connections that are begun in the name of the honest neighbour."""
        while not self.over.wait(20):
            crowd.run([sys.executable, gossip.__file__, "forged", self.machine.node.ip, self.agent.SWARM_PORT, self.swarm, 1000, self.neighbour.node.ip],
                      check=False, timeout=60)

    def _bomb(self):
        apt = self.machine.apt([f"deb [signed-by={self.stock.public} arch=amd64] {self.server_url}/hostile {suite} main" for suite in ("bomb", "lines")])
        while not self.over.wait(5):
            apt.update(check=False, timeout=120)

    def _write_into_the_store(self):
        chance = random.Random(5)
        while not self.over.wait(3):
            stored = [path for path in (self.agent.state / "files").rglob("*") if path.is_file()]
            if stored:
                try:
                    with open(chance.choice(stored), "r+b") as file:
                        file.seek(chance.randrange(1000))
                        file.write(b"rot")
                except OSError:
                    pass  # evicted meanwhile

    # ---- Honest users

    def honest(self):
        debian, arch = chosen(self.stock.debian), chosen(self.stock.arch)
        names, targets = [one.name for one in debian], [one.name for one in arch]
        for machine in (self.machine, self.neighbour):
            apt = machine.apt([self.stock.source(self.mirror)])
            self._thread(self._repeat, f"apt on {machine.name}", debian, apt, lambda apt=apt: (apt.update(timeout=ROUND_WITHIN), apt.install(names, timeout=ROUND_WITHIN)))
        pacman = by_server(self.machine, self.stock, self.arch_mirror)
        self._thread(self._repeat, "pacman on c1", arch, pacman,
                     lambda: (pacman.run("-Syy", timeout=ROUND_WITHIN), pacman.run("-Sw", *targets, timeout=ROUND_WITHIN)))

    def _repeat(self, who, packages, manager, upgrade):
        while not self.over.wait(0.5):
            begun = time.monotonic()
            try:
                upgrade()
                wrong = manager.wrong(packages)
                failure = f"wrong: {wrong}" if wrong else ""
            except Failed as error:
                failure = str(error)
            self.rounds.append(Round(who, time.monotonic() - begun, failure))
            manager.forget_packages()

    # ---- Watching

    def _thread(self, target, *args):
        threading.Thread(target=target, args=args, daemon=True).start()

    def idle(self):
        """The honest who have not ended a round yet."""
        return [who for who in HONEST if not any(one.who == who for one in self.rounds)]

    def watch(self, seconds, patience=0):
        """A sample every two seconds. Ends early when the agent has ended; later, by `patience` seconds at most, when a busy machine has not let
        each of the honest end a round."""
        begin = time.monotonic()
        while self.agent.child.alive() and time.monotonic() < begin + seconds + (patience if self.idle() else 0):
            begun = time.monotonic()
            status = self.agent.status()
            proc = pathlib.Path(f"/proc/{self.agent.child.pid}")
            fields = {line.split(":")[0]: line.split()[1] for line in (proc / "status").read_text().splitlines() if line.split()[1:]}
            self.samples.append({
                "answered_s": time.monotonic() - begun, "resident": int(fields["VmRSS"]) * 1024, "anonymous": int(fields["RssAnon"]) * 1024,
                "peak": int(fields["VmHWM"]) * 1024, "threads": int(fields["Threads"]), "descriptors": len(list((proc / "fd").iterdir())),
                "peers": status["peers"], "store": status["store"]["bytes"], "unlisted": status["store"]["unlisted"], "mishaps": status["mishaps"],
                "open": status["requests"]["open"], "loop_late_ms": status["loop_late_ms"],
                "late_p99_ms": status["loop_late_p99_ms"]})
            time.sleep(max(0, 2 - (time.monotonic() - begun)))
        self.over.set()

    def faults(self):
        """What must not be, one line each."""
        out = [f"{one.who}: {one.failure[-1500:]}" for one in self.rounds if one.failure]
        if not self.agent.child.alive():
            return out + [f"the agent ended with {self.agent.child.process.returncode}:\n{self.agent.log()[-3000:]}"]
        out += [f"nothing was done by {who}" for who in self.idle()]
        quarter = len(self.samples) // 4
        if quarter > 30:
            early, late = (statistics.median(one["anonymous"] for one in part) for part in (self.samples[quarter:2 * quarter], self.samples[-quarter:]))
            out += [f"memory grows: {early / 2**20:.0f} MiB in the second quarter, {late / 2**20:.0f} in the last"] if late > 1.15 * early else []
        most = max(one["store"] for one in self.samples)
        return out + ([f"the store held {most} bytes"] if most > QUOTA else [])

    def late(self):
        """The same for the loop's lateness, which a busy machine has its share in."""
        p99 = self.samples[-1]["late_p99_ms"]
        return [f"of a hundred moments one waits for the loop for {p99} ms or more"] if p99 > LATE_P99_MS else []

    def table(self):
        """Lines for a person."""
        out = []
        for who in sorted({one.who for one in self.rounds}):
            mine = [one for one in self.rounds if one.who == who]
            out.append(f"{who:14} {len(mine):5} rounds, {sum(bool(one.failure) for one in mine)} failed, median "
                       f"{statistics.median(one.seconds for one in mine):.1f} s, longest {max(one.seconds for one in mine):.1f} s")
        most = {key: max(one[key] for one in self.samples) for key in self.samples[0]}
        stills = [int(line.split("stood still for ")[1].split()[0]) for line in self.agent.stand_stills()]
        out += [f"memory         peak {most['peak'] / 2**20:.0f} MiB resident, {most['anonymous'] / 2**20:.0f} MiB of it the agent's own at most"
                + ("" if self.limit.is_there else " (no memory cgroup here: nothing held it)"),
                f"loop           {len(stills)} times {self.loop_limit_ms} ms or more late by its own doing, {sum(stills) / 1000:.1f} s in all, at most "
                f"{max(stills, default=0)} ms; p99 {self.samples[-1]['late_p99_ms']} ms; status answered within "
                f"{most['answered_s']:.2f} s",
                f"at most        {most['descriptors']} descriptors, {most['threads']} threads, {most['peers']} peers, {most['open']} requests open, "
                f"{most['store'] / 2**20:.1f} MiB stored, {most['unlisted'] / 2**20:.1f} MiB of unlisted files on their way"]
        return out
