"""One large file from a mirror and a peer of equal rate at the same time."""
import time

import pytest

RATE = 80  # Mbit/s of the mirror, and of the peer


@pytest.fixture
def mirror(world, stock):
    return world.mirror("m1", stock.debian.base)


def fetch_huge(machine, stock, mirror):
    """Seconds that apt needs for the 64 MiB package."""
    apt = machine.apt([stock.source(mirror)])
    apt.update()
    began = time.monotonic()
    apt.install(["huge64"])
    seconds = time.monotonic() - began
    assert apt.wrong([stock.debian.packages["huge64"]]) == []
    return seconds


@pytest.mark.limit(180)
def test_64_mib_come_from_a_mirror_and_a_peer_at_once(world, stock, mirror, record_property):
    size = stock.debian.packages["huge64"].size
    peer = world.machine("c1")
    peer.start_agent([stock.debian_repository(mirror)])
    fetch_huge(peer, stock, mirror)

    mirror.node.shape(up=RATE)
    peer.node.shape(up=RATE)
    alone_machine = world.machine("c2")
    alone_machine.start_agent([stock.debian_repository(mirror)])
    alone = fetch_huge(alone_machine, stock, mirror)

    both_machine = world.machine("c3")
    both_machine.start_agent([stock.debian_repository(mirror)], peers=[peer.agent.endpoint])
    both_machine.agent.wait_for_peer()
    before = mirror.node.sent(), peer.node.sent()
    both = fetch_huge(both_machine, stock, mirror)
    from_mirror, from_peer = mirror.node.sent() - before[0], peer.node.sent() - before[1]

    record_property("seconds alone", round(alone, 2))
    record_property("seconds both", round(both, 2))
    record_property("shares", (round(from_mirror / size, 3), round(from_peer / size, 3)))
    print(f"alone {alone:.2f} s, both {both:.2f} s ({both / alone:.2f}), mirror {from_mirror / size:.2f}, peer {from_peer / size:.2f}")
    assert from_mirror >= 0.3 * size and from_peer >= 0.3 * size
    assert both <= 0.65 * alone
    gave = both_machine.agent.gave()
    assert gave["mirror"] >= 0.3 * size and gave["peer"] >= 0.3 * size, "the agent's own books say otherwise"
