#!/usr/bin/python3
"""A seeding box with every package of the archive that this machine's apt knows: how it starts, what it holds in memory, what it costs
while nobody asks, and how soon a second agent has any of its files from it alone.

The index has the real number of entries with their real paths and sizes. The files have their real length and content of our own,
4 KiB drawn from the path and then a hole (sparse_archive.py says more); each digest, and each piece hash, is that of the bytes served.
The box is filled by packswarm-seed, as an owner would fill it. Both agents are in network namespaces of their own.

    tests/bench/seeding_box.py --folder FOLDER     keeps the archive and the filled box there, so that a second run skips the filling
"""
import argparse
import json
import os
import pathlib
import random
import shutil
import socket
import statistics
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration"))

from harness import agent as agents  # noqa: E402
from harness.keys import SigningKey  # noqa: E402
from harness.mirror import Mirror  # noqa: E402
from harness.network import Network  # noqa: E402
from harness.processes import Failed, Household, run, wait_until  # noqa: E402
from sparse_archive import SparseArchive  # noqa: E402

GOALS = {"start": 5, "memory": 120, "idle": 0.5, "first byte": 100}  # s, MB, % of a core, ms
IDLE_SECONDS = 40
SMALL = 1 << 20  # up to this over the channel, larger ones through a torrent


class Control:
    """One asker on an agent's control socket."""

    def __init__(self, path):
        self.link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.link.settimeout(300)
        self.link.connect(str(path))
        self.text, self.files, self.last = b"", [], 0
        self.say(op="hello", asker="cli", version=1)

    def say(self, **command):
        self.link.sendall(json.dumps(command).encode() + b"\n")

    def hear(self):
        """The next event, and its file when it has one."""
        while b"\n" not in self.text:
            data, files, _, _ = socket.recv_fds(self.link, 1 << 16, 16)
            if not data:
                raise Failed("the agent went away")
            self.text += data
            self.files += files
        line, self.text = self.text.split(b"\n", 1)
        event = json.loads(line)
        return event, self.files.pop(0) if event.get("fd") else None

    def fetch(self, url):
        """(seconds to the first byte, seconds to the end, descriptor, sources) of a file."""
        self.last += 1
        begun = time.perf_counter()
        self.say(op="get", id=self.last, url=url)
        first = None
        while True:
            event, file = self.hear()
            now = time.perf_counter() - begun
            kind = event["event"]
            if kind == "failed":
                raise Failed(f"{url}: {event}")
            if kind == "progress" and event.get("received", 0) > 0 or kind == "done":
                first = first or now
            if kind == "done":
                return first, now, file, event["sources"]
            if file is not None:
                os.close(file)


class Box:
    """The seeding box: its folder outlives the run when the caller names one."""

    def __init__(self, bench, node):
        self.bench, self.node = bench, node
        self.agent = agents.Agent(node, bench.folder / "box", bench.programs, self._settings())

    def _settings(self):
        settings = agents.settings(self.bench.folder / "box", [self.bench.repository()], self.node.ip)
        settings["store"]["quota"] = "300 GiB"
        settings["swarm"]["upload_limit"] = 0
        return settings

    def fill(self):
        """Returns how many seconds it took; nothing is done when everything is there."""
        begun = time.monotonic()
        if self.offered() < len(self.bench.archive.entries):
            self.agent.ask("refresh")
            wait_until(lambda: self.agent.repository("stable")["entries"], 120, "the box has read the index")
            # In the agent's own mount namespace: across two of them no hard link can be made, and holes would become bytes.
            run(["nsenter", f"--target={self.agent.child.pid}", "--mount", "--net", self.bench.programs / "packswarm-seed", "--socket", self.agent.socket,
                 "--keyring", self.bench.public, self.bench.archive.base], timeout=7200)
        wait_until(lambda: self.offered() >= len(self.bench.archive.entries), 60, lambda: f"everything is shared: {self.agent.status()['sharing']}")
        return time.monotonic() - begun

    def offered(self):
        return self.agent.status()["sharing"]["offered"]

    def start(self):
        """Seconds from the program's start to READY, and until everything is shared."""
        begun = time.monotonic()
        self.agent.start()
        ready = time.monotonic() - begun
        wait_until(lambda: self.offered() >= len(self.bench.archive.entries), 600, "everything is shared")
        return ready, time.monotonic() - begun

    def cpu(self):
        return agents.own_cpu(self.agent.child.pid)

    def memory(self):
        """Resident bytes now, of them anonymous, and the most there were."""
        text = pathlib.Path(f"/proc/{self.agent.child.pid}/status").read_text()
        fields = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in text.splitlines() if line.endswith("kB")}
        return fields["VmRSS"], fields["RssAnon"], fields["VmHWM"]


class Bench:
    def __init__(self, arguments, household):
        self.arguments, self.household = arguments, household
        self.folder = pathlib.Path(arguments.folder or tempfile.mkdtemp(prefix="packswarm-box-"))
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)
        for old in ("programs", "mirror", "asker"):
            shutil.rmtree(self.folder / old, ignore_errors=True)
        if not arguments.folder:
            household.add(lambda: shutil.rmtree(self.folder))
        self.programs = agents.staged(arguments.build, self.folder / "programs")
        shutil.copy(pathlib.Path(arguments.build) / "packswarm-seed", self.programs)
        self.key = self._key()
        self.public = self.key.export(self.folder / "box.gpg")
        self.archive = SparseArchive(self.folder / "archive", self.key, most=arguments.most)
        self.network = Network(household)
        self.mirror = Mirror(self.network.node("mirror"), self.folder / "mirror", self.archive.base).start()

    def _key(self):
        home = self.folder / "key"
        if not home.exists():
            return SigningKey(home, "box", self.household)
        key = SigningKey.__new__(SigningKey)
        key.home, key.name = home, "box"
        self.household.add(key.close)
        listing = key.gpg("--with-colons", "--list-keys").stdout
        key.fingerprint = next(line.split(":")[9] for line in listing.splitlines() if line.startswith("fpr"))
        return key

    def repository(self):
        return {"format": "debian", "suite": "stable", "components": ["main"], "architectures": ["amd64"], "mirrors": [self.mirror.url],
                "keyring": [self.public], "public": True}


