"""Servers with habits of their own: everything called text/html, answers without a length, 403 for what is not there, few requests at a
time. What plain apt and pacman get from them they get through the agent, and no server is called a liar for its headers."""
import pytest

from harness.debian import DebianRepository
from harness.odd_mirror import OddMirror
from harness.pacman import by_server, by_xfer_command

NAMES = [f"small{number:02}" for number in range(0, 30, 4)] + ["middle02", "middle05", "large00", "large03"]
HABITS = {
    "everything_is_html": {"type": "text/html"},
    "everything_is_xhtml_without_a_length": {"type": "application/xhtml+xml; charset=utf-8", "chunked": True},
    "parts_without_a_unit": {"parts": "unnamed", "type": "text/html"},
    "no_length_and_no_date": {"chunked": True, "dated": False},
    "closes_after_each_answer": {"closes": True},
    "gz_is_called_an_encoding_and_the_connection_closes": {"closes": True, "encoding": "x-gzip"},
    "403_for_what_is_absent": {"absent": 403},
}


def verdicts(agent):
    """What the agent holds against its mirrors."""
    return [(mirror["base"], mirror["corrupt"], mirror["errors"]) for mirror in agent.ask("mirrors")["mirrors"] if mirror["corrupt"] or mirror["errors"]]


def asked_for(mirror, ending):
    """How often a whole file was asked for, by path."""
    times = {}
    for request in mirror.requests():
        if request["path"].endswith(ending) and not request["range"]:
            times[request["path"]] = times.get(request["path"], 0) + 1
    return times


@pytest.mark.parametrize("habit", HABITS)
def test_apt_gets_everything_from_a_server_where(world, stock, habit):
    mirror = OddMirror(world, "m1", stock.debian.base, **HABITS[habit])
    machine = world.machine("c1")
    machine.start_agent([stock.debian_repository(mirror)])
    packages = [stock.debian.packages[name] for name in NAMES]
    for through_us in (False, True):
        apt = machine.apt([stock.source(mirror)], through_us=through_us)
        apt.update()
        mirror.forget()
        said = apt.install(NAMES, check=False)
        assert said.returncode == 0 and apt.wrong(packages) == [], said.stdout
    small = [path for path in asked_for(mirror, ".deb") if "small" in path]
    assert small and all(asked_for(mirror, ".deb")[path] == 1 for path in small), "nothing is fetched twice"
    assert all(request["agent"].startswith("packswarm") for request in mirror.requests()), "apt's own method had to help"
    assert verdicts(machine.agent) == []


@pytest.mark.parametrize("habit", ["everything_is_html", "everything_is_xhtml_without_a_length", "parts_without_a_unit", "no_length_and_no_date"])
@pytest.mark.parametrize("way", ["gateway", "xfer_command", "xfer_command_without_agent"])
def test_pacman_gets_everything_from_a_server_where(world, stock, way, habit):
    mirror = OddMirror(world, "m1", stock.arch.base, prefix="/arch", **HABITS[habit])
    machine = world.machine("c1")
    machine.start_agent([stock.pacman_repository(mirror)])
    packages = [stock.arch.packages[name] for name in NAMES]
    plain = machine.pacman(stock.pacman_keyring, {"lab": [f"Server = {mirror.url}/$repo/os/$arch"]})
    ours = (by_server if way == "gateway" else by_xfer_command)(machine, stock, mirror)
    if way == "xfer_command_without_agent":
        machine.agent.stop()
    for pacman in (plain, ours):
        pacman.run("-Sy")
        said = pacman.run("-Sw", *NAMES, check=False)
        assert said.returncode == 0 and pacman.wrong(packages) == [], said.stdout
        assert "error" not in said.stdout, said.stdout
    if way != "xfer_command_without_agent":
        assert verdicts(machine.agent) == []


def test_a_web_page_instead_of_a_package_is_no_package_and_no_lie(world, stock):
    page, honest = OddMirror(world, "m1", stock.debian.base, page=True), world.mirror("m2", stock.debian.base)
    machine = world.machine("c1")
    machine.start_agent([stock.debian_repository(page, honest)])
    apt = machine.apt([stock.source(page)])
    apt.update()
    apt.install(NAMES)
    assert apt.wrong([stock.debian.packages[name] for name in NAMES]) == []
    assert verdicts(machine.agent) == []
    assert any(request["path"].endswith(".deb") for request in page.requests())


