#!/usr/bin/python3
"""Three agents and the archive this machine is configured for: the first fetches a real download from the mirrors, the second the
same from the first alone, the third from mirrors and a peer at once. The system's own apt state is only read.

Needs root. contrib/quickstart calls it after building: three_machines.py [--own] [--apt FOLDER] BUILD_FOLDER
"""
import argparse
import hashlib
import pathlib
import random
import re
import shutil
import signal
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))

from harness import agent as agents  # noqa: E402
from harness.debian import DebianRepository, sha256  # noqa: E402
from harness.keys import SigningKey  # noqa: E402
from harness.mirror import Mirror  # noqa: E402
from harness.network import Host, Network, free_port, namespaces_work  # noqa: E402
from harness.processes import Failed, Household, run  # noqa: E402

LINK = 100  # Mbit/s between the second machine and the others
KB, MB = 1000, 1_000_000
WANTED = [  # (from, to, how many): the shape of a real upgrade
    (20 * MB, 60 * MB, 1),
    (6 * MB, 20 * MB, 4),
    (1 * MB, 6 * MB, 8),
    (100 * KB, 1 * MB, 12),
    (0, 100 * KB, 30),
]
LEAST_FILES, LEAST_BYTES = 25, 60 * MB
UNREACHABLE = "No archive can be reached from here: no package index arrived."
STARTED = time.monotonic()


def say(text):
    print(f"[{time.monotonic() - STARTED:6.1f} s] {text}", flush=True)


class Archive:
    """The machine's own sources and keys, copied; apt's state and cache in folders of their own for every machine."""

    def __init__(self, folder, apt):
        self.name = "the archive that this machine is configured for"
        self.etc = folder / "etc-apt"
        shutil.copytree(apt, self.etc, symlinks=False, ignore_dangling_symlinks=True)
        self.etc.chmod(0o755)
        parts = self.etc / "apt.conf.d"
        parts.mkdir(exist_ok=True)
        # The system's hooks must not run for folders that are not the system's.
        hooks = ["APT::Update::Pre-Invoke", "APT::Update::Post-Invoke", "APT::Update::Post-Invoke-Success", "DPkg::Pre-Invoke", "DPkg::Post-Invoke",
                 "DPkg::Pre-Install-Pkgs"]
        (parts / "zzzz-packswarm").write_text("".join(f"#clear {hook};\n" for hook in hooks))

    def settings(self, settings):
        settings["sources"] = {"apt": True, "pacman": False, "apt_dir": self.etc}


class OwnArchive:
    """A small signed repository on nginx, for machines that cannot reach an archive.

    It stands on the host's loopback: agent 2, in a namespace of its own, has no way to it. Each connection is held to a rate of the
    second machine's order, so that agent 3 finds mirror and peer both worth using."""

    def __init__(self, folder, household):
        self.name = "a small signed repository made for this demonstration"
        key = SigningKey(folder / "key", "demonstration", household)
        self.public = key.export(folder / "demonstration.gpg")
        repository = DebianRepository(folder / "repository", key)
        chance = random.Random(1)
        for low, high, count in WANTED:
            for number in range(count):
                repository.add(f"demo{high // KB}k{number:02}", low + int((high - low) * (0.2 + 0.6 * chance.random())))
        repository.publish()
        node = Host(household)
        self.mirror = Mirror(node, folder / "nginx", repository.base, port=free_port(node.ip), rate=5 * MB).start()
        self.etc = folder / "etc-own"
        for part in ("apt.conf.d", "preferences.d", "sources.list.d", "trusted.gpg.d"):
            (self.etc / part).mkdir(parents=True)
        (self.etc / "sources.list").write_text(f"deb [signed-by={self.public}] {self.mirror.url} stable main\n")
        self.architecture = run(["dpkg", "--print-architecture"]).stdout.strip()

    def settings(self, settings):
        settings["repository"] = [{"format": "debian", "suite": "stable", "components": ["main"], "architectures": ["amd64", self.architecture],
                                   "mirrors": [self.mirror.url], "keyring": [self.public], "public": True}]


