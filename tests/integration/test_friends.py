"""Peers met once are met again: after a year away, starts without a network, a wrong clock, and when the network comes back."""
import sqlite3
import time

import pytest

from harness.clock import WrongClock, compiler
from harness.processes import wait_until

PACKAGES = "dists/stable/main/binary-amd64/Packages.xz"
YEAR = 365 * 86400


@pytest.fixture
def mirror(world, stock):
    return world.mirror("m1", stock.debian.base)


def start(world, stock, mirror, name, **more):
    """An agent of the stock's lineage, with an index."""
    machine = world.machine(name)
    machine.start_agent([stock.debian_repository(mirror)], **more)
    for path in ("dists/stable/InRelease", PACKAGES):
        machine.agent.fetch(f"{mirror.url}/{path}", machine.folder / "scratch")
    return machine


def known(machine):
    """The rows of its memory: (endpoint, last_seen, failures)."""
    with sqlite3.connect(machine.agent.state / "ledger.db") as ledger:
        return ledger.execute("SELECT endpoint, last_seen, failures FROM peers ORDER BY endpoint").fetchall()


def change(machine, words, *values):
    with sqlite3.connect(machine.agent.state / "ledger.db") as ledger:
        ledger.execute(words, values)


def linked(machine, friend, seconds=10):
    began = time.monotonic()
    wait_until(lambda: friend.agent.endpoint in machine.agent.peers(), seconds, lambda: f"they are linked: {machine.agent.ask('peers')} {known(machine)}")
    return time.monotonic() - began


@pytest.fixture
def met_once(world, stock, mirror):
    """A machine that met a friend once, by its address, and is told of nobody now; both run, the machine does not."""
    friend = start(world, stock, mirror, "friend")
    machine = start(world, stock, mirror, "machine", peers=[friend.agent.endpoint])
    linked(machine, friend, 20)
    machine.agent.stop()
    machine.agent.change(lambda settings: settings["swarm"].update(peers=[]))
    assert [row[0] for row in known(machine)] == [friend.agent.endpoint]
    return machine, friend


def test_a_friend_is_met_again_after_a_year_away_and_ten_starts_without_a_network(met_once):
    machine, friend = met_once
    change(machine, "UPDATE peers SET last_seen = last_seen - ?, failures = 4", YEAR)
    before = known(machine)
    machine.node.cut()
    for _ in range(10):
        machine.agent.start()
        machine.agent.stop()
    assert known(machine) == before
    machine.node.mend()
    machine.agent.start()
    print(f"linked {linked(machine, friend):.1f} s after the start")


def test_a_friend_is_met_again_within_ten_seconds_of_the_network_being_back(met_once):
    machine, friend = met_once
    machine.node.cut()
    machine.agent.start()
    time.sleep(6)  # what was dialled at the start has failed, or is about to
    assert machine.agent.peers() == []
    machine.node.mend()
    print(f"linked {linked(machine, friend):.1f} s after the network is back")


@pytest.mark.skipif(compiler() is None, reason="no C compiler for a clock that is wrong")
def test_a_start_in_1970_and_one_a_year_ahead_forget_nobody(world, met_once):
    machine, friend = met_once
    clock = WrongClock(world.folder)
    for shift in (60 - time.time(), YEAR, 30 * 86400):
        machine.agent.env = clock.env(shift)
        machine.node.cut()
        machine.agent.start()
        machine.agent.stop()
        machine.node.mend()
        machine.agent.start()  # the clock is wrong, and the friend is there; in 1970 no key is valid, and no swarm is joined
        if shift > 0:
            linked(machine, friend)
        machine.agent.stop()
        assert [row[0] for row in known(machine)] == [friend.agent.endpoint]
    machine.agent.env = {}
    machine.agent.start()
    print(f"linked {linked(machine, friend):.1f} s after the start with the right clock")
