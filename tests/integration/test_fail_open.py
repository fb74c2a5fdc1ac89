"""Whatever happens to the agent, its disk, its mirrors or its peers: apt and pacman end as without it."""
import os
import pathlib
import signal
import time

import pytest
from conftest import chosen

from harness.pacman import by_server, by_xfer_command, ways
from harness.processes import run, wait_until

RATE = 40  # Mbit/s of the mirror, so that a transaction has a middle


@pytest.fixture
def debian_mirror(world, stock):
    return world.mirror("m1", stock.debian.base, up=RATE)


@pytest.fixture
def arch_mirror(world, stock):
    return world.mirror("m2", stock.arch.base, prefix="/arch", up=RATE)


def total(packages):
    return sum(package.size for package in packages)


def names(packages):
    return [package.name for package in packages]


PACMAN_WAYS = pytest.mark.parametrize("way", ways().values(), ids=ways())


@pytest.mark.sanitizer
def test_apt_survives_the_agent_killed_at_half_of_a_transaction(world, stock, debian_mirror):
    wanted = chosen(stock.debian)
    machine = world.machine("c1")
    agent = machine.start_agent([stock.debian_repository(debian_mirror)])
    apt = machine.apt([stock.source(debian_mirror)])
    apt.update()
    before = machine.node.received()
    child = apt.child(*apt.install_argv(names(wanted)))
    wait_until(lambda: machine.node.received() - before > total(wanted) / 2, 60, "half of the bytes are here")
    agent.kill()
    assert child.alive(), "the transaction was over before the agent was killed"
    assert child.wait(60) == 0, child.text()
    assert apt.wrong(wanted) == []


def stopped_between_packages(agent, pacman):
    """pacman 6.0 asks for a package's signature nobody but the server that gave the package: between the two no agent may die, ours or any
    other cache. The agent is stopped, and what it had sent already is let arrive."""
    os.kill(agent.child.pid, signal.SIGSTOP)
    time.sleep(0.3)  # the sockets' buffers, for which there is no event
    packages = list(pathlib.Path(pacman.cache).rglob("*.pkg.tar.zst"))  # pacman 7 fetches into a folder below it
    if all(path.with_name(f"{path.name}.sig").exists() for path in packages):
        return True
    os.kill(agent.child.pid, signal.SIGCONT)
    return False


@PACMAN_WAYS
def test_pacman_survives_the_agent_killed_at_half_of_a_transaction(world, stock, arch_mirror, way):
    wanted = chosen(stock.arch)
    machine = world.machine("c1")
    agent = machine.start_agent([stock.pacman_repository(arch_mirror)])
    pacman = way(machine, stock, arch_mirror)
    pacman.run("-Sy")
    before = machine.node.received()
    child = pacman.child("-Sw", *names(wanted))
    wait_until(lambda: machine.node.received() - before > total(wanted) / 2, 60, "half of the bytes are here")
    if way is not by_xfer_command:
        wait_until(lambda: stopped_between_packages(agent, pacman), 30, "no package lacks its signature")
    agent.kill()
    assert child.alive(), "the transaction was over before the agent was killed"
    assert child.wait(90) == 0, child.text()
    assert pacman.wrong(wanted) == []


def test_apt_works_without_an_agent(world, stock, debian_mirror):
    wanted = chosen(stock.debian, "small", "middle")
    machine = world.machine("c1")
    apt = machine.apt([stock.source(debian_mirror)])
    apt.update()
    apt.install(names(wanted))
    assert apt.wrong(wanted) == []


@PACMAN_WAYS
def test_pacman_works_without_an_agent(world, stock, arch_mirror, way):
    wanted = chosen(stock.arch, "small", "middle")
    pacman = way(world.machine("c1"), stock, arch_mirror)
    pacman.run("-Sy")
    pacman.run("-Sw", *names(wanted))
    assert pacman.wrong(wanted) == []


def machine_with_a_full_disk(world, repositories):
    """Its store lies on a disk of 24 MiB that is filled to the last byte once the agent runs."""
    machine = world.machine("c1")
    state = world.tmpfs(machine.folder / "agent/state", 24)
    machine.start_agent(repositories)
    filler = state / "filler"
    run(["dd", "if=/dev/zero", f"of={filler}", "bs=64k"], check=False)
    run(["dd", "if=/dev/zero", f"of={filler}", "bs=512", "oflag=append", "conv=notrunc"], check=False)
    return machine


def test_apt_works_when_the_stores_disk_is_full(world, stock, debian_mirror):
    wanted = chosen(stock.debian)
    machine = machine_with_a_full_disk(world, [stock.debian_repository(debian_mirror)])
    apt = machine.apt([stock.source(debian_mirror)])
    apt.update()
    apt.install(names(wanted))
    assert apt.wrong(wanted) == []
    assert machine.agent.child.alive(), machine.agent.log()


@PACMAN_WAYS
def test_pacman_works_when_the_stores_disk_is_full(world, stock, arch_mirror, way):
    wanted = chosen(stock.arch)
    machine = machine_with_a_full_disk(world, [stock.pacman_repository(arch_mirror)])
    pacman = way(machine, stock, arch_mirror)
    pacman.run("-Sy")
    pacman.run("-Sw", *names(wanted))
    assert pacman.wrong(wanted) == []
    assert machine.agent.child.alive(), machine.agent.log()