def test_pacman_gets_packages_that_no_index_lists_from_a_server_that_calls_them_html(world, stock):
    """The agent knows another repository only: it hands these through."""
    mirror = OddMirror(world, "m1", stock.arch.base, prefix="/arch", type="text/html")
    machine = world.machine("c1")
    machine.start_agent([{**stock.pacman_repository(mirror), "suite": "elsewhere", "mirrors": [f"{mirror.url}/elsewhere/os/x86_64"]}])
    pacman = by_xfer_command(machine, stock, mirror)
    pacman.run("-Sy")
    pacman.run("-Sw", "small04", "large00")
    assert pacman.wrong([stock.arch.packages[name] for name in ("small04", "large00")]) == []


@pytest.fixture
def detached(world, stock):
    """A repository with Release and Release.gpg, and no InRelease."""
    repository = DebianRepository(world.folder / "detached", stock.key)
    repository.add("tool", 60_000)
    repository.publish(inrelease=False)
    return repository


@pytest.mark.parametrize("way", ["method", "proxy"])
def test_403_for_an_absent_inrelease_ends_as_it_does_without_us(world, stock, detached, way):
    mirror = OddMirror(world, "m1", detached.base, absent=403)
    machine = world.machine("c1")
    machine.start_agent([stock.debian_repository(mirror)])
    proxy = f'Acquire::http::Proxy "{machine.agent.gateway}/";\n' if way == "proxy" else ""
    ends = []
    for through_us in (False, True):
        apt = machine.apt([stock.source(mirror)], through_us=through_us and way == "method", extra=proxy if through_us else "")
        updated, installed = apt.update(check=False), apt.install(["tool"], check=False)
        ends.append((updated.returncode, installed.returncode, apt.wrong(detached.packages.values())))
        print(updated.stdout, installed.stdout)
    assert ends[0] == ends[1]


def test_a_server_that_answers_two_at_a_time_gives_everything(world, stock):
    names = NAMES + [f"bulk{number:02}" for number in range(3)]
    mirror = OddMirror(world, "m1", stock.debian.base, at_once=2, rate=4_000_000)
    machine = world.machine("c1")
    machine.start_agent([stock.debian_repository(mirror)])
    apt = machine.apt([stock.source(mirror)])
    apt.update()
    said = apt.install(names, check=False)
    assert said.returncode == 0, said.stdout
    assert apt.wrong([stock.debian.packages[name] for name in names]) == []
    assert all(corrupt == 0 for _, corrupt, _ in verdicts(machine.agent))


def test_packswarm_fetch_takes_what_curl_takes(world, stock):
    """Without an agent: from a folder, over a redirect from https to http, whatever it is called."""
    plain = OddMirror(world, "m1", stock.arch.base, prefix="/arch", type="text/html")
    machine = world.machine("c1")
    out, package = machine.folder / "out", stock.arch.packages["middle02"]
    packswarm = [world.programs / "packswarm", "--socket", machine.folder / "nobody", "fetch"]
    for url in (f"{plain.url}/{package.path}", f"file://{stock.arch.base / package.path}"):
        machine.node.run([*packswarm, url, out])
        machine.node.run(["curl", "-fsSL", "-o", machine.folder / "curl", url])
        assert out.read_bytes() == (machine.folder / "curl").read_bytes()
        out.unlink()


def test_pacman_s_local_repository_comes_through_the_xfer_command(world, stock):
    mirror = world.mirror("m1", stock.arch.base, prefix="/arch")
    machine = world.machine("c1")
    machine.start_agent([stock.pacman_repository(mirror)])
    command = f"XferCommand = {world.programs}/packswarm --socket {machine.socket()} fetch %u %o"
    pacman = machine.pacman(stock.pacman_keyring, {"lab": [f"Server = file://{stock.arch.base}/$repo/os/$arch"]}, command)
    pacman.run("-Sy")
    pacman.run("-Sw", "small04", "large00")
    assert pacman.wrong([stock.arch.packages[name] for name in ("small04", "large00")]) == []
