"""A stored file whose bytes change while its size and time stay: it leaves by no door, and whoever asks gets the right one."""
import os
import sqlite3

import pytest
from conftest import chosen

from harness.arch import PacmanRepository
from harness.debian import sha256
from harness.pacman import by_server
from harness.processes import wait_until


def file_of(agent, package):
    return agent.state / "files" / package.sha256[:2] / package.sha256


def flip(agent, package, at=0.6):
    """As a failing disk: one bit of the file, nothing else of it."""
    path = file_of(agent, package)
    before = path.stat()
    with open(path, "r+b") as file:
        file.seek(int(package.size * at))
        byte = file.read(1)[0]
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte ^ 4]))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)


def wait_until_stored(agent, packages):
    wait_until(lambda: all(file_of(agent, package).exists() for package in packages), 20, lambda: f"all is stored:\n{agent.log()[-2000:]}")


def store_of(agent):
    return agent.status()["store"]


def flip_over_a_restart(agent, packages, scrub=0):
    wait_until_stored(agent, packages)
    agent.stop()
    for package in packages:
        flip(agent, package)
    agent.change(lambda settings: settings["store"].update(scrub=scrub))
    agent.start()


@pytest.fixture
def mirror(world, stock):
    return world.mirror("m1", stock.arch.base, prefix="/arch")


@pytest.fixture
def machine(world, stock, mirror):
    machine = world.machine("c1")
    machine.start_agent([stock.pacman_repository(mirror)])
    return machine


def test_pacman_gets_right_files_from_a_store_that_rotted(machine, stock, mirror):
    wanted = chosen(stock.arch, "small0", "middle0", "large0")
    names = [package.name for package in wanted]
    pacman = by_server(machine, stock, mirror)
    pacman.run("-Sy")
    pacman.run("-Sw", *names)
    rotten = [package for package in wanted if package.name.endswith(("1", "2"))]
    flip_over_a_restart(machine.agent, rotten)
    pacman.forget_packages()
    pacman.run("-Sw", *names)
    assert pacman.wrong(wanted) == []
    assert store_of(machine.agent)["rotten"] == len(rotten)
    log = machine.agent.log()
    for package in rotten:
        lines = [line for line in log.splitlines() if package.sha256 in line and "rotted" in line]
        assert len(lines) == 1 and str(file_of(machine.agent, package)) in lines[0]
    assert "rotten files were dropped" in machine.node.run([machine.world.programs / "packswarm", "--socket", machine.socket(), "status"]).stdout


def test_what_did_not_rot_is_given_from_the_store_over_a_restart(machine, stock, mirror):
    wanted = chosen(stock.arch, "small0", "large0")
    names = [package.name for package in wanted]
    pacman = by_server(machine, stock, mirror)
    pacman.run("-Sy")
    pacman.run("-Sw", *names)
    flip_over_a_restart(machine.agent, [])
    wait_until_stored(machine.agent, wanted)
    mirror.forget()
    pacman.forget_packages()
    pacman.run("-Sw", *names)
    assert pacman.wrong(wanted) == []
    assert [request for request in mirror.requests() if request["uri"].endswith(".zst")] == []
    assert store_of(machine.agent)["rotten"] == 0


@pytest.mark.parametrize("name", ["small05", "middle03", "large03"])
def test_fetch_gets_the_right_file(machine, stock, mirror, name):
    package = stock.arch.packages[name]
    machine.agent.ask("refresh")
    address = f"{mirror.url}/{package.path}"
    out = machine.folder / "out"
    machine.agent.fetch(address, out)
    flip_over_a_restart(machine.agent, [package])
    out.unlink()
    machine.agent.fetch(address, out)
    assert sha256(out) == package.sha256
    assert store_of(machine.agent)["rotten"] == 1


def test_what_somebody_writes_into_a_running_agent_s_store_is_found_out(machine, stock, mirror):
    package = stock.arch.packages["middle03"]
    machine.agent.ask("refresh")
    out = machine.folder / "out"
    machine.agent.fetch(f"{mirror.url}/{package.path}", out)
    wait_until_stored(machine.agent, [package])
    wait_until(lambda: store_of(machine.agent)["unproven"] == 0, 10, "all is proven")
    flip(machine.agent, package)
    machine.agent.fetch(f"{mirror.url}/{package.path}", out)
    assert sha256(out) == package.sha256


