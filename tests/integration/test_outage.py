"""The newest index spreads by itself, wins over a mirror that stands still, and every repository has a state in words."""
import re
import shutil
import time

import pytest

from harness.debian import DebianRepository
from harness.processes import wait_until

HOUR, DAY = 3600, 86400
FROM_A_PEER = re.compile(r"the index of .* came from a peer")


def candidate(apt, name):
    policy = apt.node.run(["apt-cache", "policy", name], env=apt.env()).stdout
    return next(line.split()[-1] for line in policy.splitlines() if "Candidate" in line)


def date_at(machine):
    return machine.agent.repository("stable")["date"]


def words(machine, *args, check=True):
    return machine.node.run([machine.world.programs / "packswarm", "--socket", machine.agent.socket, *args], check=check)


@pytest.fixture
def archive(world, stock):
    repository = DebianRepository(world.folder / "deb", stock.key)
    for name, size in (("tool", 5_000), ("great", 1_500_000)):
        repository.add(name, size)
    return repository


def newer(repository, seconds_ago=600):
    repository.add("tool", 5_100, version="2.0")
    return repository.publish(date=time.time() - seconds_ago)


def source(stock, mirror):
    return f"deb [signed-by={stock.public} arch=amd64] {mirror.url} stable main"


def test_the_newest_index_spreads_by_itself_and_serves_when_the_mirror_is_gone(world, stock, archive):
    """Five in a chain, of which each knows the next; one of them hears of the news."""
    mirror = world.mirror("m1", archive.publish(date=time.time() - 2 * DAY).base)
    machines = [world.machine(f"c{number}") for number in range(5)]
    for number, machine in enumerate(machines):
        following = [f"{machines[number + 1].node.ip}:6881"] if number < 4 else []
        machine.start_agent([stock.debian_repository(mirror)], peers=following)
    apts = [machine.apt([source(stock, mirror)]) for machine in machines]
    for apt in apts:
        apt.update()
    for machine in machines:
        machine.agent.wait_for_peer()
    newer(archive)
    apts[0].update()
    apts[0].install(["tool", "great"])
    mirror.stop()
    news = date_at(machines[0])
    wait_until(lambda: [date_at(machine) for machine in machines] == [news] * 5, 30,
               lambda: f"all have it: {[date_at(machine) - news for machine in machines]}\n{machines[1].agent.log()[-2000:]}")
    for machine in machines[1:]:
        assert len(FROM_A_PEER.findall(machine.agent.log())) == 1, machine.agent.log()[-3000:]
    for machine, apt in zip(machines[1:], apts[1:]):
        wait_until(lambda: machine.agent.repository("stable")["entries"] == 3, 20, "its list came with it")
        before = machine.agent.gave()["mirror"]
        apt.update()
        assert candidate(apt, "tool") == "2.0"
        apt.install(["tool", "great"])
        assert apt.wrong([archive.packages[name] for name in ("tool", "great")]) == []
        assert machine.agent.gave()["mirror"] == before
    last = machines[4]
    assert last.agent.status()["sentence"].startswith("OUTAGE for ")
    health = last.agent.repository("stable")["health"]
    assert health["state"] == "blackout" and "index 10 minutes old, from a peer" in health["sentence"], health
    assert abs(health["since"] - time.time()) < 120
    assert words(last, "status").stdout.startswith("OUTAGE for ")
    told = words(last, "doctor", "--root", str(last.folder), check=False)
    assert told.returncode == 1 and "blackout: no mirror has answered for" in told.stdout
    assert "blackout" in words(last, "explain", "tool").stdout


def test_a_mirror_that_stands_still_loses(world, stock, archive):
    live = world.mirror("m1", archive.publish(date=time.time() - 21 * DAY).base)
    shutil.copytree(archive.base, world.folder / "frozen")
    frozen = world.mirror("m2", world.folder / "frozen")
    first, other = world.machine("c1"), world.machine("c2")
    first.start_agent([stock.debian_repository(live)])
    apt = first.apt([source(stock, live)])
    apt.update()
    newer(archive)
    apt.update()
    apt.install(["tool"])
    other.start_agent([stock.debian_repository(frozen)], peers=[first.agent.endpoint])
    other.agent.wait_for_peer()
    apt = other.apt([source(stock, frozen)])
    began = time.monotonic()
    apt.update()
    took = time.monotonic() - began
    assert candidate(apt, "tool") == "2.0", other.agent.log()[-3000:]
    assert took < 10, took  # plain apt takes a moment; five seconds more are allowed
    apt.update()
    assert candidate(apt, "tool") == "2.0"
    apt.install(["tool"])
    assert apt.wrong([archive.packages["tool"]]) == []
    health = other.agent.repository("stable")["health"]
    assert health["state"] == "conflicting" and f"{frozen.url} still gives the index of " in health["sentence"], health
    assert "from a peer, is used" in other.agent.log()


def test_of_two_mirrors_the_one_that_stands_still_loses(world, stock, archive):
    frozen = world.mirror("m2", shutil.copytree(archive.publish(date=time.time() - 21 * DAY).base, world.folder / "frozen"))
    live = world.mirror("m1", newer(archive).base)
    machine = world.machine("c1")
    machine.start_agent([stock.debian_repository(frozen, live)])
    apt = machine.apt([source(stock, frozen)])
    for _ in range(2):
        apt.update()
        assert candidate(apt, "tool") == "2.0", machine.agent.log()[-3000:]
    apt.install(["tool"])
    assert f"from {live.url}, is used" in machine.agent.log()


def test_a_mirror_that_goes_back_is_said_and_root_may_accept_it_for_a_while(world, stock, archive):
    archive.publish(date=time.time() - 3 * DAY)
    shutil.copytree(archive.base, world.folder / "older")
    mirror = world.mirror("m1", newer(archive).base)
    machine = world.machine("c1")
    machine.start_agent([stock.debian_repository(mirror)])
    apt = machine.apt([source(stock, mirror)])
    apt.update()
    assert machine.agent.repository("stable")["health"]["state"] == "live"
    assert machine.agent.status()["sentence"] == "All well: 1 of 1 repository up to date."
    mirror.base = world.folder / "older"
    mirror.start()
    machine.agent.ask("refresh")
    health = machine.agent.repository("stable")["health"]
    assert health["state"] == "conflicting" and "went back to an index of" in health["sentence"], health
    assert words(machine, "accept", "--older", "stabel", check=False).returncode == 1
    assert words(machine, "accept", "stable", check=False).returncode == 2
    assert words(machine, "accept", "--older", "stable", "--for", "soon", check=False).returncode == 1
    nobody = ["setpriv", "--reuid=65533", "--regid=65533", "--clear-groups", machine.world.programs / "packswarm"]
    refused = machine.node.run([*nobody, "--socket", machine.agent.socket, "accept", "--older", "stable"], check=False)
    assert refused.returncode == 1, refused.stdout
    accepted = machine.agent.ask("accept", "--older", "stable", "--for", "1h")
    assert abs(accepted["until"] - time.time() - HOUR) < 60 and len(accepted["repositories"]) == 1
    machine.agent.ask("refresh")
    assert date_at(machine) < time.time() - 2 * DAY, machine.agent.log()[-3000:]
    assert "an older index counts for" in machine.agent.repository("stable")["health"]["sentence"]
    assert "as root said" in machine.agent.log()