def first_machine_has_all(world, stock, repository, fetch):
    first = world.machine("c1")
    first.start_agent([repository])
    fetch(first)
    return first


def test_apt_works_with_a_peer_and_no_mirror(world, stock, debian_mirror):
    wanted = chosen(stock.debian, "small", "middle", "large00")

    def fetch(machine):
        apt = machine.apt([stock.source(debian_mirror)])
        apt.update()
        apt.install(names(wanted))
        return apt

    first = first_machine_has_all(world, stock, stock.debian_repository(debian_mirror), fetch)
    second = world.machine("c2")
    second.start_agent([stock.debian_repository(debian_mirror)], peers=[first.agent.endpoint])
    second.agent.wait_for_peer()
    debian_mirror.stop()
    assert fetch(second).wrong(wanted) == []
    assert second.agent.gave()["peer"] >= total(wanted)


@PACMAN_WAYS
def test_pacman_works_with_a_peer_and_no_mirror(world, stock, arch_mirror, way):
    wanted = chosen(stock.arch, "small", "middle", "large00")

    def fetch(machine):
        pacman = way(machine, stock, arch_mirror)
        pacman.run("-Sy")
        pacman.run("-Sw", *names(wanted))
        return pacman

    first = first_machine_has_all(world, stock, stock.pacman_repository(arch_mirror), fetch)
    second = world.machine("c2")
    second.start_agent([stock.pacman_repository(arch_mirror)], peers=[first.agent.endpoint])
    second.agent.wait_for_peer()
    arch_mirror.stop()
    assert fetch(second).wrong(wanted) == []
    assert second.agent.gave()["peer"] >= total(wanted)


def test_apt_works_with_mirrors_and_a_peer_that_does_not_answer(world, stock, debian_mirror):
    wanted = chosen(stock.debian, "small", "middle")
    silent = world.network.node("silent")
    silent.cut()
    machine = world.machine("c1")
    machine.start_agent([stock.debian_repository(debian_mirror)], peers=[f"{silent.ip}:6881", f"{debian_mirror.node.ip}:6881"])
    apt = machine.apt([stock.source(debian_mirror)])
    apt.update()
    apt.install(names(wanted))
    assert apt.wrong(wanted) == []


def test_without_any_source_apt_gives_its_own_error_and_we_say_why(world, stock, debian_mirror):
    machine = world.machine("c1")
    machine.start_agent([stock.debian_repository(debian_mirror)])
    through_us, plain = machine.apt([stock.source(debian_mirror)]), machine.apt([stock.source(debian_mirror)], through_us=False)
    through_us.update()
    plain.update()
    debian_mirror.stop()
    answers = [apt.install(["small03"], check=False) for apt in (through_us, plain)]
    assert [answer.returncode for answer in answers] == [100, 100]
    errors = [[line for line in answer.stdout.splitlines() if line.startswith("E: Failed to fetch")] for answer in answers]
    assert errors[0] and errors[0][0].split(" ")[:5] == errors[1][0].split(" ")[:5], errors
    assert "packswarm" in answers[0].stdout or any("small03" in line for line in machine.agent.log().splitlines()), "no word from us"


def test_without_any_source_pacman_gives_its_own_error_and_we_say_why(world, stock, arch_mirror):
    machine = world.machine("c1")
    machine.start_agent([stock.pacman_repository(arch_mirror)])
    pacman = by_server(machine, stock, arch_mirror)
    pacman.run("-Sy")
    arch_mirror.stop()
    answer = pacman.run("-Sw", "small03", check=False)
    assert answer.returncode == 1 and "failed retrieving file" in answer.stdout, answer.stdout
    assert any("small03" in line for line in machine.agent.log().splitlines()), "no word from us"


def test_a_wrong_configuration_at_a_reload_changes_nothing_and_the_reload_ends(world, stock, debian_mirror):
    machine = world.machine("c1")
    agent = machine.start_agent([stock.debian_repository(debian_mirror)])
    right = agent.config.read_text()
    agent.config.write_text("nonsense = 1\n" + right)
    agent.reload()
    assert "the configuration stays as it was" in agent.log()
    assert len(agent.status()["repositories"]) == 1
    agent.config.write_text(right)
    agent.reload()


def test_a_reload_names_what_needs_a_restart_and_applies_the_rest(world, stock, debian_mirror):
    machine = world.machine("c1")
    agent = machine.start_agent([stock.debian_repository(debian_mirror)])
    before = agent.status()

    def wish(settings):
        settings["gateway"]["listen"] = "127.0.0.1:7999"
        settings["swarm"]["trackers"] = ["http://127.0.0.1:1/announce"]
        settings["store"]["quota"] = "17 MiB"

    agent.change(wish)
    agent.reload()
    assert "what was changed of gateway.listen, swarm.trackers needs a restart" in agent.log()
    after = agent.status()
    assert after["store"]["quota"] == 17 << 20
    assert after["gateway"] == before["gateway"] and after["discovery"]["trackers"] == []
