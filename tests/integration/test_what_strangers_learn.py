"""A far stranger is told of large artifacts, and of what mirrors and neighbours do not give; of a security suite's only when no mirror is left."""
import time

import pytest
from conftest import chosen

from harness import gossip
from harness.debian import DebianRepository
from harness.processes import wait_until

REPEATED = 4  # seconds: asks are repeated every three


@pytest.fixture
def mirror(world, stock):
    return world.mirror("m1", stock.debian.base)


class Scene:
    """An agent that knows an index, and somebody outside its local networks who is connected and listens."""

    def __init__(self, world, table, far=True, **more):
        self.machine = world.machine("c1")
        settings = {"lan_networks": ["192.0.2.0/24"]} if far else {}
        self.agent = self.machine.start_agent([table], **settings, **more)
        self.agent.ask("refresh")
        wait_until(lambda: self.agent.status()["repositories"][0]["entries"] > 0, 20, "the index is read")
        infohash = wait_until(lambda: self.agent.discovery()["swarms"], 20, "a swarm is joined")[0]["infohash"]
        node = world.network.node("stranger")
        self.stranger = node.child(["/usr/bin/python3", gossip.__file__, "listen", self.machine.node.ip, self.agent.SWARM_PORT, infohash], world.folder / "stranger")
        wait_until(lambda: "ready" in self.stranger.text(), 20, lambda: f"the stranger is connected: {self.stranger.text()}")
        self.agent.wait_for_peer()
        time.sleep(REPEATED)  # what the agent looks for by itself has been asked for

    def knows(self, package):
        return package.sha256 in self.stranger.text().split()

    def fetch(self, mirror, package, check=True):
        return self.agent.fetch(f"{mirror.url}/{package.path}", self.machine.folder / "scratch", check=check)


def test_a_stranger_is_not_told_of_small_packages_that_a_mirror_gives_and_is_of_large_ones(world, stock, mirror):
    scene = Scene(world, stock.debian_repository(mirror))
    small, large = chosen(stock.debian, "small")[:8], chosen(stock.debian, "large")[0]
    for package in small:
        scene.fetch(mirror, package)
    time.sleep(REPEATED)
    assert [package.name for package in small if scene.knows(package)] == []
    scene.fetch(mirror, large)
    wait_until(lambda: scene.knows(large), 20, "it is told of a large one")


def test_a_neighbour_is_told_at_once(world, stock, mirror):
    scene = Scene(world, stock.debian_repository(mirror), far=False)
    package = chosen(stock.debian, "small")[0]
    scene.fetch(mirror, package)
    wait_until(lambda: scene.knows(package), 20, "it is told")


def test_a_stranger_is_told_when_the_mirror_is_gone(world, stock, mirror):
    scene = Scene(world, stock.debian_repository(mirror))
    package = chosen(stock.debian, "small")[0]
    mirror.stop()
    scene.fetch(mirror, package, check=False)
    assert scene.knows(package)


def test_nobody_far_is_told_anything_when_the_owner_says_so(world, stock, mirror):
    scene = Scene(world, stock.debian_repository(mirror), ask_strangers=False)
    small, large = chosen(stock.debian, "small")[0], chosen(stock.debian, "large")[0]
    scene.fetch(mirror, large)
    mirror.stop()
    scene.fetch(mirror, small, check=False)
    assert not scene.knows(large) and not scene.knows(small)


def test_of_a_security_suite_a_stranger_is_told_only_when_no_mirror_is_left(world, stock):
    fixes = DebianRepository(world.folder / "fixes", stock.key, suite="stable-security")
    small, large, last = fixes.add("small", 9_000), fixes.add("large", 3_000_000), fixes.add("last", 9_000)
    fixes.publish()
    mirror = world.mirror("m1", fixes.base)
    scene = Scene(world, {**stock.debian_repository(mirror), "suite": "stable-security"})
    for package in (small, large):
        scene.fetch(mirror, package)
    time.sleep(REPEATED)
    assert not scene.knows(small) and not scene.knows(large)
    mirror.stop()
    scene.fetch(mirror, last, check=False)
    assert scene.knows(last)
