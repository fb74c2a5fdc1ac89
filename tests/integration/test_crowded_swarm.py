"""Agents and connections that come only to take the places: whoever else comes is met all the same, and stays."""
import time

import pytest

from harness import gossip
from harness.processes import wait_until

WITHIN = 5  # seconds; an agent that was turned away dials again after five
FAR = "192.168.0.0/16"  # nobody of the test: everybody is a stranger


@pytest.fixture
def scene(world, stock):
    return Scene(world, stock)


class Scene:
    def __init__(self, world, stock):
        self.world, self.stock = world, stock
        self.mirror = world.mirror("m1", stock.debian.base)
        self.machine = world.machine("c1")
        self.agent = self.start(self.machine)
        self.swarm = wait_until(lambda: self.agent.discovery()["swarms"], 20, "a swarm is joined")[0]["infohash"]
        self.crowd = world.network.node("crowd")

    def start(self, machine, lan=FAR, **more):
        return machine.start_agent([self.stock.debian_repository(self.mirror)], change=lambda settings: settings["swarm"].update(lan_networks=[lan]), **more)

    def fill(self, how, count, networks):
        """Connections from an address in each of so many networks."""
        addresses = [f"198.18.{number}.1" for number in range(networks)]
        self.machine.node.run(["ip", "route", "add", "198.18.0.0/16", "via", self.crowd.ip])
        for address in addresses:
            self.crowd.run(["ip", "address", "add", f"{address}/32", "dev", "lo"])
        child = self.crowd.child(["/usr/bin/python3", gossip.__file__, how, self.machine.node.ip, self.agent.SWARM_PORT, self.swarm, count, *addresses],
                                 self.world.folder / "crowd-log")
        wait_until(lambda: "ready" in child.text(), 60, lambda: f"the crowd stands: {child.text()}")

    def newcomer_is_met(self, machine=None):
        """Seconds until an honest agent, which dials this one, is met."""
        machine = machine or self.world.machine("c2")
        self.start(machine, peers=[f"{self.machine.node.ip}:{self.agent.SWARM_PORT}"])
        since = time.monotonic()
        wait_until(lambda: f"{machine.node.ip}:{self.agent.SWARM_PORT}" in self.agent.peers(), WITHIN, "the newcomer is met")
        return time.monotonic() - since


def test_450_idle_agents_of_45_networks_keep_no_stranger_out(scene):
    scene.fill("crowd", 450, 45)
    wait_until(lambda: len(scene.agent.peers()) >= 190, 30, lambda: f"they have come: {len(scene.agent.peers())}")
    assert len(scene.agent.peers()) <= 201
    scene.newcomer_is_met()
    time.sleep(3)
    assert f"{scene.world.machines[1].node.ip}:6881" in scene.agent.peers(), "and it stays"


def test_nobody_is_kept_out_in_whose_name_connections_are_begun(scene):
    """uTP begins a connection with one datagram, which anybody can send in any name."""
    newcomer = scene.world.machine("c2")
    child = scene.crowd.child(["/usr/bin/python3", gossip.__file__, "forged", scene.machine.node.ip, scene.agent.SWARM_PORT, scene.swarm, 2000,
                               newcomer.node.ip], scene.world.folder / "forged-log")
    wait_until(lambda: "ready" in child.text(), 30, lambda: child.text())
    assert scene.newcomer_is_met(newcomer) < WITHIN


def test_connections_that_say_nothing_keep_nobody_out(scene):
    scene.fill("silent", 4500, 45)
    scene.newcomer_is_met()
