"""The agent notices that apt's or pacman's sources were changed, without being told."""
import pathlib

from harness.agent import learning
from harness.debian import DebianRepository
from harness.processes import wait_until


def suites(agent):
    return sorted(one["suite"] for one in agent.status()["repositories"])


def bases(agent):
    return sorted(base for one in agent.status()["repositories"] for base in one["bases"])


def agent_of(world, apt_dir, pacman_conf):
    machine = world.machine("c1")
    machine.start_agent([], change=lambda settings: settings.update(
        sources={"apt": True, "pacman": True, "apt_dir": apt_dir, "pacman_conf": pacman_conf}))
    return machine.agent


def readable(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    for one in (path, *path.parents):
        if str(one).startswith("/tmp/packswarm-test-"):
            one.chmod(0o755 if one.is_dir() else 0o644)
    return path


def test_sources_that_are_added_changed_and_removed_are_noticed(world, stock):
    etc = world.folder / "etc"
    key = f"[arch=amd64 signed-by={stock.public}]"
    readable(etc / "apt/sources.list", f"deb {key} http://one.invalid/debian stable main\n")
    readable(etc / "apt/sources.list.d/.keep", "")
    conf = readable(etc / "pacman/pacman.conf",
                    f"[options]\nArchitecture = x86_64\n[core]\nInclude = {etc}/mirrors/list\n")
    readable(etc / "mirrors/list", "Server = http://arch.invalid/$repo/$arch\n")
    agent = agent_of(world, etc / "apt", conf)
    assert suites(agent) == ["core", "stable"]

    extra = readable(etc / "apt/sources.list.d/extra.sources",
                     "Types: deb\nURIs: http://two.invalid/debian\nSuites: extra\nComponents: main\n"
                     f"Architectures: amd64\nSigned-By: {stock.public}\n")
    wait_until(lambda: suites(agent) == ["core", "extra", "stable"], 20, lambda: agent.status()["repositories"])

    replacement = readable(etc / "apt/sources.list.new", f"deb {key} http://three.invalid/debian stable main\n")
    replacement.rename(etc / "apt/sources.list")  # as editors do it
    one, three = "http://one.invalid/debian", "http://three.invalid/debian"
    wait_until(lambda: {one, three} & {*bases(agent)} == {three}, 20, lambda: bases(agent))

    readable(etc / "mirrors/list", "Server = http://other.invalid/$repo/$arch\n")
    wait_until(lambda: "http://other.invalid/core/x86_64" in bases(agent), 20, lambda: bases(agent))

    conf.write_text(conf.read_text() + "[more]\nServer = http://more.invalid/$repo/$arch\n")
    wait_until(lambda: "more" in suites(agent), 20, lambda: suites(agent))

    extra.unlink()
    wait_until(lambda: "extra" not in suites(agent), 20, lambda: suites(agent))


def test_a_source_that_was_just_added_is_served_and_kept(world, stock):
    repository = DebianRepository(world.folder / "own", stock.key)
    package = repository.add("own00", 20_000)
    repository.publish()
    mirror = world.mirror("m1", repository.base)
    machine = world.machine("c1")
    apt = machine.apt([])
    machine.start_agent([], change=learning(apt))
    assert suites(machine.agent) == []
    (pathlib.Path(apt.folder) / "etc/sources.list.d/own.list").write_text(stock.source(mirror) + "\n")
    wait_until(lambda: suites(machine.agent) == ["stable"], 20, "the source is noticed")
    apt.update()
    wait_until(lambda: machine.agent.repository("stable")["entries"] == 1, 20, "its list is read")
    apt.install(["own00"])
    assert apt.wrong([package]) == []
