"""What apt's own method takes over from an agent that is no more: it goes on, and the mirror gives nothing twice that apt's file held."""
from harness.debian import DebianRepository
from harness.odd_mirror import OddMirror
from harness.processes import size_of, wait_until


def half_file(apt):
    return max(map(size_of, (apt.archives / "partial").glob("*.deb")), default=0)


def test_an_agent_that_dies_late_costs_apt_only_the_rest(world, stock):
    repository = DebianRepository(world.folder / "own", stock.key)
    package = repository.add("huge", 24_000_000)
    mirror = world.mirror("m1", repository.publish().base, up=40)
    machine = world.machine("c1")
    machine.start_agent([stock.debian_repository(mirror)])
    apt = machine.apt([stock.source(mirror)])
    apt.update()
    child = apt.child(*apt.install_argv([package.name]))
    wait_until(lambda: half_file(apt) > 16_000_000, 60, lambda: f"two thirds of it stand in apt's file:\n{child.text()[-2000:]}")
    machine.agent.kill()
    had = half_file(apt)
    assert child.wait(60) == 0, child.text()
    assert apt.wrong([package]) == []
    by_apt = [request for request in mirror.requests() if request["uri"].endswith(".deb") and not request["agent"].startswith("packswarm")]
    assert [request["status"] for request in by_apt] == [206], by_apt
    assert by_apt[0]["body"] <= package.size - had, (by_apt, had)
    assert child.text().count("Get:1") == 1, child.text()


def test_a_server_that_names_no_part_gives_the_file_anew(world, stock):
    """apt's own method fails for good at such an answer for the rest of a file; without us there would be no rest to ask for."""
    repository = DebianRepository(world.folder / "own", stock.key)
    package = repository.add("huge", 4_000_000)
    mirror = OddMirror(world, "m1", repository.publish().base, parts="unnamed", rate=1_500_000)
    machine = world.machine("c1")
    machine.start_agent([stock.debian_repository(mirror)])
    apt = machine.apt([stock.source(mirror)])
    apt.update()
    child = apt.child(*apt.install_argv([package.name]))
    wait_until(lambda: half_file(apt) > 1_000_000, 60, lambda: f"a part of it stands in apt's file:\n{child.text()[-2000:]}")
    machine.agent.kill()
    assert child.wait(60) == 0, child.text()
    assert apt.wrong([package]) == []
    assert "Err:" not in child.text() and "Ign:" not in child.text(), child.text()


def test_a_list_that_its_own_server_does_not_have_fails_as_without_us(world, stock):
    """Root and detached signature came through the agent from the very server that has no list: that is no mirror that lags behind another."""
    repository = DebianRepository(world.folder / "own", stock.key)
    repository.add("tiny", 10_000)
    base = repository.publish(inrelease=False, by_hash=False, compressions=(".gz",)).base
    mirror = OddMirror(world, "m1", base, slow="Packages.gz")
    machine = world.machine("c1")
    machine.start_agent([stock.debian_repository(mirror)])
    for file in base.rglob("Packages.gz"):
        file.unlink()
    apt = machine.apt([stock.source(mirror)])
    child = apt.child("update")
    wait_until(lambda: "Release.gpg" in child.text(), 30, lambda: f"the signature has come:\n{child.text()[-2000:]}")
    machine.agent.kill()
    assert child.wait(60) == 100, child.text()
    assert "Ign:4" not in child.text(), f"it was asked for once more:\n{child.text()}"