def fetch_some(bench, box, count):
    """Times of `count` random artifacts in a row, fetched by a second agent from the box alone; wrong ones end the run."""
    bench.mirror.stop()
    node = bench.network.node("asker")
    folder = bench.folder / "asker"
    asker = agents.Agent(node, folder, bench.programs, agents.settings(folder, [bench.repository()], node.ip, peers=[box.agent.endpoint])).start()
    asker.wait_for_peer()
    control = Control(asker.socket)
    os.close(control.fetch(f"{bench.mirror.url}/dists/stable/InRelease")[2])
    wait_until(lambda: asker.repository("stable")["entries"], 120, "the asker has the index from the box")
    chance = random.Random(63440)
    times = {"small": [], "large": []}
    for entry in chance.sample(bench.archive.entries, count):
        first, whole, file, sources = control.fetch(f"{bench.mirror.url}/{entry.path}")
        right = bench.archive.content_right(entry, f"/proc/self/fd/{file}")
        os.close(file)
        if not right or {source["kind"] for source in sources} != {"peer"}:
            raise Failed(f"{entry.path}: {'wrong bytes' if not right else sources}")
        times["small" if entry.size <= SMALL else "large"].append((first * 1000, whole * 1000, entry.size))
    asker.stop()
    return times


def report(arguments, bench, figures, times):
    first = [one[0] for rows in times.values() for one in rows]
    held = [("READY after a warm start", figures["ready"], GOALS["start"], "s"), ("everything shared after", figures["shared"], GOALS["start"], "s"),
            ("resident memory", figures["memory"], GOALS["memory"], "MB"), ("idle", figures["idle"], GOALS["idle"], "% of a core"),
            ("first byte, median", statistics.median(first), GOALS["first byte"], "ms"), ("first byte, worst", max(first), GOALS["first byte"], "ms")]
    print(f"\n{len(bench.archive.entries)} entries of {bench.archive.source}, {sum(one.size for one in bench.archive.entries) / 1e9:.1f} GB by the index, "
          f"{figures['pieces']} piece hashes in the ledger.\nStand-ins: each file has its real length, 4 KiB of our own bytes and a hole; "
          "digests and piece hashes are those of these bytes.")
    print(f"filled by packswarm-seed in {figures['fill']:.0f} s; after serving {figures['after']:.1f} MB resident, at most {figures['peak']:.1f} MB; "
          f"{figures['anonymous']:.1f} MB of it anonymous")
    print(f"canonical torrents loaded when the last file was there: {figures['torrents']}; none a minute later")
    for kind, rows in times.items():
        if rows:
            print(f"{len(rows)} {kind} artifacts from the box alone, all right: first byte {statistics.median(one[0] for one in rows):.1f} ms median, "
                  f"{max(one[0] for one in rows):.1f} ms worst; whole file {statistics.median(one[1] for one in rows):.1f} ms median, "
                  f"{sum(one[2] for one in rows) / sum(one[1] for one in rows) / 1000:.0f} MB/s")
    for what, value, goal, unit in held:
        print(f"{'ok  ' if value <= goal else 'MISS'} {what}: {value:.2f} {unit} (goal {goal})")
    if arguments.json:
        pathlib.Path(arguments.json).write_text(json.dumps({what: [value, goal] for what, value, goal, _ in held}, indent=2) + "\n")
    return all(value <= goal for _, value, goal, _ in held)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=HERE.parents[1] / "build", help="where the programs are")
    parser.add_argument("--folder", help="keeps the archive and the box's store for the next run")
    parser.add_argument("--most", type=int, help="only so many entries of the index")
    parser.add_argument("--fetches", type=int, default=200)
    parser.add_argument("--json", help="also writes the figures there")
    arguments = parser.parse_args()
    household = Household()
    try:
        bench = Bench(arguments, household)
        box = Box(bench, bench.network.node("box"))
        box.agent.start()
        figures = {"fill": box.fill()}
        box.agent.stop()
        figures["ready"], figures["shared"] = box.start()
        time.sleep(5)  # what a start leaves to do
        begun, cpu = time.monotonic(), box.cpu()
        time.sleep(IDLE_SECONDS)
        figures["idle"] = 100 * (box.cpu() - cpu) / (time.monotonic() - begun)
        figures["memory"], figures["anonymous"] = (value / 1e6 for value in box.memory()[:2])
        times = fetch_some(bench, box, min(arguments.fetches, len(bench.archive.entries)))
        loaded = box.agent.status()["sharing"]["torrents"]
        wait_until(lambda: box.agent.status()["sharing"]["torrents"] == 0, 90, "torrents that nobody asks for any more are dropped")
        figures["torrents"] = loaded
        figures["after"], figures["peak"] = box.memory()[0] / 1e6, box.memory()[2] / 1e6
        figures["pieces"] = sum(-(-one.size // piece_length(one.size)) for one in bench.archive.entries if one.size > SMALL)
        box.agent.stop()
        return report(arguments, bench, figures, times)
    finally:
        household.close()


def piece_length(size):
    length = 1 << 16
    while length < 1 << 24 and size > length * 512:
        length *= 2
    return length


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
