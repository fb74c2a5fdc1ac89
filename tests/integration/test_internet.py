"""Beyond the local network: who is found, who is told, and how two agents meet that are both behind routers."""
import sys
import time

import pytest
from test_discovery import gives, read_index, swarm, watch

from harness.nat import Router, nat_works
from harness.processes import wait_until
from harness.world import World

LOCAL, PUBLIC = "10.213.77", "198.18.77"

pytestmark = pytest.mark.skipif(nat_works() is not None, reason=str(nat_works()))


@pytest.fixture
def world(programs, request):
    """On a range that agents take for local, or on one that they do not."""
    made = World(programs, prefix=getattr(request, "param", LOCAL))
    yield made
    made.close()


@pytest.fixture
def mirror(world, stock):
    return world.mirror("m1", stock.debian.base)


def start(world, stock, mirror, name, node=None, **more):
    machine = world.machine(name, node=node)
    machine.start_agent([stock.debian_repository(mirror)], **more)
    return read_index(machine, mirror)


def behind(world, stock, mirror, name, **more):
    """An agent that is alone behind a router of its own, and that router."""
    router = Router(world.network, f"r{name}")
    return start(world, stock, mirror, name, node=router.node(name), **more), router


def meet(a, router, b, seconds=60):
    began = time.monotonic()
    wait_until(lambda: f"{router.ip}:{b.agent.SWARM_PORT}" in a.agent.peers(), seconds, lambda: f"they meet: {a.agent.peers()} {b.agent.peers()}")
    return time.monotonic() - began


def check(machine, name):
    return next((one for one in machine.agent.ask("doctor", check=False)["checks"] if one["name"] == name), None)


# ---- Behind routers

@pytest.mark.parametrize("world", [LOCAL, PUBLIC], indirect=True)
def test_two_behind_routers_of_their_own_meet_through_a_common_friend(world, stock, mirror):
    """TCP first, uTP after it: the friend is linked over TCP, and introduces them."""
    more = {"internet": "find", "dht_nodes": [f"{world.network.prefix}.250:6881"]}  # nobody is there
    friend = start(world, stock, mirror, "c", **more)
    (a, _), (b, b_router) = (behind(world, stock, mirror, name, peers=[friend.agent.endpoint], **more) for name in "ab")
    print(f"met {meet(a, b_router, b):.1f} s after the start")
    assert "reachable" not in a.agent.ask("peers")["reach"] and a.agent.ask("peers")["reached"] is False
    friend.agent.stop()
    gives(a, b, mirror, [stock.debian.packages[name] for name in ("small07", "middle03", "large01")])


def test_without_the_internet_they_do_not_meet_and_nobody_is_introduced(world, stock, mirror):
    friend = start(world, stock, mirror, "c")
    (a, _), (b, b_router) = (behind(world, stock, mirror, name, peers=[friend.agent.endpoint]) for name in "ab")
    wait_until(lambda: len(friend.agent.peers()) == 2, 20, "both are linked with the friend")
    time.sleep(8)
    assert len(a.agent.peers()) == len(b.agent.peers()) == 1


# ---- What is told

def test_who_finds_is_not_announced_and_who_is_to_be_found_is_once_a_lineage(world, stock, mirror):
    node = world.machine("n0")
    node.start_agent([], dht=True)
    more = {"dht_nodes": [node.agent.endpoint]}
    found = world.machine("found")
    seen_of_found = watch(found)
    found.start_agent([stock.debian_repository(mirror)], internet="find-and-be-found", **more)
    read_index(found, mirror)
    wait_until(lambda: swarm(found)["announces"]["dht"] > 0, 20, lambda: f"it is announced: {swarm(found)}")
    wait_until(lambda: [event for event in seen_of_found() if event["out"] and event["what"] == "dht"], 20, "the announce is on the wire")
    finder = world.machine("finder")
    seen = watch(finder)
    finder.start_agent([stock.debian_repository(mirror)], internet="find", **more)
    read_index(finder, mirror)
    wait_until(lambda: found.agent.endpoint in finder.agent.peers(), 20, lambda: f"it is found: {finder.agent.discovery()}")
    assert swarm(finder)["announces"]["dht"] == 0
    assert [event for event in seen() if event["out"] and event["what"] in ("dht", "tracker")] == []
    assert {event["infohash"] for event in seen_of_found() if event["out"] and event["what"] == "dht"} == {swarm(found)["infohash"]}
    assert "not announced" in finder.agent.ask("peers")["scope"] and "is announced" in found.agent.ask("peers")["scope"]


