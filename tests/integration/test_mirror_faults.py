"""Seven faults of the fastest of three mirrors, under a real apt: every file right, in bounded time, without waste. And the worst under pacman."""
import dataclasses
import time

import pytest
from conftest import chosen

from harness.pacman import by_server
from harness.processes import wait_until
from harness.world import World

RATES = {"m1": 40, "m2": 20, "m3": 8}  # Mbit/s
BEGINS_AT = 0.3                        # of the bytes; faults of content are there from the start
SLOWER = 3.0                           # times the healthy run, at most
EXTRA = 1.10                           # times the healthy run's bytes on the wire, at most


@dataclasses.dataclass
class Outcome:
    seconds: float
    received: int
    wrong: list
    exit_code: int
    output: str


def three_mirrors(world, stock):
    return [world.mirror(name, stock.debian.base, up=rate) for name, rate in RATES.items()]


def transaction(world, stock, mirrors, name, before=None, during=None):
    """One apt transaction on a fresh machine: `before` breaks the mirror before it, `during` at 30 % of its bytes."""
    wanted = chosen(stock.debian, "small", "middle", "large", "bulk")
    size = sum(package.size for package in wanted)
    machine = world.machine(name)
    machine.start_agent([stock.debian_repository(*mirrors)])
    apt = machine.apt([stock.source(mirrors[0])])
    apt.update()
    if before:
        before()
    start = machine.node.received()
    began = time.monotonic()
    child = apt.child(*apt.install_argv([package.name for package in wanted]))
    if during:
        wait_until(lambda: machine.node.received() - start > BEGINS_AT * size, 60, lambda: f"30 % of the bytes are here:\n{child.text()[-2000:]}")
        assert child.alive(), "the transaction was over before the fault"
        during()
    code = child.wait(100)
    seconds = time.monotonic() - began
    return Outcome(seconds, machine.node.received() - start, apt.wrong(wanted), code, child.text())


@pytest.fixture(scope="module")
def healthy(programs, stock):
    world = World(programs)
    try:
        outcome = transaction(world, stock, three_mirrors(world, stock), "healthy")
    finally:
        world.close()
    assert outcome.exit_code == 0 and outcome.wrong == [], outcome.output
    return outcome


FAULTS = {
    "stops": (None, lambda mirror: mirror.stop()),
    "black_hole": (None, lambda mirror: mirror.node.cut()),
    "drops_to_5_KB_per_s": (None, lambda mirror: mirror.node.shape(up=0.04)),
    "html_with_200": (lambda mirror: mirror.start("html"), None),
    "right_length_but_wrong_bytes": (lambda mirror: mirror.spoil().start("wrong_bytes"), None),
    "404_for_half": (lambda mirror: mirror.start("half_missing"), None),
    "other_path_layout": (lambda mirror: mirror.start("other_layout"), None),
}


@pytest.mark.limit(200)
@pytest.mark.parametrize("fault", FAULTS)
def test_every_file_is_right_although_the_fastest_mirror(world, stock, healthy, fault, record_property):
    mirrors = three_mirrors(world, stock)
    before, during = (one and (lambda one=one: one(mirrors[0])) for one in FAULTS[fault])
    outcome = transaction(world, stock, mirrors, "faulty", before, during)
    slower, extra = outcome.seconds / healthy.seconds, outcome.received / healthy.received
    record_property("times slower", round(slower, 2))
    record_property("times the bytes", round(extra, 3))
    print(f"{fault}: {outcome.seconds:.1f} s against {healthy.seconds:.1f} s ({slower:.2f}), bytes {extra:.3f}")
    assert outcome.exit_code == 0, outcome.output
    assert outcome.wrong == []
    assert slower <= SLOWER
    assert extra <= EXTRA


@pytest.mark.limit(200)
def test_mirrors_of_one_repository_may_keep_it_under_different_paths(world, stock):
    mirrors = [world.mirror(name, stock.debian.base, prefix=prefix, up=40)
               for name, prefix in (("m1", "/debian"), ("m2", "/a/long/way/down"), ("m3", "/x"))]
    outcome = transaction(world, stock, mirrors, "c1")
    assert outcome.exit_code == 0 and outcome.wrong == [], outcome.output
    assert all(mirror.package_bytes() > 0 for mirror in mirrors)
    assert all(request["status"] < 400 for mirror in mirrors for request in mirror.requests() if request["uri"].endswith(".deb"))


# Whenever pacman gives the agent up, it asks the first of its own servers, which is the one that lies.
@pytest.mark.limit(200)
def test_pacman_has_no_reason_to_ask_the_lying_mirror_itself(world, stock):
    mirrors = [world.mirror(name, stock.arch.base, prefix="/arch", up=rate) for name, rate in RATES.items()]
    machine = world.machine("c1")
    machine.start_agent([stock.pacman_repository(*mirrors)])
    pacman = by_server(machine, stock, mirrors[0])
    pacman.run("-Sy")
    mirrors[0].spoil().start("wrong_bytes")
    wanted = chosen(stock.arch, "small", "middle", "large", "bulk")
    said = pacman.run("-Sw", *(package.name for package in wanted), timeout=180, check=False)
    assert said.returncode == 0, said.stdout
    assert pacman.wrong(wanted) == []
    asked = [request for mirror in mirrors for request in mirror.requests() if request["uri"].endswith(".pkg.tar.zst")]
    assert {request["agent"].split("/")[0] for request in asked} == {"packswarm"}
