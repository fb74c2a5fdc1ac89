"""Thirty thousand datagrams that pretend to be of the DHT, in the names of 65,000 addresses: the agent goes on, and answers little."""
import pathlib

import pytest
from conftest import chosen

from harness import gossip
from harness.processes import wait_until

DATAGRAMS = 30_000


def resident(agent):
    status = pathlib.Path(f"/proc/{agent.child.pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:")) * 1024


def counted(node, what):
    return int(node.run(["cat", f"/sys/class/net/eth0/statistics/{what}"]).stdout)


def node(world, name, stock, mirror, known):
    machine = world.machine(name)
    machine.start_agent([stock.debian_repository(mirror)], dht=True, dht_nodes=[one.agent.endpoint for one in known])
    return machine


@pytest.mark.limit(180)
def test_a_flood_of_the_dht_neither_stops_nor_fills_nor_uses_the_agent(world, stock):
    mirror = world.mirror("m1", stock.debian.base)
    first = world.machine("n1")
    first.start_agent([], dht=True)
    machine = node(world, "c1", stock, mirror, [first])
    wait_until(lambda: machine.agent.discovery()["dht_nodes"] > 0, 60, "the DHT forms")
    crowd = world.network.node("crowd")
    machine.node.run(["ip", "route", "add", "198.18.0.0/16", "via", crowd.ip])
    before, given, taken = resident(machine.agent), counted(machine.node, "tx_bytes"), counted(machine.node, "rx_bytes")
    flood = crowd.child(["/usr/bin/python3", gossip.__file__, "dht", machine.node.ip, machine.agent.SWARM_PORT, DATAGRAMS], world.folder / "flood-log")

    other = node(world, "c2", stock, mirror, [first])  # in the midst of it
    wait_until(lambda: other.agent.endpoint in machine.agent.peers(), 60, lambda: f"another agent is met: {machine.agent.discovery()}")
    wait_until(lambda: "ready" in flood.text(), 120, lambda: flood.text())
    told = counted(machine.node, "tx_bytes") - given, counted(machine.node, "rx_bytes") - taken
    grown = resident(machine.agent) - before
    print(f"heard {told[1]} bytes, said {told[0]}; {grown} bytes more of memory; {machine.agent.discovery()['dht_nodes']} nodes")
    assert told[1] > DATAGRAMS * 60, "the flood arrived"
    assert told[0] < told[1], "it tells others no more than it is told"
    assert grown < 16 << 20

    wanted = chosen(stock.debian, "small")
    apt = machine.apt([stock.source(mirror)])
    apt.update()
    apt.install([package.name for package in wanted])
    assert apt.wrong(wanted) == []
    assert all(request["agent"].startswith("packswarm") for request in mirror.requests())
