"""Every request is spelled as the asker spelled it: what plain apt or pacman gets from a server that minds spelling comes through us too."""
import os
import shutil
import time

import pytest

from harness.debian import DebianRepository, sha256
from harness.processes import run


@pytest.fixture
def learned(world):
    """learned(apt): an agent that knows what that apt's sources say, and nothing else."""
    def start(machine, apt):
        def learn(settings):
            settings["sources"] = {"apt": True, "pacman": False, "apt_dir": apt.folder / "etc"}
        machine.start_agent([], change=learn)
        return apt
    return start


def asked(mirror):
    return sorted({(request["asked"], request["status"]) for request in mirror.requests() if request["uri"].endswith(".deb")})


def assert_only_we_asked(mirror):
    assert {request["agent"].partition("/")[0] for request in mirror.requests()} == {"packswarm"}, mirror.requests()


def test_a_store_that_reads_plus_as_a_blank_gives_us_what_it_gives_apt(world, stock, learned):
    repository = DebianRepository(world.folder / "own", stock.key)
    for number in range(3):
        repository.add(f"tool{number}++", 30_000, version="1.0+b1")
    mirror = world.mirror("m1", repository.publish().base).start("plus_is_a_blank")
    machine = world.machine("c1")
    plain = machine.apt([stock.source(mirror)], through_us=False)
    plain.update()
    plain.install(list(repository.packages))
    assert plain.wrong(repository.packages.values()) == []
    as_apt = asked(mirror)
    ours = learned(machine, machine.apt([stock.source(mirror)]))
    mirror.forget()
    ours.update()
    ours.install(list(repository.packages))
    assert ours.wrong(repository.packages.values()) == []
    assert asked(mirror) == as_apt
    assert_only_we_asked(mirror)


def test_the_other_mirrors_of_a_repository_are_asked_so_that_such_a_store_understands(world, stock):
    """Nobody spelled an address there: we write what apt would."""
    repository = DebianRepository(world.folder / "own", stock.key)
    package = repository.add("tool++", 30_000, version="1.0+b1")
    repository.publish()
    down, store = world.mirror("m1", repository.base), world.mirror("m2", repository.base, prefix="/store").start("plus_is_a_blank")
    machine = world.machine("c1")
    machine.start_agent([stock.debian_repository(down, store)])
    apt = machine.apt([stock.source(down)])
    apt.update()
    down.stop()
    apt.install([package.name])
    assert apt.wrong([package]) == []
    assert [status for _, status in asked(store)] == [200]


def test_names_that_differ_only_when_decoded_twice_are_two_files(world, stock, learned):
    """An index may name a file "x_1%2b1.deb", with the percent sign in its name; "x_1+1.deb" beside it is another."""
    repository = DebianRepository(world.folder / "own", stock.key)
    package = repository.add("odd", 30_000, version="1+1")
    file = repository.base / package.path
    file.rename(file.with_name("odd_1%2b1_amd64.deb"))
    file.write_bytes(b"another file\n")
    repository.publish(edit_packages=lambda text: next(part for part in text.split("\n\n") if "%2b" in part) + "\n\n")
    mirror = world.mirror("m1", repository.base)
    machine = world.machine("c1")
    apt = learned(machine, machine.apt([stock.source(mirror)]))
    apt.update()
    apt.install(["odd"])
    assert apt.wrong([package]) == []
    assert_only_we_asked(mirror)


FLAT = {"./": "", "/": "", "sub/": "sub", "./sub/": "sub"}


def flat(world, stock, folder):
    """A signed flat repository as dpkg-scanpackages writes it: the names of its files begin with "./"."""
    base = world.folder / "flat"
    made = DebianRepository(world.folder / "made", stock.key)
    packages = [made.add(name, 20_000, version="1.0+b1") for name in ("kube", "thing")]
    place = base / folder
    (place / "deb").mkdir(parents=True)
    for package in packages:
        shutil.copy(made.base / package.path, place / "deb")
    (place / "Packages").write_text(run(["sh", "-c", f"dpkg-scanpackages ./{folder} 2>/dev/null"], cwd=base).stdout)
    release = run(["apt-ftparchive", "--md5=no", "--sha1=no", "release", place]).stdout
    (world.folder / "Release").write_text(release)
    stock.key.clearsign(world.folder / "Release", place / "InRelease")
    for path in (base, *base.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
        os.utime(path, (time.time() - 3600,) * 2)
    assert "Filename: ./" in (place / "Packages").read_text()
    return base, packages


def complaints(output):
    return [line for line in output.splitlines() if line.startswith(("Err:", "W:", "E:"))]


@pytest.mark.parametrize("suite", FLAT)
def test_a_flat_repository_is_served_through_us(world, stock, learned, suite):
    base, packages = flat(world, stock, FLAT[suite])
    mirror = world.mirror("m1", base, prefix="/flat")
    machine = world.machine("c1")
    source = f"deb [signed-by={stock.public} arch=amd64] {mirror.url} {suite}"
    plain = machine.apt([source], through_us=False)
    as_apt = complaints(plain.update().stdout)
    plain.install([package.name for package in packages])
    assert plain.wrong(packages) == []
    apt = learned(machine, machine.apt([source]))
    mirror.forget()
    assert complaints(apt.update().stdout) == as_apt
    apt.install([package.name for package in packages])
    assert apt.wrong(packages) == []
    assert_only_we_asked(mirror)
    repository = machine.agent.status()["repositories"][0]
    assert repository["state"] == "verified" and repository["entries"] == len(packages), repository


def test_a_proxys_client_decides_how_an_address_is_spelled(world, stock):
    base = world.folder / "files"
    base.mkdir(mode=0o755)
    (base / "a+b~c:d").write_bytes(b"of these\n")
    (base / "a+b~c:d").chmod(0o644)
    mirror = world.mirror("m1", base, prefix="/files")
    machine = world.machine("c1")
    machine.start_agent([])
    out = machine.folder / "out"
    for spelling in ("a+b~c:d", "a%2Bb%7Ec%3Ad", "a%2bb~c:d", "./a%2Bb~c:d", "a%2Bb~c:d?version=1%2B2"):
        mirror.forget()
        machine.node.run(["curl", "-sS", "--fail", "--path-as-is", "--proxy", machine.agent.gateway, "--output", out, f"{mirror.url}/{spelling}"])
        assert sha256(out) == sha256(base / "a+b~c:d")
        assert [request["asked"] for request in mirror.requests()] == [f"/files/{spelling}"]
