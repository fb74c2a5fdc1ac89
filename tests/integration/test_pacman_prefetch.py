"""The agent learns a pacman's whole transaction at its start, from pacman itself, and fetches it ahead of being asked."""
import os
import re
import shutil
import signal

import pytest
from conftest import chosen

from harness.pacman import by_server, ways
from harness.processes import wait_until

KNOWN = re.compile(r"pacman \(process (\d+)\) has (\d+) packages in its transaction: (\d+) are fetched ahead")


@pytest.fixture
def mirror(world, stock):
    return world.mirror("m1", stock.arch.base, prefix="/arch", up=40)


def verbose(settings):
    settings[""]["log_level"] = "debug"


def machine_with(world, stock, mirror, change=verbose):
    machine = world.machine("c1")
    machine.start_agent([stock.pacman_repository(mirror)], change=change)
    return machine


def names(packages):
    return [package.name for package in packages]


def known(machine):
    return KNOWN.search(machine.agent.log())


def begin(machine, pacman, wanted, *more):
    """Starts a download and returns it when its transaction is known, and pacman held so that it asks for nothing more."""
    pacman.one_file_at_a_time()
    pacman.run("-Sy")
    child = pacman.child("-Sw", *more, *names(wanted))
    found = wait_until(lambda: known(machine) or not child.alive(), 60, lambda: f"the transaction is known:\n{machine.agent.log()[-2000:]}")
    assert found is not True, f"pacman ended before its transaction was known:\n{child.text()[-1000:]}\n{machine.agent.log()[-3000:]}"
    assert int(found[2]) == len(wanted) and int(found[3]) > 0
    os.kill(int(found[1]), signal.SIGSTOP)
    machine.node.network.household.add(lambda: go_on(int(found[1])))
    return child, int(found[1])


def go_on(pid):
    try:
        os.kill(pid, signal.SIGCONT)
    except ProcessLookupError:
        pass


def idle(machine):
    return machine.agent.status()["transfers"] == []


def stored(machine, packages):
    return sum((machine.agent.state / "files" / package.sha256[:2] / package.sha256).exists() for package in packages)


@pytest.mark.sanitizer
@pytest.mark.parametrize("way", ways().values(), ids=ways())
def test_the_whole_transaction_is_fetched_while_pacman_asks_for_one_file_after_the_other(world, stock, mirror, way):
    wanted = chosen(stock.arch)
    machine = machine_with(world, stock, mirror)
    pacman = way(machine, stock, mirror)
    child, pid = begin(machine, pacman, wanted)
    assert "prefetch" in {row["asker"] for row in machine.agent.status()["transfers"]} or idle(machine)
    wait_until(lambda: stored(machine, wanted) == len(wanted), 60, lambda: f"all are fetched ahead: {stored(machine, wanted)} of {len(wanted)}")
    go_on(pid)
    assert child.wait(60) == 0, child.text()
    assert pacman.wrong(wanted) == []
    assert mirror.package_bytes() <= 1.02 * sum(package.size for package in wanted)
    rows = machine.agent.ask("explain", wanted[20].name)["transfers"]
    assert any(row["asker"] == "prefetch" for row in rows), rows


def test_what_was_fetched_ahead_is_there_when_the_mirrors_stop(world, stock, mirror):
    wanted = chosen(stock.arch)
    machine = machine_with(world, stock, mirror)
    pacman = by_server(machine, stock, mirror)
    child, pid = begin(machine, pacman, wanted)
    wait_until(lambda: stored(machine, wanted) == len(wanted), 60, "all are fetched ahead")
    mirror.stop()
    go_on(pid)
    assert child.wait(60) == 0, child.text()
    assert pacman.wrong(wanted) == []


def test_nothing_goes_on_when_pacman_is_killed(world, stock, mirror):
    wanted = [stock.arch.packages["huge64"], *chosen(stock.arch, "bulk")]
    machine = machine_with(world, stock, mirror)
    pacman = by_server(machine, stock, mirror)
    child, pid = begin(machine, pacman, wanted)
    wait_until(lambda: "prefetch" in {row["asker"] for row in machine.agent.status()["transfers"]}, 20, "something is fetched ahead")
    os.kill(pid, signal.SIGKILL)
    child.wait(20)
    wait_until(lambda: idle(machine), 20, lambda: f"nothing is open: {machine.agent.status()['transfers']}")
    assert stored(machine, wanted) < len(wanted), "it was over before pacman was killed: nothing is shown"
    assert "pacman has ended" in machine.agent.log()
    os.kill(machine.agent.child.pid, 0)
    (pacman.folder / "db/db.lck").unlink()
    child = pacman.child("-Sw", *names(wanted), log="again.out")  # and the next one is as good as the first
    assert child.wait(90) == 0, child.text()
    assert pacman.wrong(wanted) == []


def test_a_pacman_of_another_network_is_none_of_ours(world, stock, mirror):
    """As a container's is. It is root's, older than ours, and what is asked for is of its transaction too."""
    wanted = stock.arch.packages["large03"]
    machine, beside = machine_with(world, stock, mirror), world.machine("c2")
    other = beside.pacman(stock.pacman_keyring, {"lab": [f"Server = {mirror.url}/$repo/os/$arch"]})
    other.run("-Sy")
    child = other.child("-Sw", *names([stock.arch.packages["huge64"], *chosen(stock.arch), wanted]))
    wait_until(lambda: list(other.cache.glob("*.part")) + list(other.cache.glob("download-*/*.part")), 20, "it is downloading")
    os.kill(child.pid, signal.SIGSTOP)
    machine.node.network.household.add(lambda: go_on(child.pid))
    pacman = by_server(machine, stock, mirror)
    pacman.run("-Sy")
    pacman.run("-Sw", wanted.name)
    assert pacman.wrong([wanted]) == []
    assert "it is in another network namespace" in machine.agent.log()
    assert known(machine) is None or known(machine)[2] == "1", known(machine)[0]
    assert len(list((machine.agent.state / "files").glob("*/*"))) < 5, "what the other wants was fetched too"


def off(settings):
    verbose(settings)
    settings["pacman"] = {"prefetch": False}


def plain(pacman):
    return []


def unknown_option(pacman):
    return ["--ask", "4"]


def somebody_elses_configuration(pacman):
    shutil.chown(pacman.config, "daemon")
    return []


@pytest.mark.parametrize("change, prepare, reason", [
    (off, plain, None),
    (verbose, unknown_option, "an option that is not on the list"),
    (verbose, somebody_elses_configuration, "can be changed by others than root"),
], ids=["switched_off", "unknown_option", "somebody_elses_configuration"])
def test_pacman_is_served_as_ever_when_its_transaction_may_not_be_asked_for(world, stock, mirror, change, prepare, reason):
    wanted = chosen(stock.arch)
    machine = machine_with(world, stock, mirror, change)
    pacman = by_server(machine, stock, mirror)
    pacman.one_file_at_a_time()
    pacman.run("-Sy")
    pacman.run("-Sw", *prepare(pacman), *names(wanted))
    assert pacman.wrong(wanted) == []
    assert known(machine) is None
    assert (reason is None) == ("prefetch:" not in machine.agent.log())
    assert reason is None or reason in machine.agent.log()