def test_apt_gets_right_files_from_a_store_that_rotted(world, stock):
    mirror = world.mirror("m1", stock.debian.base)
    machine = world.machine("c1")
    machine.start_agent([stock.debian_repository(mirror)])
    wanted = chosen(stock.debian, "small0", "large0")
    apt = machine.apt([stock.source(mirror)])
    apt.update()
    apt.install([package.name for package in wanted])
    flip_over_a_restart(machine.agent, wanted)
    second = machine.apt([stock.source(mirror)])
    second.update()
    second.install([package.name for package in wanted])
    assert second.wrong(wanted) == []
    assert store_of(machine.agent)["rotten"] == len(wanted)


def test_a_peer_gets_right_bytes_and_bans_nobody(world, machine, stock, mirror):
    wanted = chosen(stock.arch, "small0", "middle0", "large0")
    names = [package.name for package in wanted]
    first = by_server(machine, stock, mirror)
    first.run("-Sy")
    first.run("-Sw", *names)
    rotten = [package for package in wanted if package.name.endswith(("1", "3"))]
    flip_over_a_restart(machine.agent, rotten)
    other = world.machine("c2")
    other.start_agent([stock.pacman_repository(mirror)], peers=[machine.agent.endpoint])
    second = by_server(other, stock, mirror)
    second.run("-Sy")
    other.agent.wait_for_peer()
    second.run("-Sw", *names)
    assert second.wrong(wanted) == []
    assert other.agent.peers() == [machine.agent.endpoint], other.agent.log()
    assert other.agent.gave()["peer"] > 0, "nothing came from the peer"
    for word in ("banned", "wrong bytes", "dropped"):
        assert word not in other.agent.log()
    wait_until(lambda: store_of(machine.agent)["rotten"] == len(rotten), 20, "the giver dropped what had rotted")


def test_the_index_that_is_kept_may_rot(machine, stock, mirror):
    package = stock.arch.packages["small05"]
    pacman = by_server(machine, stock, mirror)
    pacman.run("-Sy")
    wait_until(lambda: store_of(machine.agent)["files"] > 0, 10, "the index is kept")
    machine.agent.stop()
    for path in (machine.agent.state / "files").glob("*/*"):
        before = path.stat()
        with open(path, "r+b") as file:
            file.seek(before.st_size // 2)
            file.write(b"\x5a\xa5")
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    machine.agent.start()
    pacman.run("-Sw", package.name)
    pacman.run("-Syy")
    assert pacman.wrong([package]) == []
    assert store_of(machine.agent)["rotten"] >= 1


def test_a_signature_that_rotted_is_fetched_again(world, stock, tmp_path):
    tmp_path.chmod(0o755)
    repository = PacmanRepository(tmp_path, stock.key)
    package = repository.add("small", 9000)
    repository.publish(package_signatures=False)
    mirror = world.mirror("m1", repository.base, prefix="/arch")
    machine = world.machine("c1")
    agent = machine.start_agent([stock.pacman_repository(mirror)])
    pacman = by_server(machine, stock, mirror)
    pacman.run("-Sy")
    pacman.run("-Sw", package.name)
    wait_until_stored(agent, [package])
    agent.stop()
    ledger = sqlite3.connect(agent.state / "artifacts.db")
    kept = ledger.execute("SELECT digest, signature FROM signatures").fetchall()
    assert kept, "no signature is kept"
    for digest, signature in kept:
        ledger.execute("UPDATE signatures SET signature = ? WHERE digest = ?", (signature[:-9] + bytes(9), digest))
    ledger.commit()
    ledger.close()
    agent.start()
    for file in pacman.cache.iterdir():
        file.unlink()
    pacman.run("-Sw", package.name)
    assert pacman.wrong([package]) == []
    assert "the signature of" in agent.log()


def test_the_scrub_finds_what_nobody_asks_for(machine, stock, mirror):
    wanted = chosen(stock.arch, "small0", "middle0")
    pacman = by_server(machine, stock, mirror)
    pacman.run("-Sy")
    pacman.run("-Sw", *(package.name for package in wanted))
    flip_over_a_restart(machine.agent, wanted[:2], scrub=64 << 20)
    wait_until(lambda: store_of(machine.agent)["unproven"] == 0, 60, lambda: f"all is hashed:\n{machine.agent.log()[-2000:]}")
    assert store_of(machine.agent)["rotten"] == 2
    assert not any(file_of(machine.agent, package).exists() for package in wanted[:2])