class Machine:
    """One agent, and an apt that asks it."""

    def __init__(self, name, what, node, folder, programs, archive, peers=(), listen=None, ports=0, env=None):
        self.name, self.what, self.node, self.folder, self.programs = name, what, node, folder, programs
        self.listen = listen or node.ip
        self.swarm_port, gateway_port = agents.Agent.SWARM_PORT + ports, agents.Agent.GATEWAY_PORT + ports
        settings = agents.settings(folder / "agent", [], self.listen, peers)
        settings["swarm"]["listen"] = f"{self.listen}:{self.swarm_port}"
        settings["gateway"]["listen"] = f"127.0.0.1:{gateway_port}"
        archive.settings(settings)
        self.agent = agents.Agent(node, folder / "agent", programs, settings, env)
        self.agent.start()
        self.apt = self._apt(archive)
        self.seconds = {}

    @property
    def endpoint(self):
        return f"{self.listen}:{self.swarm_port}"

    def _apt(self, archive):
        folder = self.folder / "apt"
        for part in ("state/lists/partial", "cache/archives/partial", "got"):
            (folder / part).mkdir(parents=True)
            shutil.chown(folder / part, "_apt")
        (folder / "status").touch()
        config = folder / "apt.conf"
        method = self.programs / "packswarm-apt-method"
        config.write_text(f"""Dir::State "{folder}/state";
Dir::State::status "{folder}/status";
Dir::Cache "{folder}/cache";
Dir::Etc "{archive.etc}";
Dir::Bin::Methods::http "{method}";
Dir::Bin::Methods::https "{method}";
Packswarm::Socket "{self.agent.socket}";
Acquire::Retries::Delay "false";
Packswarm::Retries::Delay "true";
Acquire::Languages "none";
Debug::NoLocking "1";
""")
        return folder

    def get(self, *words, timeout=300, check=True, program="apt-get"):
        env = {"APT_CONFIG": str(self.apt / "apt.conf"), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
        return self.node.run([program, "-q", *words], env=env, cwd=self.apt / "got", timeout=timeout, check=check)

    def update(self):
        self._timed("update", "update", check=False)  # a machine may have sources that do not answer; lists() tells what came

    def download(self, names):
        self._timed("download", "download", *names)

    def _timed(self, what, *words, **more):
        began = time.monotonic()
        answer = self.get(*words, **more)
        self.seconds[what] = time.monotonic() - began
        say(f"{self.name}: apt-get {what} took {self.seconds[what]:.1f} s")
        return answer

    def lists(self):
        return [file for file in (self.apt / "state/lists").iterdir() if "Packages" in file.name]

    def verified(self, expected):
        """How many of the expected files are here, hashed again by us."""
        have = {sha256(file) for file in (self.apt / "got").glob("*.deb")}
        return sum(digest in have for digest, _ in expected.values())


def not_shared(machine):
    """Why nothing of a repository could go from one agent to another, a sentence for each; and the bases of all others."""
    reasons, bases = [], set()
    for one in machine.agent.status()["repositories"]:
        if one["state"] == "verified" and one["sharing"] == "allowed":
            bases.update(one["bases"])
        else:
            reasons.append(f"{' '.join(one['bases'])} {one['suite']}: {one['message'] or 'its index is ' + one['state'] + ', sharing ' + one['sharing']}")
    return reasons, tuple(f"{base}/" for base in bases)


def choose(machine):
    """Names of packages by size, spread over the archive; the same ones on every run over the same index."""
    architectures = set(run(["dpkg", "--print-architecture"]).stdout.split()) | {"all"}
    stanzas = machine.get("dumpavail", program="apt-cache").stdout.split("\n\n")
    sizes = {}
    for stanza in stanzas:
        fields = dict(re.findall(r"^(Package|Architecture|Size): (.*)$", stanza, re.M))
        if len(fields) == 3 and fields["Architecture"] in architectures:
            sizes[fields["Package"]] = int(fields["Size"])
    names = sorted(sizes, key=lambda name: hashlib.sha256(name.encode()).digest())
    picked = []
    for low, high, count in WANTED:
        picked += [name for name in names if low < sizes[name] <= high][:count]
    return picked


def expectations(machine, names, bases):
    """{file: (SHA-256, size)} as apt's verified index says, of what lies below these addresses; and the packages' names."""
    text = machine.get("download", "--print-uris", "-o", "Acquire::ForceHash=SHA256", *names).stdout
    lines = re.finditer(r"^'([^']+)' (\S+) (\d+) SHA256:([0-9a-f]{64})$", text, re.M)
    found = {match[2]: (match[4], int(match[3])) for match in lines if match[1].startswith(bases)}
    return found, [name for name in names if any(file.startswith(f"{name}_") for file in found)]


def table(machines, expected):
    print(f"\n{'agent':<8} {'its sources':<26} {'files':>6} {'MB from mirrors':>16} {'from peers':>11} {'from cache':>11} {'update':>8} {'download':>9} "
          f"{'verified':>9}")
    for machine in machines:
        gave = machine.agent.gave()
        files = len(list((machine.apt / "got").glob("*.deb")))
        print(f"{machine.name:<8} {machine.what:<26} {files:>6} {gave['mirror'] / MB:>16.1f} {gave['peer'] / MB:>11.1f} {gave['cache'] / MB:>11.1f} "
              f"{machine.seconds['update']:>6.1f} s {machine.seconds['download']:>7.1f} s {machine.verified(expected):>5}/{len(expected)}")
    sys.stdout.flush()


def shortcomings(machines, expected):
    """What of the promise was not kept, as sentences."""
    size = sum(size for _, size in expected.values())
    first, second, third = machines
    wrong = [f"{machine.name}: {machine.verified(expected)} of {len(expected)} files are right" for machine in machines
             if machine.verified(expected) != len(expected)]
    if first.agent.gave()["mirror"] < size:
        wrong.append("agent 1 did not fetch everything from the mirrors itself: apt's own method stepped in")
    if second.agent.gave()["mirror"]:
        wrong.append("agent 2 had bytes from mirrors although it was cut off")
    if second.agent.gave()["peer"] < size:
        wrong.append("agent 2 did not get everything from its peer")
    gave = third.agent.gave()
    if not gave["mirror"] or not gave["peer"]:
        wrong.append("agent 3 did not use mirrors and peers both")
    return wrong


def demonstrate(folder, household, programs, own, apt):
    closed = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
    if namespaces_work():
        network = Network(household)
        host_address = network.join_host()
        cut_off, cut_env = network.node("two", up=LINK, down=LINK), None
        say(f"agent 2 lives in a network namespace without a route to any mirror, {LINK} Mbit/s from the others")
    else:
        host_address, cut_off, cut_env = "127.0.0.1", Host(household, "127.0.0.2"), closed
        say("no network namespaces here: agent 2 is cut off by a proxy setting that leads nowhere")
    host = Host(household, host_address)
    archive = Archive(folder, apt)

    def machine(name, what, node, **more):
        place = folder / name.replace(" ", "")
        place.mkdir()
        place.chmod(0o755)
        return Machine(name, what, node, place, programs, archive, **more)

    say(f"agent 1 starts; apt asks it for the indexes of {archive.name}")
    first = machine("agent 1", "the mirrors", host)
    first.update()
    reasons, bases = not_shared(first) if first.lists() else ([UNREACHABLE], ())
    names = choose(first) if bases else []
    expected, names = expectations(first, names, bases) if names else ({}, [])
    if own or not expected:
        for reason in ["as asked"] if own else reasons or ["it has no package that can be shared"]:
            say(f"This archive is not used: {reason}")
        say("the same follows on a small signed repository made now.")
        first.agent.stop()
        archive = OwnArchive(folder, household)
        shutil.rmtree(folder / "agent1")
        first = machine("agent 1", "the mirrors", host)
        first.update()
        expected, names = expectations(first, choose(first), not_shared(first)[1])
    size = sum(size for _, size in expected.values())
    largest = max(size for _, size in expected.values())
    small = sum(size < 100 * KB for _, size in expected.values())
    say(f"chosen: {len(expected)} packages, {size / MB:.1f} MB, the largest {largest / MB:.1f} MB, {small} below 100 KB")
    if len(expected) < LEAST_FILES or size < LEAST_BYTES:
        say(f"the archive has too few packages for {LEAST_FILES} files and {LEAST_BYTES // MB} MB; going on with what there is")
    first.download(names)

    say("agent 2 starts: no mirrors, only agent 1")
    second = machine("agent 2", "agent 1 alone", cut_off, peers=[first.endpoint], ports=1, env=cut_env)
    second.agent.wait_for_peer()
    second.update()
    second.download(names)

    say("agent 3 starts: the mirrors and agent 2 at once")
    third = machine("agent 3", "mirrors and agent 2", host, listen=host_address if host_address != "127.0.0.1" else "127.0.0.3", ports=2,
                    peers=[second.endpoint])
    third.agent.wait_for_peer()
    third.update()
    third.download(names)

    machines = [first, second, third]
    table(machines, expected)
    wrong = shortcomings(machines, expected)
    for one in machines:
        one.agent.stop()
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path, help="folder with packswarmd, packswarm and packswarm-apt-method")
    parser.add_argument("--own", action="store_true", help="use a small repository made here although an archive answers")
    parser.add_argument("--apt", type=pathlib.Path, default="/etc/apt", help="apt's folder, whose sources and keys are taken")
    arguments = parser.parse_args()
    build = arguments.build.resolve()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended on request"))
    household = Household()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="packswarm-demo-"))
    folder.chmod(0o755)
    household.add(lambda: shutil.rmtree(folder))
    try:
        wrong = demonstrate(folder, household, agents.staged(build, folder / "bin"), arguments.own, arguments.apt)
    except Failed as error:
        wrong = [str(error)]
    finally:
        household.close()
    for line in wrong:
        print(f"\nNot as promised: {line}", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
