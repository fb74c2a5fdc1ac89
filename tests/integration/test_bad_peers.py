"""Peers that lie, spoil, fall silent, flood or babble: they are dropped, and every file is right all the same."""
import pathlib
import time

import pytest
from conftest import chosen

from harness import bad_peer
from harness.processes import wait_until

MIRROR_RATE = 40  # Mbit/s, so that a peer is worth asking
DROPPED_WITHIN = 30  # seconds
WITHOUT_PEER = 2.0  # a bad peer may cost at most this many times what the mirror alone takes, and the time to notice


@pytest.fixture
def mirror(world, stock):
    return world.mirror("m1", stock.debian.base, up=MIRROR_RATE)


def start_peer(world, stock, packages, mode):
    node = world.network.node("bad")
    log = world.folder / "bad-peer.log"
    files = [stock.debian.base / package.path for package in packages]
    child = node.child(["/usr/bin/python3", bad_peer.__file__, mode, node.ip, "6881", *files], log)
    wait_until(lambda: "ready" in child.text(), 20, lambda: f"the bad peer listens: {child.text()}")
    return child, f"{node.ip}:6881"


def words(child):
    return child.text().split()


def run_apt(world, stock, mirror, name, packages, peers=()):
    machine = world.machine(name)
    machine.start_agent([stock.debian_repository(mirror)], peers=peers)
    apt = machine.apt([stock.source(mirror)])
    apt.update()
    return machine, apt


def timed_install(apt, packages):
    began = time.monotonic()
    apt.install([package.name for package in packages], timeout=110)
    assert apt.wrong(packages) == []
    return time.monotonic() - began


def test_the_peer_of_these_tests_is_believed_when_it_is_honest(world, stock, mirror):
    """Else the tests below would prove nothing."""
    packages = chosen(stock.debian)
    child, endpoint = start_peer(world, stock, packages, "honest")
    machine, apt = run_apt(world, stock, mirror, "c1", packages, [endpoint])
    machine.agent.wait_for_peer()
    timed_install(apt, packages)
    total = sum(package.size for package in packages)
    assert machine.agent.gave()["peer"] > 0.3 * total
    assert "get" in words(child) and "request" in words(child)


DEEDS = {  # mode: the word that shows that the peer could do its mischief
    "lying_hashes": "told",
    "wrong_blocks": "told",
    "silent": "told",
    "flood": "connected",
    "malformed": "connected",
    "mute": "connected",
}


@pytest.mark.sanitizer
@pytest.mark.limit(240)
@pytest.mark.parametrize("mode", DEEDS)
def test_files_are_right_and_the_peer_is_dropped_which(world, stock, mirror, mode):
    packages = chosen(stock.debian)
    _, plain = run_apt(world, stock, mirror, "c1", packages)
    alone = timed_install(plain, packages)

    child, endpoint = start_peer(world, stock, packages, mode)
    machine, apt = run_apt(world, stock, mirror, "c2", packages, [endpoint])
    if mode in ("lying_hashes", "wrong_blocks", "silent"):
        machine.agent.wait_for_peer()
    wait_until(lambda: "connected" in words(child), 20, "the agent dials the peer")
    seconds = timed_install(apt, packages)

    assert DEEDS[mode] in words(child), f"the peer had no chance: {words(child)[:50]}"
    wait_until(lambda: endpoint not in [peer["endpoint"] for peer in machine.agent.ask("peers")["peers"]], DROPPED_WITHIN,
               lambda: f"the peer is dropped:\n{machine.agent.ask('peers')}\n{machine.agent.log()[-3000:]}")
    assert seconds <= WITHOUT_PEER * alone + 10, f"{seconds:.1f} s with the bad peer, {alone:.1f} s without any"
    assert machine.agent.child.alive()


@pytest.mark.limit(240)
@pytest.mark.parametrize("mode", ["lying_hashes", "wrong_blocks", "silent"])
def test_a_good_peer_beside_a_bad_one_is_enough_without_mirrors(world, stock, mirror, mode):
    packages = chosen(stock.debian, "small", "large00")
    good, apt = run_apt(world, stock, mirror, "c1", packages)
    timed_install(apt, packages)
    child, endpoint = start_peer(world, stock, packages, mode)
    machine, apt = run_apt(world, stock, mirror, "c2", packages, [endpoint, good.agent.endpoint])
    wait_until(lambda: len(machine.agent.ask("peers")["peers"]) == 2, 20, lambda: f"both peers are there: {machine.agent.ask('peers')}")
    mirror.stop()
    timed_install(apt, packages)


def test_the_agents_memory_stays_bounded_under_a_flood(world, stock, mirror):
    packages = chosen(stock.debian, "small")
    child, endpoint = start_peer(world, stock, packages, "flood")
    machine, apt = run_apt(world, stock, mirror, "c1", packages, [endpoint])
    wait_until(lambda: "closed" in words(child), 30, "the flood is cut off")
    peak = next(int(line.split()[1]) for line in pathlib.Path(f"/proc/{machine.agent.child.pid}/status").read_text().splitlines() if line.startswith("VmHWM"))
    assert peak < 200_000, f"{peak} KiB resident"
    timed_install(apt, packages)
