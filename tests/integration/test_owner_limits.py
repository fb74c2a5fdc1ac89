"""The owner's limits on what is given, between real agents: a month's quota, interfaces and networks to stay off, private repositories."""
import os
import signal

import pytest
from conftest import chosen

from harness import bad_peer
from harness.debian import DebianRepository, sha256
from harness.processes import wait_until

MB = 1_000_000
NOTICED_WITHIN = 30  # seconds; the agent looks every three


@pytest.fixture
def mirror(world, stock):
    return world.mirror("m1", stock.debian.base)


def refreshed(agent):
    agent.ask("refresh")
    wait_until(lambda: agent.repository("stable")["entries"], 30, "the index is read")
    return agent


def holder_of(world, stock, mirror, packages, change=None, **swarm):
    """A machine whose agent has these packages and shares them."""
    machine = world.machine("holder")
    agent = refreshed(machine.start_agent([stock.debian_repository(mirror)], change=change, **swarm))
    answer = agent.ask("share", *[stock.debian.base / package.path for package in packages])
    assert {one["state"] for one in answer["files"]} == {"shared"}
    wait_until(lambda: agent.status()["sharing"]["offered"] >= len(packages), 30, "they are offered")
    return machine


def asker_of(world, stock, mirror, name, *peers, **more):
    machine = world.machine(name)
    refreshed(machine.start_agent([stock.debian_repository(mirror)], peers=[peer.agent.endpoint for peer in peers], **more))
    machine.agent.wait_for_peer()
    return machine


def fetch(machine, mirror, package):
    """(bytes from mirrors, bytes from peers) that one right file took."""
    before = machine.agent.gave()
    out = machine.folder / package.path.rsplit("/", 1)[1]
    machine.agent.fetch(f"{mirror.url}/{package.path}", out, timeout=60)
    assert sha256(out) == package.sha256
    after = machine.agent.gave()
    return after["mirror"] - before["mirror"], after["peer"] - before["peer"]


def limit(agent, name):
    return next(one for one in agent.status()["limits"] if one["name"] == name)


def audience(agent):
    return agent.status()["sharing"]["audience"]


@pytest.mark.limit(180)
def test_a_used_up_month_leaves_only_neighbours_and_lasts_over_a_restart(world, stock, mirror):
    packages = chosen(stock.debian, "small", "large", "bulk")
    by_name = {package.name: package for package in packages}
    stranger_ip, neighbour_ip = "10.213.77.3", "10.213.77.4"

    def quota(settings):
        settings["sharing"] = {"monthly_quota": "6 MiB"}

    holder = holder_of(world, stock, mirror, packages, quota, lan_networks=[f"{neighbour_ip}/32"])
    stranger = asker_of(world, stock, mirror, "stranger", holder)
    neighbour = asker_of(world, stock, mirror, "neighbour", holder)
    assert (stranger.node.ip, neighbour.node.ip) == (stranger_ip, neighbour_ip)
    mirror.stop()
    small, large = by_name["small29"], by_name["large00"]
    assert fetch(stranger, mirror, small) == (0, small.size)
    assert fetch(stranger, mirror, large)[1] >= large.size
    month = wait_until(lambda: holder.agent.status()["sharing"]["month"]["sent"] >= small.size + large.size and holder.agent.status()["sharing"]["month"], 20,
                       lambda: f"the month has both: {holder.agent.status()['sharing']}")
    assert month["sent"] < 1.1 * (small.size + large.size) and month["quota"] == 6 << 20
    assert holder.agent.gave()["sent"] == month["sent"] + month["neighbours"]
    peer_seen = lambda: next(peer for peer in holder.agent.ask("peers")["peers"] if peer["endpoint"].startswith(stranger_ip))
    wait_until(lambda: peer_seen()["sent"] >= small.size + large.size, 20, lambda: f"the peer's own counter, brought up each second, has both: {peer_seen()}")
    assert peer_seen()["reach"] == "wan"
    assert audience(holder.agent) == "everybody" and limit(holder.agent, "sharing.monthly_quota")["state"] == "ok"

    stranger.agent.fetch(f"{mirror.url}/{by_name['bulk00'].path}", stranger.folder / "bulk00", check=False)  # may be cut off in the middle
    wait_until(lambda: audience(holder.agent) == "neighbours", NOTICED_WITHIN, "the month is used up")
    assert limit(holder.agent, "sharing.monthly_quota")["state"] == "reached"
    mirror.start()
    from_mirror, from_peer = fetch(stranger, mirror, by_name["bulk01"])
    assert from_peer == 0 and from_mirror >= by_name["bulk01"].size
    mirror.stop()
    assert fetch(neighbour, mirror, by_name["bulk02"])[1] >= by_name["bulk02"].size

    holder.agent.stop()
    holder.agent.start()
    wait_until(lambda: holder.agent.status()["sharing"]["offered"] >= len(packages), 30, "all is offered again")
    assert audience(holder.agent) == "neighbours"
    neighbour.agent.wait_for_peer()
    assert fetch(neighbour, mirror, by_name["bulk03"])[1] >= by_name["bulk03"].size
    wait_until(lambda: holder.agent.status()["sharing"]["month"]["neighbours"] >= by_name["bulk03"].size, 20, "what the neighbour got is counted apart")
    assert "used up" in holder.node.run([holder.agent.programs / "packswarm", "--socket", holder.agent.socket, "status"]).stdout
    # The owner gives more: a reload is enough.
    holder.agent.config.write_text(holder.agent.config.read_text().replace('"6 MiB"', '"1 GiB"'))
    os.kill(holder.agent.child.pid, signal.SIGHUP)
    wait_until(lambda: audience(holder.agent) == "everybody", NOTICED_WITHIN, "the new quota is in force")
    assert holder.agent.status()["sharing"]["month"]["sent"] >= small.size + large.size