def test_only_who_is_to_be_found_asks_the_router_for_a_port(world, stock, mirror):
    asked = {}
    for name, internet in (("a", "find"), ("b", "find-and-be-found")):
        router = Router(world.network, f"r{name}")
        ear = router.public.child([sys.executable, "-c", NAT_PMP_ROUTER, f"192.168.{router.number}.254"], world.folder / f"ear{name}")
        wait_until(lambda: "ready" in ear.text(), 10, "the router listens")
        machine = world.machine(name, node=router.node(name))
        machine.start_agent([stock.debian_repository(mirror)], internet=internet, dht_nodes=[f"{world.network.prefix}.250:6881"])
        asked[internet] = ear
        if internet == "find":
            time.sleep(3)
            continue
        wait_until(lambda: "maps" in ear.text(), 20, lambda: f"the port is asked for: {ear.text()}")
        wait_until(lambda: "opened port" in (machine.agent.ask("peers")["reach"] or ""), 20, lambda: machine.agent.ask("peers"))
    assert "maps" not in asked["find"].text()


# A router that speaks NAT-PMP (RFC 6886) and nothing newer.
NAT_PMP_ROUTER = """
import socket, struct, sys
ear = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
ear.bind((sys.argv[1], 5351))
print("ready", flush=True)
while True:
    packet, who = ear.recvfrom(1100)
    if packet[0] != 0:
        ear.sendto(struct.pack("!BBHI", 0, 128 + (packet[1] & 127), 1, 1), who)
    elif packet[1] == 0:
        ear.sendto(struct.pack("!BBHI4s", 0, 128, 0, 1, socket.inet_aton("192.0.2.1")), who)
    else:
        inside, outside, lasts = struct.unpack("!HHI", packet[4:12])
        print("maps", inside, flush=True)
        ear.sendto(struct.pack("!BBHIHHI", 0, 128 + packet[1], 0, 1, inside, outside, lasts), who)
"""


# ---- What the owner is told

@pytest.mark.parametrize("world", [PUBLIC], indirect=True)
def test_doctor_and_peers_say_where_others_are_looked_for_and_whether_they_come(world, stock, mirror):
    a = start(world, stock, mirror, "a")
    alone = check(a, "meeting")
    assert alone["state"] == "warn" and "nobody can be met" in alone["message"], alone
    assert a.agent.ask("peers")["internet"] == "off" and a.agent.ask("peers")["reached"] is False
    b = start(world, stock, mirror, "b", peers=[a.agent.endpoint])
    wait_until(lambda: b.agent.endpoint in a.agent.peers(), 20, "they are linked")
    wait_until(lambda: a.agent.ask("peers")["reached"], 5, "who was dialled from outside says so")
    assert check(a, "meeting")["state"] == "ok" and "reachable from outside" in check(a, "reach")["message"]
    reach = wait_until(lambda: check(b, "reach"), 5, "the other side shows it too")
    assert "two such machines meet only through a third" in reach["message"]
    text = b.node.run([world.programs / "packswarm", "--socket", b.agent.socket, "peers"]).stdout
    assert "meet only through a third" in text and "swarm.internet" in text


def test_setup_internet_asks_writes_one_line_and_takes_it_back(world):
    machine, root = world.machine("a"), world.folder / "root"
    conf = root / "etc/packswarm/packswarm.toml"
    conf.parent.mkdir(parents=True)
    conf.write_text("[swarm]\nutp = false\n")
    words = [world.programs / "packswarm", "--socket", "/nonexistent/socket", "setup", "internet", "--root", root]
    refused = machine.node.run(words, stdin="n\n", check=False)
    assert refused.returncode == 1 and "+internet" in refused.stdout and "Who learns what" in refused.stdout, refused.stdout
    assert conf.read_text() == "[swarm]\nutp = false\n"
    done = machine.node.run(words, stdin="y\n")
    assert "restart" in done.stdout and 'internet = "find"' in conf.read_text()
    assert "all is in place already" in machine.node.run(words).stdout
    machine.node.run([*words, "--be-found", "--yes"])
    assert 'internet = "find-and-be-found"' in conf.read_text()
    printed = machine.node.run([world.programs / "packswarmd", "--config", conf, "--print-config"])
    assert printed.returncode == 0
    machine.node.run([*words, "--undo"])
    assert conf.read_text() == "[swarm]\nutp = false\n"
    assert [path.name for path in root.rglob("*") if path.is_file()] == ["packswarm.toml"]
