"""An agent is no tool against others: what PEX or a LAN call names is dialled seldom, a few ports of an address, and nothing of the agent's own."""
import collections
import time

import pytest

from harness import dials, gossip
from harness.processes import wait_until

PORTS_OF_ONE = 4  # limits.hpp: max_address_dials,
BURST, A_SECOND = 32, 4  # dial_burst, dials_per_second
TRIES = 2  # max_dials


@pytest.fixture
def scene(world, stock):
    return Scene(world, stock)


class Scene:
    """An agent, somebody whom others want to be dialled, and who names him."""

    def __init__(self, world, stock):
        self.mirror = world.mirror("m1", stock.debian.base)
        self.machine = world.machine("c1")
        self.victim, self.gossip = world.network.node("victim"), world.network.node("gossip")
        agent = self.machine.start_agent([stock.debian_repository(self.mirror)], lan=True)
        self.swarm = wait_until(lambda: agent.discovery()["swarms"], 20, "a swarm is joined")[0]["infohash"]
        self.watch = self.machine.node.child(["/usr/bin/python3", dials.__file__, self.machine.node.ip, "127.0.0.1"], world.folder / "dials")
        wait_until(lambda: "ready" in self.watch.text(), 20, "the watcher is ready")
        self.log = world.folder / "gossip-log"
        self.began = time.monotonic()

    def name(self, how, endpoints):
        words = [self.machine.node.ip, self.machine.agent.SWARM_PORT] if how == "pex" else [self.gossip.ip]
        child = self.gossip.child(["/usr/bin/python3", gossip.__file__, how, *words, self.swarm, *endpoints], self.log)
        wait_until(lambda: "ready" in child.text(), 30, lambda: f"all is named: {child.text()}")

    def dialled(self):
        """How often each endpoint was, but for the mirror and who names others."""
        lines = [line.split() for line in self.watch.text().splitlines() if line[:1].isdigit()]
        known = (self.mirror.node.ip, self.gossip.ip)
        return collections.Counter((host, int(port)) for host, port in lines if host not in known)

    def seconds(self):
        return time.monotonic() - self.began


def test_of_one_address_that_pex_names_a_few_ports_are_dialled_twice_each(scene):
    victim = scene.victim.ip
    scene.name("pex", [f"{victim}:{port}" for port in range(2000, 2200)])
    wait_until(lambda: max(scene.dialled().values(), default=0) >= TRIES, 60, lambda: f"they are dialled again: {scene.dialled()}")
    time.sleep(35)  # when a third time would come
    dialled = scene.dialled()
    assert 0 < len(dialled) <= PORTS_OF_ONE, dialled
    assert max(dialled.values()) <= TRIES, dialled


def test_nothing_of_the_agents_own_nor_a_privileged_port_is_dialled_because_pex_names_it(scene):
    victim, own = scene.victim.ip, scene.machine.node.ip
    scene.name("pex", ["127.0.0.1:3333", f"127.0.0.1:{scene.machine.agent.GATEWAY_PORT}", f"{own}:3335", f"{victim}:25", f"{victim}:53", f"{victim}:443",
                       "224.0.0.1:3000", "255.255.255.255:3000", "169.254.169.254:3000", f"{victim}:3001"])
    wait_until(lambda: (victim, 3001) in scene.dialled(), 30, lambda: f"the last one is dialled: {scene.dialled()}")
    assert set(scene.dialled()) == {(victim, 3001)}


def test_of_many_addresses_that_pex_names_a_few_a_second_are_dialled(scene):
    scene.machine.node.run(["ip", "route", "add", "198.18.0.0/16", "via", scene.victim.ip])
    scene.victim.run(["ip", "route", "add", "blackhole", "198.18.0.0/16"])
    scene.name("pex", [f"198.18.{number // 200}.{number % 200 + 1}:6881" for number in range(400)])
    time.sleep(12)
    dialled = scene.dialled()
    assert 0 < len(dialled) <= BURST + A_SECOND * (scene.seconds() + 1), len(dialled)


def test_of_one_address_in_whose_name_somebody_calls_on_the_lan_a_few_ports_are_dialled(scene):
    scene.name("lan", [f"{scene.victim.ip}:{port}" for port in range(20000, 20200)])
    time.sleep(8)
    assert 0 < len(scene.dialled()) <= PORTS_OF_ONE, scene.dialled()


def test_a_neighbour_is_found_and_a_named_one_dialled_while_somebody_names_hundreds(scene, world, stock):
    scene.machine.node.run(["ip", "route", "add", "198.18.0.0/16", "via", scene.victim.ip])
    scene.name("pex", [f"198.18.{number // 200}.{number % 200 + 1}:6881" for number in range(400)])
    agent = scene.machine.agent
    near, named = world.machine("near"), world.machine("named")
    near.start_agent([stock.debian_repository(scene.mirror)], lan=True)
    named.start_agent([stock.debian_repository(scene.mirror)])
    wait_until(lambda: near.agent.endpoint in agent.peers(), 20, lambda: f"the neighbour is met: {agent.peers()}")
    agent.change(lambda settings: settings["swarm"].update(peers=[named.agent.endpoint]))
    agent.reload()
    wait_until(lambda: named.agent.endpoint in agent.peers(), 20, lambda: f"the named one is met: {agent.peers()}")
