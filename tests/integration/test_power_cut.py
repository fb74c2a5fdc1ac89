"""Kills and power cuts at any moment, under load: what was said to be stored is there afterwards, nothing wrong is, and the agent is back at once.

PACKSWARM_CUTS=200 makes as many of each; here a few, other ones each time."""
import json
import os
import pathlib
import random
import signal
import subprocess
import threading
import time

import pytest
from conftest import chosen

from harness.debian import sha256
from harness.processes import run, wait_until

CUTS = int(os.environ.get("PACKSWARM_CUTS", 6))
OPENS_WITHIN = 3  # seconds
pytestmark = [pytest.mark.limit(60 + 12 * CUTS), pytest.mark.skipif(subprocess.run(["losetup", "-f"], capture_output=True).returncode != 0,
                                                                       reason="this machine gives no loop device")]


class Disk:
    """A file system of its own in a loop device. Power that fails takes what was written and not flushed."""

    def __init__(self, world, at):
        self.world, self.at = world, at
        self.image = world.tmpfs(world.folder / "disk", 900) / "image"
        self.image.write_bytes(b"")
        os.truncate(self.image, 96 << 20)
        run(["mkfs.ext4", "-q", "-E", "lazy_itable_init=0,lazy_journal_init=0", self.image])
        self.mount()
        world.household.add(lambda: run(["umount", "-l", at], check=False))

    def mount(self):
        run(["mount", "-o", "loop", self.image, self.at])
        os.chown(self.at, 65534, 65534)

    def as_flushed(self):
        """The bytes on the device, as one moment saw them: two readings in a row that are the same."""
        before = b""
        while (now := self.image.read_bytes()) != before:
            before = now
        return now

    def cut(self, agent):
        """Nobody writes any more; what is on the device then is all that is left."""
        os.kill(agent.child.pid, signal.SIGSTOP)
        left = self.as_flushed()
        agent.kill()
        run(["umount", self.at])
        self.image.unlink()
        self.image.write_bytes(left)
        self.mount()


class Load:
    """Fetches packages, and has others imported, until it is told to stop. `said`: those that the agent said it has stored."""

    def __init__(self, agent, packages, mirror, files):
        self.agent, self.packages, self.mirror, self.files = agent, packages, mirror, files
        self.said, self.is_over = set(), False
        self.threads = [threading.Thread(target=work, args=(number,)) for number, work in enumerate((self.fetch, self.fetch, self.bring))]
        for thread in self.threads:
            thread.start()

    def fetch(self, number):
        chance = random.Random(number)
        while not self.is_over:
            package = chance.choice(self.packages)
            self.agent.fetch(f"{self.mirror.url}/{package.path}", self.agent.folder / f"out{number}", check=False)

    def bring(self, _):
        for package in random.sample(self.packages, len(self.packages)):
            if self.is_over:
                return
            answer = self.agent.node.run([self.agent.programs / "packswarm", "--socket", self.agent.socket, "--json", "import", self.files / package.path],
                                         check=False)
            if answer.returncode == 0 and json.loads(answer.stdout)["files"][0]["state"] in ("imported", "stored", "known"):
                self.said.add(package)

    def end(self):
        self.is_over = True
        for thread in self.threads:
            thread.join()


def knows_all(agent, stock):
    wait_until(lambda: agent.repository("stable")["entries"] == len(stock.debian.packages), 20, "the index is known")


@pytest.mark.parametrize("how", ["killed", "power cut"])
def test_what_was_said_to_be_stored_is_there_and_right(world, stock, how):
    mirror = world.mirror("m1", stock.debian.base)
    machine = world.machine("c1")
    agent = machine.prepare_agent([stock.debian_repository(mirror)], change=lambda settings: settings["store"].update(quota="60 MiB"))
    disk = Disk(world, agent.state)
    agent.start()
    agent.ask("refresh")
    packages = chosen(stock.debian, "small", "middle", "large")  # 29 MB of the 60
    knows_all(agent, stock)
    said, slowest = set(), 0.0
    for number in range(CUTS):
        load = Load(agent, packages, mirror, pathlib.Path(stock.debian.base))
        time.sleep(random.uniform(0.05, 1.5))
        said |= load.said
        disk.cut(agent) if how == "power cut" else agent.kill()
        load.end()
        began = time.monotonic()
        agent.start()
        slowest = max(slowest, time.monotonic() - began)
        assert slowest < OPENS_WITHIN, number
        knows_all(agent, stock)
        before = agent.gave()["mirror"]
        for package in sorted(said, key=lambda one: one.name):
            out = agent.folder / "again"
            agent.fetch(f"{mirror.url}/{package.path}", out)
            assert sha256(out) == package.sha256, (number, package.name)
        assert agent.gave()["mirror"] == before, f"round {number}: of {len(said)} that were stored, some came from the mirror again:\n{agent.log()[-3000:]}"
    assert said, "nothing was stored in time"
    print(f"{CUTS} times {how}: {len(said)} stored, opened within {slowest:.2f} s")
