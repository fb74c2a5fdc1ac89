"""How agents find each other: on the local network, through a DHT, trackers and other agents, and from memory; and how little is said for it."""
import json
import os
import signal
import time

import pytest
from conftest import chosen

from harness import asker, watcher
from harness.debian import DebianRepository
from harness.nat import Router, nat_works
from harness.processes import wait_until
from harness.tracker import Tracker

PACKAGES = "dists/stable/main/binary-amd64/Packages.xz"


@pytest.fixture
def mirror(world, stock):
    return world.mirror("m1", stock.debian.base)


def start(world, stock, mirror, name, **more):
    """An agent of the stock's lineage, with an index."""
    machine = world.machine(name)
    machine.start_agent([stock.debian_repository(mirror)], **more)
    return read_index(machine, mirror)


def read_index(machine, mirror):
    for path in ("dists/stable/InRelease", PACKAGES):
        machine.agent.fetch(f"{mirror.url}/{path}", machine.folder / "scratch")
    wait_until(lambda: machine.agent.repository("stable")["entries"] > 10, 20, "the index is read")
    return machine


def linked(one, other, seconds):
    """Waits until `one` is connected with `other`, and returns how long that took."""
    began = time.monotonic()
    wait_until(lambda: other.agent.endpoint in one.agent.peers(), seconds, lambda: f"{one.name} has met {other.name}: {one.agent.ask('peers')}")
    return time.monotonic() - began


def watch(machine):
    child = machine.node.child(["/usr/bin/python3", watcher.__file__, "eth0"], machine.folder / f"watch-{time.monotonic()}")
    wait_until(lambda: "ready" in child.text(), 10, "the watcher is ready")
    return lambda: [json.loads(line) for line in child.text().splitlines() if line.startswith("{")]


def swarm(machine):
    """The one swarm that the agent is in."""
    swarms = wait_until(lambda: machine.agent.discovery()["swarms"], 20, "a swarm is joined")
    assert len(swarms) == 1
    return swarms[0]


class Asking:
    """A package manager that waits for the agent, and the wire that shows when somebody answers."""

    def __init__(self, machine, mirror, packages):
        self.machine, self.seen, self.number = machine, watch(machine), 0
        self.words = [[f"{mirror.url}/{package.path}", package.sha256, package.size] for package in packages]

    def start_agent(self, count):
        """Starts the agent, with `count` files asked for; seconds until the first `tell`, once a file has come."""
        words = [word for _ in range(count) for word in self.words.pop()]
        self.number += 1
        child = self.machine.node.child(["/usr/bin/python3", asker.__file__, self.machine.agent.socket, *words], self.machine.folder / f"ask{self.number}")
        began = time.monotonic()
        self.machine.agent.start()
        told = wait_until(lambda: [event["t"] for event in self.seen() if event["what"] == "tell" and event["t"] > began], 60,
                          lambda: f"somebody answers: {child.text()}\n{self.seen()[-5:]}")
        wait_until(lambda: "done" in child.text(), 20, lambda: f"a file comes: {child.text()}")
        return told[0] - began


def with_everything(world, stock, mirror, name, packages, **more):
    machine = start(world, stock, mirror, name, **more)
    for package in packages:
        machine.agent.fetch(f"{mirror.url}/{package.path}", machine.folder / "scratch")
    return machine


# ---- The local network

def test_a_started_agent_is_answered_by_a_neighbour_that_neither_was_told_of(world, stock, mirror):
    small = chosen(stock.debian, "small")[:15]
    neighbour = with_everything(world, stock, mirror, "c1", small, lan=True)
    machine = start(world, stock, mirror, "c2", lan=True)
    machine.agent.stop()
    mirror.stop()
    asking, times = Asking(machine, mirror, small), []
    for _ in range(3):
        wait_until(lambda: not neighbour.agent.peers(), 20, "the neighbour has noticed")
        machine.agent.forget_peers()
        times.append(asking.start_agent(5))
        linked(machine, neighbour, 20)
        machine.agent.stop()
    print(f"from the start to the first answer: {[round(1000 * seconds) for seconds in times]} ms")


NO_CALLS = "table ip closed { chain calls { type filter hook output priority filter; udp dport 6771 drop; }; }\n"


@pytest.mark.skipif(nat_works() is not None, reason=str(nat_works()))
def test_neighbours_meet_though_their_first_calls_could_not_be_sent(world, stock, mirror):
    """A firewall that is being loaded turns the calls down; a link that is down for a moment does the same."""
    machines = [world.machine(name) for name in ("c1", "c2")]
    for machine in machines:
        machine.node.run(["nft", "-f", "-"], stdin=NO_CALLS)
        machine.start_agent([stock.debian_repository(mirror)], lan=True)
        read_index(machine, mirror)
        wait_until(lambda: swarm(machine)["announces"]["lan"] > 0, 20, "it has called")
    assert machines[0].agent.peers() == []
    for machine in machines:
        machine.node.run(["nft", "delete", "table", "ip", "closed"])
    linked(machines[0], machines[1], 60)


# ---- DHT

