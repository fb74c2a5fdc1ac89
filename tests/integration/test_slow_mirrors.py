"""pacman gives a server up that sends no byte of a file for ten seconds, and never asks it again after three such files. A small
package comes whole before it is handed out; from a slow mirror that takes longer."""
import pytest

from harness.pacman import by_server

SLOW = 35_000  # bytes a second: the package below needs fifteen seconds


@pytest.mark.parametrize("mirrors", [1, 2])
def test_small_package_that_takes_longer_than_pacman_waits_comes_through_the_agent(world, stock, mirrors):
    slow = [world.mirror(f"m{number}", stock.arch.base, prefix="/arch", rate=SLOW) for number in range(mirrors)]
    machine = world.machine("c1")
    machine.start_agent([stock.pacman_repository(*slow)])
    pacman = by_server(machine, stock, slow[0])
    package = stock.arch.packages["middle02"]
    assert 15 * SLOW * 0.9 < package.size < 1 << 20
    pacman.run("-Sy")
    said = pacman.run("-Sw", package.name)
    assert "too slow" not in said.stdout
    assert pacman.wrong([package]) == []
    assert {request["agent"].split("/")[0] for mirror in slow for request in mirror.requests()} == {"packswarm"}
