"""pacman behind the agent on a line of one megabit a second. It gives a server up that sends no byte of a file for ten seconds, asks it for nothing
more after three such files, and then both fetch the same over the same line."""
import pytest
from conftest import chosen

from harness.pacman import by_server

LINE = 1  # Mbit/s
LIMIT = 1.5  # of the bytes that are needed: where it stands exactly, a busy machine decides too; tests/bench/slow_line.py measures it


@pytest.mark.limit(240)
@pytest.mark.parametrize("at_once", [5, 1])
def test_pacman_never_leaves_the_gateway_on_a_slow_line_and_what_comes_twice_is_counted(world, stock, at_once):
    mirrors = [world.mirror(name, stock.arch.base, prefix="/arch") for name in ("m1", "m2")]
    machine = world.machine("c1", up=LINE, down=LINE)
    machine.start_agent([stock.pacman_repository(*mirrors)])
    pacman = by_server(machine, stock, mirrors[0])
    pacman.run("-Sy")
    if at_once == 1:
        pacman.one_file_at_a_time()
    packages = chosen(stock.arch, "middle", "small2")
    said = pacman.run("-Sw", *(package.name for package in packages), timeout=220)
    assert pacman.wrong(packages) == []
    assert "too slow" not in said.stdout
    asked = [request for mirror in mirrors for request in mirror.requests() if request["uri"].endswith(".pkg.tar.zst")]
    assert {request["agent"].split("/")[0] for request in asked} == {"packswarm"}
    needed = sum(package.size for package in packages)
    assert sum(request["body"] for request in asked) <= LIMIT * needed
    moved = machine.agent.gave()
    assert needed <= moved["needed"] and moved["received"] <= LIMIT * moved["needed"]