class Net:
    """Agents that are only nodes of a DHT; all but the first know the first."""

    def __init__(self, world, count):
        self.machines = []
        for number in range(count):
            machine = world.machine(f"n{number}")
            machine.start_agent([], dht=True, dht_nodes=[self.machines[0].agent.endpoint] if self.machines else [])
            self.machines.append(machine)
        for machine in self.machines:
            wait_until(lambda: machine.agent.discovery()["dht_nodes"] > 0, 60, lambda: f"the DHT forms: {machine.agent.discovery()}")

    @property
    def first(self):
        return self.machines[0].agent.endpoint


@pytest.mark.limit(240)
def test_agents_that_know_one_node_of_a_dht_find_each_other_and_do_without_it_after_a_restart(world, stock, mirror):
    net = Net(world, 6)
    small = chosen(stock.debian, "small")[:6]
    a = with_everything(world, stock, mirror, "a", small, dht_nodes=[net.first])
    b = start(world, stock, mirror, "b", dht_nodes=[net.first])
    b.agent.stop()
    mirror.stop()
    wait_until(lambda: swarm(a)["announces"]["dht"] > 0, 20, lambda: f"it is announced: {swarm(a)}")
    (b.agent.state / "dht.state").unlink()
    b.agent.forget_peers()
    asking = Asking(b, mirror, small)
    print(f"from the start to the first answer, through the DHT: {asking.start_agent(3):.2f} s")

    for machine in (a, b):
        assert machine.agent.stop() < 2
        machine.agent.forget_peers()
        assert 0 < (machine.agent.state / "dht.state").stat().st_size <= 64 << 10
    net.machines[0].agent.kill()
    a.agent.start()
    print(f"after a restart, without the node they were told of: {asking.start_agent(3):.2f} s")


@pytest.mark.limit(180)
def test_a_damaged_memory_of_the_dht_is_ignored_with_a_warning(world, stock, mirror):
    net = Net(world, 3)
    machine = world.machine("a")
    machine.prepare_agent([], dht_nodes=[net.first])
    for damage in (b"d9:dht state", os.urandom(5000)):
        (machine.agent.state / "dht.state").write_bytes(damage)
        machine.agent.start()
        wait_until(lambda: machine.agent.discovery()["dht_nodes"] > 0, 30, "it is in the DHT all the same")
        machine.agent.stop()
    assert machine.agent.log().count("what was remembered of the DHT is ignored") == 2


# ---- Trackers

@pytest.mark.parametrize("scheme", ["http", "udp"])
def test_agents_meet_through_a_tracker_over(world, stock, mirror, scheme):
    a = start(world, stock, mirror, "a")
    tracker = Tracker(world.network.node("t"), world.folder / "tracker", [swarm(a)["infohash"]])
    tracker.start()
    a.agent.stop()
    a.agent.change(lambda settings: settings["swarm"].update(trackers=[tracker.url(scheme)]))
    a.agent.start()
    wait_until(lambda: swarm(a)["announces"]["tracker"] > 0, 20, lambda: f"it is announced: {swarm(a)}")
    b = start(world, stock, mirror, "b", trackers=[tracker.url(scheme)])
    linked(b, a, 60)


# ---- Other agents, and memory

@pytest.mark.limit(180)
def test_a_friend_of_a_friend_is_met(world, stock, mirror):
    b = start(world, stock, mirror, "b")
    a = start(world, stock, mirror, "a", peers=[b.agent.endpoint])
    linked(a, b, 20)
    c = start(world, stock, mirror, "c", peers=[b.agent.endpoint])
    linked(c, a, 120)


@pytest.mark.sanitizer
def test_peers_met_before_are_dialled_after_a_crash_and_named_ones_follow_the_configuration(world, stock, mirror):
    a = start(world, stock, mirror, "a")
    b = start(world, stock, mirror, "b")
    b.agent.change(lambda settings: settings["swarm"].update(peers=[a.agent.endpoint], upload_limit=54321))
    b.agent.child.process.send_signal(signal.SIGHUP)
    linked(b, a, 20)
    assert b.agent.status()["sharing"]["cap"] == 54321
    b.agent.kill()
    b.agent.change(lambda settings: settings["swarm"].update(peers=[]))
    b.agent.start()
    linked(b, a, 20)


def test_the_upload_limit_follows_the_configuration_at_sighup(world, stock, mirror):
    giver = start(world, stock, mirror, "a", lan_networks=["192.0.2.0/24"], upload_limit=10_000)
    taker = start(world, stock, mirror, "b", peers=[giver.agent.endpoint])
    linked(taker, giver, 20)
    package = stock.debian.packages["middle07"]  # 1 MB: a hundred seconds at that rate
    giver.agent.fetch(f"{mirror.url}/{package.path}", giver.folder / "scratch")
    mirror.stop()
    giver.agent.change(lambda settings: settings["swarm"].update(upload_limit=50_000_000))
    giver.agent.child.process.send_signal(signal.SIGHUP)
    wait_until(lambda: giver.agent.status()["sharing"]["cap"] == 50_000_000, 10, "the new limit is shown")
    taker.agent.fetch(f"{mirror.url}/{package.path}", taker.folder / "scratch", timeout=60)


