"""Servers that send a file whole where a part of it was asked for: Python's http.server, nginx told so, a cache that has not got the
file yet. Whatever plain apt and pacman get from them comes through the agent too, and about as many bytes move."""
import os
import signal
import subprocess
import sys

import pytest

from harness.apt_cacher import AptCacher
from harness.mirror import Mirror
from harness.odd_mirror import OddMirror
from harness.pacman import by_server, by_xfer_command
from harness.processes import wait_until

EXTRA = 1.2  # times what plain moves: a first try for a part, and what was under way when it was cut off


class HttpServer:
    """`python3 -m http.server`, as it is."""

    def __init__(self, world, name, base, prefix):
        self.node, self.prefix = world.network.node(name), prefix
        self.child = self.node.child([sys.executable, "-m", "http.server", "--bind", self.node.ip, "--directory", base.parent, "80"], world.folder / f"{name}.py")
        wait_until(lambda: f"{self.node.ip}:80 " in self.node.run(["ss", "-Hltn"]).stdout, 15, lambda: f"it listens: {self.child.text()}")

    @property
    def url(self):
        return f"http://{self.node.ip}{self.prefix}"


def nginx(world, name, base, prefix):
    return Mirror(world.network.node(name), world.folder / name, base, prefix=prefix, max_ranges=0).start()


def parts_from_the_start(world, name, base, prefix):
    return OddMirror(world, name, base, prefix=prefix, parts="from_the_start")


def unnamed_parts(world, name, base, prefix):
    return OddMirror(world, name, base, prefix=prefix, parts="unnamed")


SERVERS = {"http_server": HttpServer, "nginx": nginx, "parts_from_the_start": parts_from_the_start, "unnamed_parts": unnamed_parts}


class ByApt:
    prefix = "/debian"

    def __init__(self, world, stock, machine, mirrors):
        self.repository, self.machine = stock.debian, machine
        machine.start_agent([stock.debian_repository(*mirrors)])
        self.sources = [stock.source(mirrors[0])]

    def fetch(self, names, through_us):
        apt = self.machine.apt(self.sources, through_us=through_us)
        apt.update()
        return apt, lambda: apt.install(names, check=False)


class ByPacman:
    prefix, way = "/arch", None

    def __init__(self, world, stock, machine, mirrors):
        self.repository, self.machine, self.stock, self.mirror = stock.arch, machine, stock, mirrors[0]
        machine.start_agent([stock.pacman_repository(*mirrors)])

    def fetch(self, names, through_us):
        plain = {"lab": [f"Server = {self.mirror.url}/$repo/os/$arch"]}
        pacman = type(self).way(self.machine, self.stock, self.mirror) if through_us else self.machine.pacman(self.stock.pacman_keyring, plain)
        pacman.run("-Sy")
        return pacman, lambda: pacman.run("-Sw", *names, check=False)


class ByGateway(ByPacman):
    way = staticmethod(lambda machine, stock, mirror: machine.pacman(stock.pacman_keyring, {"lab": [f"Server = {machine.agent.gateway}/$repo/os/$arch"]}))


class ByXferCommand(ByPacman):
    way = staticmethod(by_xfer_command)


WAYS = {"apt": ByApt, "gateway": ByGateway, "xfer_command": ByXferCommand}


def moved(mirrors, action):
    before = sum(mirror.node.sent() for mirror in mirrors)
    result = action()
    return result, sum(mirror.node.sent() for mirror in mirrors) - before


def compare(client, mirrors, names, extra=EXTRA):
    """As much comes through the agent as without it, for about the bytes."""
    packages = [client.repository.packages[name] for name in names]
    manager, install = client.fetch(names, through_us=False)
    plain, least = moved(mirrors, install)
    assert plain.returncode == 0 and manager.wrong(packages) == [], plain.stdout
    manager, install = client.fetch(names, through_us=True)
    ours, bytes_moved = moved(mirrors, install)
    assert ours.returncode == 0, ours.stdout
    assert manager.wrong(packages) == []
    print(f"{bytes_moved / least:.3f} times the bytes of plain")
    assert bytes_moved <= extra * least
    for mirror in client.machine.agent.ask("mirrors")["mirrors"]:
        assert mirror["corrupt"] == 0 and mirror["errors"] == 0, mirror


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("server", SERVERS)
def test_files_of_every_size_come_from_a_lone_server_that_sends_whole_files(world, stock, server, way):
    kind = WAYS[way]
    base = stock.debian.base if kind is ByApt else stock.arch.base
    mirrors = [SERVERS[server](world, "m1", base, kind.prefix)]
    compare(kind(world, stock, world.machine("c1"), mirrors), mirrors, ["small03", "middle02", "large00", "large03", "huge64"])


@pytest.mark.parametrize("way", ["apt", "gateway"])
@pytest.mark.parametrize("server", ["http_server", "parts_from_the_start"])
@pytest.mark.parametrize("beside", ["another", "one_that_gives_parts"])
def test_files_come_from_one_that_sends_whole_files_beside(world, stock, server, way, beside):
    kind = WAYS[way]
    base = stock.debian.base if kind is ByApt else stock.arch.base
    mirrors = [SERVERS[server](world, "m1", base, kind.prefix)]
    if beside == "another":
        mirrors.append(SERVERS[server](world, "m2", base, kind.prefix))
    else:
        mirrors.append(world.mirror("m2", base, prefix=kind.prefix))
    # Who is faster is not known: what one has begun to send whole the other shares, and the bytes between come from both.
    compare(kind(world, stock, world.machine("c1"), mirrors), mirrors, ["small03", "large03", "huge64"], extra=2)


@pytest.mark.parametrize("server", ["nginx", "unnamed_parts"])
def test_after_an_interruption_the_whole_file_comes_again(world, stock, server):
    mirror = SERVERS[server](world, "m1", stock.arch.base, "/arch")
    mirror.node.shape(up=40)
    machine = world.machine("c1")
    client = ByGateway(world, stock, machine, [mirror])
    pacman, install = client.fetch(["huge64"], through_us=True)
    package = stock.arch.packages["huge64"]
    start = mirror.node.sent()
    child = pacman.child("-Sw", "huge64")
    wait_until(lambda: mirror.node.sent() - start > package.size / 3, 60, lambda: f"a third is here:\n{child.text()[-2000:]}")
    assert child.alive(), child.text()
    os.killpg(child.pid, signal.SIGINT)
    child.wait(20)
    mirror.node.shape(up=None)
    assert install().returncode == 0
    assert pacman.wrong([package]) == []


@pytest.fixture
def apt_cacher(world, stock):
    """apt-cacher-ng before it has anything: it asks a mirror, and sends whole files until it has them."""
    upstream = world.mirror("origin", stock.debian.base, rate=1_000_000)  # or it would have a file before it is asked for a later part
    return AptCacher(world.network.node("cacher"), world.folder / "cacher", upstream).start()


@pytest.mark.skipif(subprocess.run(["which", "apt-cacher-ng"], capture_output=True).returncode != 0, reason="apt-cacher-ng is not installed")
def test_large_files_come_from_an_apt_cacher_that_has_to_get_them_first(world, stock, apt_cacher):
    machine = world.machine("c1")
    machine.start_agent([stock.debian_repository(apt_cacher)])
    apt = machine.apt([stock.source(apt_cacher)])
    apt.update()
    names = ["large00", "large03", "middle02"]
    said = apt.install(names, check=False)
    assert said.returncode == 0, said.stdout
    assert apt.wrong([stock.debian.packages[name] for name in names]) == []
    assert all(mirror["corrupt"] == 0 for mirror in machine.agent.ask("mirrors")["mirrors"])
