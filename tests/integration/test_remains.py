"""What an interrupted download has brought is not fetched again: apt and pacman ask again, and the mirror gives the rest."""
import os
import signal

import pytest

from harness.processes import size_of, wait_until

RATE = 10     # Mbit/s of the mirror, so that a file of 7 MB has a middle
EXTRA = 1.10  # times the file's size on the wire, at most: headers, and what was on its way when it was interrupted


class Line:
    """What the mirror has put on the wire since, for a file that is fetched."""

    def __init__(self, mirror, package, machine=None):
        self.mirror, self.package, self.machine, self.start = mirror, package, machine, mirror.node.sent()

    def carried(self):
        return (self.mirror.node.sent() - self.start) / self.package.size

    def wait_for_half(self, child):
        wait_until(lambda: self.carried() > 0.5, 60, lambda: f"half of the bytes are here:\n{child.text()[-2000:]}")
        assert child.alive(), "it was over before it could be interrupted"


@pytest.fixture
def apt_line(world, stock):
    mirror = world.mirror("m1", stock.debian.base, up=RATE)
    machine = world.machine("c1")
    machine.start_agent([stock.debian_repository(mirror)])
    apt = machine.apt([stock.source(mirror)])
    apt.update()
    return apt, Line(mirror, stock.debian.packages["large03"], machine)


def press_ctrl_c(child):
    """As a terminal does it: all its processes hear of it."""
    os.killpg(child.pid, signal.SIGINT)
    assert child.wait(20) != 0, "it was over before it was interrupted"


def judge(manager, line, extra=EXTRA):
    assert manager.wrong([line.package]) == []
    print(f"{line.carried():.3f} times the file")
    assert line.carried() <= extra


@pytest.mark.sanitizer
def test_apt_s_own_retry_gets_the_rest_from_a_mirror_that_came_back(apt_line):
    apt, line = apt_line
    child = apt.child(*apt.install_argv([line.package.name]))
    line.wait_for_half(child)
    line.mirror.stop()
    wait_until(lambda: "Ign:" in child.text(), 60, lambda: f"apt will try again:\n{child.text()[-2000:]}")
    line.mirror.start()
    assert child.wait(60) == 0, child.text()
    judge(apt, line)


def test_a_second_apt_gets_the_rest_from_a_mirror_that_came_back(apt_line):
    apt, line = apt_line
    child = apt.child("-o", "Acquire::Retries=0", *apt.install_argv([line.package.name]))
    line.wait_for_half(child)
    line.mirror.stop()
    assert child.wait(60) == 100, child.text()
    line.mirror.start()
    apt.install([line.package.name])
    judge(apt, line)


def test_a_second_apt_gets_the_rest_after_the_first_was_interrupted(apt_line):
    apt, line = apt_line
    child = apt.child(*apt.install_argv([line.package.name]))
    line.wait_for_half(child)
    press_ctrl_c(child)
    apt.install([line.package.name])
    judge(apt, line)


@pytest.mark.parametrize("ends", ["stopped", "killed"])
def test_a_second_apt_gets_the_rest_although_the_agent_was(apt_line, ends):
    apt, line = apt_line
    child = apt.child("-o", "Acquire::Retries=0", *apt.install_argv([line.package.name]))
    line.wait_for_half(child)
    line.mirror.stop()
    assert child.wait(60) == 100, child.text()
    agent = line.machine.agent
    agent.stop() if ends == "stopped" else agent.kill()
    line.mirror.start()
    agent.start()
    apt.install([line.package.name])
    judge(apt, line)
    assert all(mirror["corrupt"] == 0 for mirror in agent.ask("mirrors")["mirrors"])


def test_after_all_was_killed_in_the_middle_of_a_file_little_comes_again(apt_line):
    apt, line = apt_line
    child = apt.child(*apt.install_argv([line.package.name]))
    line.wait_for_half(child)
    os.killpg(child.pid, signal.SIGKILL)
    line.machine.agent.kill()
    child.wait(20)
    line.machine.agent.start()
    apt.install([line.package.name])
    judge(apt, line, EXTRA + RATE * 125_000 * 1.5 / line.package.size)  # what came in the last second was not noted


def by_gateway(machine, stock, mirror):
    return machine.pacman(stock.pacman_keyring, {"lab": [f"Server = {machine.agent.gateway}/$repo/os/$arch"]})


def by_command(machine, stock, mirror):
    command = f"{machine.world.programs}/packswarm --socket {machine.socket()} fetch %u %o"
    return machine.pacman(stock.pacman_keyring, {"lab": [f"Server = {mirror.url}/$repo/os/$arch"]}, f"XferCommand = {command}")


@pytest.mark.parametrize("way", [by_gateway, by_command], ids=["gateway", "xfer_command"])
def test_a_second_pacman_gets_the_rest_after_the_first_was_interrupted(world, stock, way):
    mirror = world.mirror("m1", stock.arch.base, prefix="/arch", up=RATE)
    machine = world.machine("c1")
    machine.start_agent([stock.pacman_repository(mirror)])
    pacman = way(machine, stock, mirror)
    pacman.run("-Sy")
    line = Line(mirror, stock.arch.packages["large03"])
    child = pacman.child("-Sw", line.package.name)
    line.wait_for_half(child)
    if way is by_gateway:  # or pacman would ask for the whole again
        part = pacman.cache / f"{line.package.path.rsplit('/', 1)[1]}.part"
        wait_until(lambda: size_of(part) > line.package.size / 4, 30, lambda: f"a quarter was handed on: {size_of(part)} of {line.package.size}")
        assert child.alive(), "nothing much was handed on before the end"
    press_ctrl_c(child)
    # What was fetched ahead for a pacman that has ended goes on for a moment.
    wait_until(lambda: not machine.agent.status()["transfers"], 10, "nobody waits for the file any more")
    pacman.run("-Sw", line.package.name)
    judge(pacman, line)


def test_a_second_apt_gets_from_a_peer_what_its_torrent_had_not_brought(world, stock):
    package = stock.debian.packages["large03"]
    mirror = world.mirror("m1", stock.debian.base)
    first, second = world.machine("c1", up=RATE), world.machine("c2")
    first.start_agent([stock.debian_repository(mirror)])
    second.start_agent([stock.debian_repository(mirror)], peers=[first.agent.endpoint])
    apts = [machine.apt([stock.source(mirror)]) for machine in (first, second)]
    for apt in apts:
        apt.update()
    apts[0].install([package.name])
    second.agent.wait_for_peer()
    mirror.stop()
    line = Line(first, package)
    child = apts[1].child(*apts[1].install_argv([package.name]))
    line.wait_for_half(child)
    press_ctrl_c(child)
    apts[1].install([package.name])
    judge(apts[1], line)