# ---- Behind routers that hide them

@pytest.fixture
def routed():
    if why := nat_works():
        pytest.skip(why)


def behind(world, stock, mirror, name, **more):
    """An agent that is alone behind a router of its own, and that router."""
    router = Router(world.network, f"r{name}")
    machine = world.machine(name, node=router.node(name))
    machine.start_agent([stock.debian_repository(mirror)], **more)
    return read_index(machine, mirror), router


def gives(giver, taker, mirror, packages):
    """Once there is no mirror any more, the taker has all of it from the giver."""
    for package in packages:
        giver.agent.fetch(f"{mirror.url}/{package.path}", giver.folder / "scratch")
    mirror.stop()
    for package in packages:
        taker.agent.fetch(f"{mirror.url}/{package.path}", taker.folder / "scratch")
    assert taker.agent.gave()["peer"] >= sum(package.size for package in packages)


def test_who_is_behind_a_router_gives_to_whom_it_has_dialled(world, stock, mirror, routed):
    taker = start(world, stock, mirror, "c")
    giver, router = behind(world, stock, mirror, "a", peers=[taker.agent.endpoint])
    linked(giver, taker, 20)
    assert taker.agent.peers() == [f"{router.ip}:{giver.agent.SWARM_PORT}"]
    gives(giver, taker, mirror, [stock.debian.packages[name] for name in ("small07", "middle03", "large01", "large02")])


def test_two_behind_routers_of_their_own_are_introduced_by_a_friend(world, stock, mirror, routed):
    """BEP 55 over uTP: both dial at the same moment, and each router takes the other's packets for answers."""
    friend = start(world, stock, mirror, "c", utp=True)
    (a, a_router), (b, b_router) = (behind(world, stock, mirror, name, peers=[friend.agent.endpoint], utp=True) for name in "ab")
    wait_until(lambda: f"{b_router.ip}:{b.agent.SWARM_PORT}" in a.agent.peers(), 60, lambda: f"they meet: {a.agent.peers()} {b.agent.peers()}")
    friend.agent.stop()
    gives(a, b, mirror, [stock.debian.packages[name] for name in ("small07", "middle03", "large01")])


# ---- How little is said

@pytest.mark.limit(300)
def test_hundreds_of_shared_packages_are_announced_as_one_swarm_a_lineage(world, stock, mirror):
    many = DebianRepository(world.folder / "many", stock.key, suite="many")
    for number in range(200):
        many.add(f"tiny{number:03}", 600)
    many.publish()
    other = world.mirror("m2", many.base)
    net = Net(world, 3)
    machine = world.machine("a")
    first = machine.prepare_agent([stock.debian_repository(mirror), {**stock.debian_repository(other), "suite": "many"}], lan=True,
                                  dht_nodes=[net.first]).start()
    apt = machine.apt([stock.source(mirror), stock.source(other, "many")])
    apt.update()
    apt.install([f"tiny{number:03}" for number in range(200)])
    apt.install([package.name for package in chosen(stock.debian, "small", "large")])
    wait_until(lambda: first.status()["sharing"]["offered"] >= 234, 30, lambda: f"all is offered: {first.status()['sharing']}")
    lineages = {one["lineage"] for one in first.status()["repositories"]}
    assert len(lineages) == 2
    swarms = wait_until(lambda: len(first.discovery()["swarms"]) == 2 and first.discovery()["swarms"], 20, lambda: f"both are joined: {first.discovery()}")
    assert {one["lineage"] for one in swarms} == lineages
    infohashes = {one["infohash"] for one in swarms}
    tracker = Tracker(world.network.node("t"), world.folder / "tracker", infohashes).start()
    first.stop()
    first.change(lambda settings: settings["swarm"].update(trackers=[tracker.url("http"), tracker.url("udp")]))
    seen = watch(machine)
    first.start()
    wait_until(lambda: first.status()["sharing"]["offered"] >= 234, 30, lambda: f"all is offered again: {first.status()['sharing']}")

    def complete():
        known = first.discovery()["swarms"]
        return len(known) == 2 and all(one["announces"]["dht"] and one["announces"]["tracker"] >= 2 and one["announces"]["lan"] for one in known)

    def on_the_wire(way):
        return {event["infohash"] for event in seen() if event["out"] and event["what"] == way}

    wait_until(complete, 60, lambda: f"each is announced by each way: {first.discovery()}")
    for way in ("lan", "dht", "tracker"):
        wait_until(lambda: on_the_wire(way) >= infohashes, 30, lambda: f"on the wire by {way}: {on_the_wire(way)}")
    for way in ("lan", "dht", "tracker"):
        assert on_the_wire(way) == infohashes, f"nothing else is announced by {way}"
    counted = {way: sum(one["announces"][way] for one in first.discovery()["swarms"]) for way in ("lan", "dht", "tracker")}
    print(f"234 artifacts shared, announces since the start: {counted}")
    assert all(count <= 2 * 10 for count in counted.values())
