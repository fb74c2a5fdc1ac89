"""apt patches its package lists with a few hundred bytes: the agent reads those instead of fetching whole ones."""
import gzip
import hashlib
import random
import time

import pytest

from harness.agent import learning
from harness.debian import DebianRepository
from harness.processes import run, wait_until

HOUR = 3600


def sha256_of(data):
    return hashlib.sha256(data).hexdigest()


class Patched(DebianRepository):
    """Publishes beside each list of packages what changed since the one before (apt: Packages.diff/Index)."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.before = None

    def _release(self, dist, *arguments):
        folder = dist / self.component / f"binary-{self.architecture}"
        now, before, self.before = (folder / "Packages").read_bytes(), self.before, (folder / "Packages").read_bytes()
        if before:
            self._write_patch(folder / "Packages.diff", before, now)
        return super()._release(dist, *arguments)

    def _write_patch(self, folder, before, now):
        folder.mkdir()
        for name, data in (("before", before), ("now", now)):
            (folder / name).write_bytes(data)
        patch = run(["diff", "--ed", "before", "now"], cwd=folder, check=False, binary=True).stdout
        for name in ("before", "now"):
            (folder / name).unlink()
        packed, name = gzip.compress(patch, 9, mtime=0), "2026-01-02-0000.00"
        (folder / f"{name}.gz").write_bytes(packed)
        fact = lambda data: f"{sha256_of(data)} {len(data)}"  # noqa: E731
        (folder / "Index").write_text("\n".join([
            f"SHA256-Current: {fact(now)}", "SHA256-History:", f" {fact(before)} {name}", "SHA256-Patches:",
            f" {fact(patch)} {name}", "SHA256-Download:", f" {fact(packed)} {name}.gz", "X-Patch-Precedence: merged", ""]))

    def _link_by_hash(self, folder):
        patches, aside = folder / "Packages.diff", folder.parent / "aside"
        if patches.exists():
            patches.rename(aside)
        super()._link_by_hash(folder)
        if aside.exists():
            aside.rename(patches)
            (patches / "by-hash/SHA256").mkdir(parents=True)
            index = (patches / "Index").read_bytes()
            (patches / "by-hash/SHA256" / sha256_of(index)).write_bytes(index)


def filler(count):
    chance = random.Random(1)
    return "\n" + "".join(
        f"Package: filler{number:05}\nVersion: 1.0\nArchitecture: amd64\nMaintainer: x <x@packswarm.invalid>\n"
        f"Filename: pool/main/f/filler{number:05}_1.0_amd64.deb\nSize: {1000 + number}\n"
        f"SHA256: {chance.randbytes(32).hex()}\nDescription: {chance.randbytes(60).hex()}\n\n"
        for number in range(count))


def stanza(name):
    return (f"Package: {name}\nVersion: 1.0\nArchitecture: amd64\nFilename: pool/{name}.deb\nSize: 10\n"
            f"SHA256: {sha256_of(name.encode())}\n\n")


class Archive:
    def __init__(self, world, stock):
        self.repository = Patched(world.folder / "own", stock.key)
        self.repository.add("own00", 20_000)
        self.text, self.count, self.date = filler(3_000), 3_001, time.time() - 5 * HOUR
        self.publish()
        self.mirror = world.mirror("m1", self.repository.base)

    def publish(self):
        self.count, self.date = self.count + 1, self.date + HOUR
        self.text += stanza(f"added{self.count}")
        self.repository.publish(date=self.date, edit_packages=lambda text: text + self.text)
        return self

    @property
    def whole(self):
        return (self.repository.base / "dists/stable/main/binary-amd64/Packages.xz").stat().st_size


def entries(agent):
    return agent.repository("stable")["entries"]


def with_patches(world, stock, packed="false"):
    archive = Archive(world, stock)
    machine = world.machine("c1")
    extra = f'Acquire::PDiffs "true";\nAcquire::PDiffs::SizeLimit "100";\nAcquire::GzipIndexes "{packed}";\n'
    apt = machine.apt([stock.source(archive.mirror)], extra=extra)
    machine.start_agent([], change=learning(apt))
    apt.update()
    wait_until(lambda: entries(machine.agent) == archive.count, 20, lambda: machine.agent.status()["repositories"])
    return archive, machine.agent, apt


@pytest.mark.parametrize("packed", ["false", "true"])
def test_patched_lists_are_read_where_apt_keeps_them(world, stock, packed):
    archive, agent, apt = with_patches(world, stock, packed)
    archive.publish()
    archive.mirror.forget()
    apt.update()
    assert any("Packages.diff" in one["uri"] for one in archive.mirror.requests()), "apt took a patch"
    wait_until(lambda: entries(agent) == archive.count, 40, lambda: agent.log()[-2000:])
    moved = sum(one["body"] for one in archive.mirror.requests())
    assert moved < archive.whole / 4, archive.mirror.requests()
    assert agent.status()["own_indexes"]["mirror"] == 0


def test_lists_that_nobody_asked_for_come_within_the_days_budget(world, stock):
    archive = Archive(world, stock)
    for name, budget in (("c1", archive.whole + 1000), ("c2", archive.whole - 1000)):
        machine = world.machine(name)
        own = dict(daily_indexes=budget, apt_lists="")
        agent = machine.start_agent([stock.debian_repository(archive.mirror)],
                                    change=lambda settings: settings["sources"].update(own))
        agent.ask("refresh")
        if budget > archive.whole:
            wait_until(lambda: entries(agent) == archive.count, 40, lambda: agent.repository("stable"))
            used = agent.status()["own_indexes"]
            assert archive.whole <= used["mirror"] <= budget and used["most"] == budget
        else:
            wait_until(lambda: "used up" in agent.log(), 40, lambda: agent.log()[-2000:])
            assert agent.status()["own_indexes"]["mirror"] == 0


def test_a_list_that_somebody_else_wrote_there_is_not_believed(world, stock):
    archive, agent, apt = with_patches(world, stock)
    archive.publish()
    apt.update()
    wait_until(lambda: entries(agent) == archive.count, 40, lambda: agent.repository("stable"))
    kept = next((apt.folder / "state/lists").glob("*_Packages"))
    text = kept.read_bytes()
    kept.write_bytes(text.replace(b"filler00001", b"filler99999"))  # of the same length
    agent.stop()
    agent.change(lambda settings: settings["sources"].update(apt_lists=apt.folder / "state/lists", daily_indexes=0))
    agent.start()
    wait_until(lambda: "not the one that is wanted" in agent.log(), 20, lambda: agent.log()[-2000:])
    assert entries(agent) == 0
    assert agent.ask("explain", "filler99999")["entries"] == []