@pytest.mark.limit(180)
def test_a_full_store_gives_up_superseded_versions_first(world, stock):
    repository = DebianRepository(world.folder / "own", stock.key)
    names = [f"pack{number}" for number in range(4)]
    for name in names:
        repository.add(name, 4 * MB)
    repository.publish()
    mirror = world.mirror("m1", repository.base)

    def small_store(settings):
        settings["store"]["quota"] = "17 MiB"  # four packages and the indexes, not five

    machine = world.machine("c1")
    agent = refreshed(machine.start_agent([stock.debian_repository(mirror)], change=small_store))
    old = dict(repository.packages)
    for name in reversed(names):  # pack0 is the one that was used last
        fetch(machine, mirror, old[name])
    repository.add("pack0", 4 * MB, version="1.1")
    (repository.base / old["pack0"].path).unlink()
    repository.publish()
    agent.ask("refresh")
    wait_until(lambda: any(entry["version"] == "1.1" for entry in agent.ask("explain", "pack0")["entries"]), 30, "the new index is read")
    fetch(machine, mirror, repository.packages["pack0"])

    def stored():
        return {file.name for file in (agent.state / "files").rglob("*") if file.is_file()}

    wait_until(lambda: repository.packages["pack0"].sha256 in stored(), 20, "the new version is stored")
    assert old["pack0"].sha256 not in stored(), "superseded, though it was used last"
    assert all(old[name].sha256 in stored() for name in names[1:])
    quota = limit(agent, "store.quota")
    assert quota["now"] <= quota["most"] == 17 << 20
    assert "LIMIT" in machine.node.run([agent.programs / "packswarm", "--socket", agent.socket, "status"]).stdout


@pytest.mark.limit(180)
def test_nothing_is_given_on_an_interface_or_network_to_stay_off(world, stock, mirror):
    packages = chosen(stock.debian, "small", "large")
    by_name = {package.name: package for package in packages}

    def stay_off(settings):
        settings["sharing"] = {"not_on_interfaces": ["wwan*", "eth0"], "not_on_networks": ["10.9.0.0/16"]}

    holder = holder_of(world, stock, mirror, packages, stay_off)
    asker = asker_of(world, stock, mirror, "asker", holder)
    assert fetch(asker, mirror, by_name["large00"])[1] > 0

    holder.node.run(["ip", "route", "add", "default", "dev", "eth0"])
    sharing = wait_until(lambda: audience(holder.agent) == "nobody" and holder.agent.status()["sharing"], NOTICED_WITHIN, "sharing pauses")
    assert sharing["state"] == "paused" and "eth0 is in sharing.not_on_interfaces" in sharing["reason"]
    wait_until(lambda: holder.agent.status()["sharing"]["offered"] == 0, NOTICED_WITHIN, "all offers are withdrawn")
    assert fetch(asker, mirror, by_name["large01"])[1] == 0
    assert limit(holder.agent, "sharing.not_on_interfaces")["state"] == "reached"

    holder.node.run(["ip", "route", "del", "default"])
    wait_until(lambda: holder.agent.status()["sharing"]["offered"] >= len(packages), NOTICED_WITHIN, "sharing goes on")
    assert fetch(asker, mirror, by_name["large02"])[1] > 0

    holder.node.run(["ip", "addr", "add", "10.9.1.1/32", "dev", "lo"])
    wait_until(lambda: "10.9.1.1 on lo" in (holder.agent.status()["sharing"]["reason"] or ""), NOTICED_WITHIN, "sharing pauses again")
    assert fetch(asker, mirror, by_name["large03"])[1] == 0
    gave = asker.agent.ask("peers")["peers"]
    assert gave, "the paused agent still talks to its peers"


def test_a_private_repository_is_never_named_to_a_peer(world, stock, mirror):
    """The peer prints every digest that it is asked for."""
    secret = DebianRepository(world.folder / "secret", stock.key, suite="inhouse")
    for number, size in enumerate((3_000, 700_000, 3 * MB)):
        secret.add(f"secret{number}", size)
    secret.publish()
    private_mirror = world.mirror("m2", secret.base)
    public = chosen(stock.debian, "small0", "large0")
    node = world.network.node("nosy")
    log = world.folder / "nosy.log"
    nosy = node.child(["/usr/bin/python3", bad_peer.__file__, "honest", node.ip, "6881", stock.debian.base / public[0].path], log)
    wait_until(lambda: "ready" in nosy.text(), 20, lambda: f"the peer listens: {nosy.text()}")

    tables = [stock.debian_repository(mirror), {**stock.debian_repository(private_mirror, public=False), "suite": "inhouse"}]
    machine = world.machine("asker")
    agent = machine.start_agent(tables, peers=[f"{node.ip}:6881"])
    agent.ask("refresh")
    wait_until(lambda: all(one["entries"] for one in agent.status()["repositories"]), 30, "both indexes are read")
    agent.wait_for_peer()
    for package in secret.packages.values():
        assert fetch(machine, private_mirror, package)[1] == 0
    for package in public:
        fetch(machine, mirror, package)
    asked = set(wait_until(lambda: {word for word in nosy.text().split() if len(word) == 64}, 20, "the peer is asked"))
    assert {package.sha256 for package in public} & asked, "the peer saw nothing, so this proves nothing"
    assert not {package.sha256 for package in secret.packages.values()} & asked
    repository = agent.repository("inhouse")
    assert repository["lineage"] is None and repository["sharing"] == "forbidden"
    assert all("inhouse" not in name for peer in agent.ask("peers")["peers"] for name in peer["lineages"])
