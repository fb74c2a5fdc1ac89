"""A bundle on a stick: an upgrade from a machine that had a mirror to one that has no network at all."""
import json
import os
import pathlib
import re
import shutil
import socket
import time

import pytest

from harness.arch import PacmanRepository
from harness.debian import DebianRepository, sha256
from harness.keys import SigningKey
from harness.network import ip
from harness.pacman import by_server

HOUR = 3600


def table(mirror, stock, **more):
    return {"format": "debian", "suite": "stable", "components": ["main"], "architectures": ["amd64"], "mirrors": [mirror.url],
            "keyring": [stock.public], "public": True, **more}


def unplug(machine):
    ip(machine.node.namespace, "link set eth0 down")


def installed(apt, packages):
    """As if these were installed: an upgrade has something to do."""
    (apt.folder / "status").write_text("".join(
        f"Package: {name}\nStatus: install ok installed\nMaintainer: tests <tests@packswarm.invalid>\nArchitecture: amd64\nVersion: {version}\n"
        f"Description: x\n\n" for name, version in packages.items()))


def candidate(apt, name):
    policy = apt.node.run(["apt-cache", "policy", name], env=apt.env(), check=False).stdout
    return next((line.split()[-1] for line in policy.splitlines() if "Candidate" in line), None)


class Stick:
    """What is on it, and the commands that write and read it."""

    def __init__(self, world):
        self.folder = world.folder / "stick"
        self.folder.mkdir()

    @property
    def manifest(self):
        return self.folder / "packswarm-bundle.txt"

    def write(self, machine, *words, check=True):
        return self._run(machine, "bundle", "--to", self.folder, *words, check=check)

    def bring(self, machine, check=True):
        return self._run(machine, "import", "--bundle", self.folder, check=check)

    def _run(self, machine, *words, check):
        """Its standard output alone is JSON; `stderr` has the rest."""
        complaints = machine.folder / "complaints"
        command = [machine.agent.programs / "packswarm", "--socket", machine.agent.socket, "--json", *words]
        said = machine.node.run(["sh", "-c", '"$@" 2> "$0"', complaints, *command], check=False)
        said.stderr = complaints.read_text()
        assert said.returncode == 0 or not check, said.stderr + said.stdout
        return said

    def refused(self, machine):
        """What it says of a bundle that is not taken as a whole."""
        said = self.bring(machine, check=False)
        assert said.returncode == 1, said.stdout
        answer = json.loads(said.stdout)
        assert answer["problems"] and all(problem in said.stderr for problem in answer["problems"][:3])
        return answer

    def place(self, digest):
        return self.folder / "files" / digest[:2] / digest

    def root(self):
        """Where its only root lies."""
        return self.place(re.search(r"^root ([0-9a-f]{64})", self.manifest.read_text(), re.MULTILINE)[1])

    def put_root(self, file):
        """Another root in its place, and in the manifest."""
        digest = sha256(file)
        self.place(digest).parent.mkdir(exist_ok=True)
        shutil.copy(file, self.place(digest))
        text = re.sub(r"^root [0-9a-f]{64} \d+", f"root {digest} {file.stat().st_size}", self.manifest.read_text(), flags=re.MULTILINE)
        self.manifest.write_text(text)


class Scene:
    """A giver and a taker that both had the first state of a repository; the giver alone has had the second."""

    def __init__(self, world, stock, first_date=None, valid_until=None):
        self.world, self.stock = world, stock
        self.repository = DebianRepository(world.folder / "repository", stock.key)
        for name, size in {"small": 9_000, "large": 3_000_000, "other": 40_000}.items():
            self.repository.add(name, size, "1.0")
        self.repository.publish(date=first_date or time.time() - 2 * HOUR)
        self.mirror = world.mirror("m1", self.repository.base)
        self.giver, self.taker = world.machine("giver"), world.machine("taker")
        for machine in (self.giver, self.taker):
            machine.start_agent([table(self.mirror, stock)])
        self.theirs, self.ours = (machine.apt([stock.source(self.mirror)]) for machine in (self.giver, self.taker))
        self.ours.update()
        installed(self.ours, {"small": "1.0", "large": "1.0"})
        self.upgraded = [self.repository.add(name, size, "2.0") for name, size in {"small": 9_000, "large": 3_000_000}.items()]
        self.repository.publish(date=time.time() - HOUR, valid_until=valid_until)
        self.theirs.update()
        self.theirs.install(["small", "large"])
        self.stick = Stick(world)

    def end_of_the_network(self):
        self.mirror.stop()
        for machine in (self.giver, self.taker):
            unplug(machine)
        return self

    def has(self, version):
        """Updates the taker; its upgrade is of that version, and whole."""
        self.ours.update()
        assert candidate(self.ours, "small") == version
        self.ours.get("upgrade", "--download-only", "--yes")
        if version == "2.0":
            assert self.ours.wrong(self.upgraded) == []


@pytest.fixture
def scene(world, stock):
    return Scene(world, stock).end_of_the_network()


def test_apt_updates_and_upgrades_from_a_bundle_without_any_network(scene):
    made = json.loads(scene.stick.write(scene.giver).stdout)
    assert made["problems"] == [] and made["repositories"][0]["packages"] == 2, made
    brought = json.loads(scene.stick.bring(scene.taker).stdout)
    assert [one["state"] for one in brought["repositories"]] == ["updated"]
    assert brought["files"]["taken"] == 3 and brought["files"]["refused"] == 0, brought
    scene.has("2.0")
    scene.taker.agent.stop()
    scene.taker.agent.start()
    scene.ours.forget_packages()
    scene.has("2.0")
    again = json.loads(scene.stick.bring(scene.taker).stdout)
    assert again["repositories"][0]["state"] == "known" and again["files"]["taken"] == 0 and again["files"]["known"] == 3


def test_a_second_run_adds_only_what_is_new_and_nothing_of_the_giver_is_inside(scene):
    first = json.loads(scene.stick.write(scene.giver, "small").stdout)
    assert first["files"]["written"] == 3, "root, list and one package"
    times = {file: file.stat().st_mtime_ns for file in scene.stick.folder.rglob("*") if file.is_file() and file != scene.stick.manifest}
    second = json.loads(scene.stick.write(scene.giver).stdout)
    assert second["files"] == {"written": 1, "known": 3, "bytes": scene.upgraded[1].size}
    assert all(file.stat().st_mtime_ns == when for file, when in times.items())
    assert not [file for file in scene.stick.folder.rglob("*.part")]
    words = [scene.mirror.url, scene.mirror.node.ip, scene.giver.node.ip, scene.taker.node.ip, socket.gethostname(), str(scene.giver.folder),
             "root@", "nobody"]
    lists = {package.sha256 for package in scene.upgraded}
    for file in scene.stick.folder.rglob("*"):
        if file.is_file() and file.name not in lists:
            text = file.read_bytes()
            assert not [word for word in words if word.encode() in text], file
    names = {file.name for file in scene.stick.folder.rglob("*")}
    assert all(re.fullmatch(r"[0-9a-f]{64}|[0-9a-f]{2}|files|packswarm-bundle\.txt", name) for name in names), names
    unknown = scene.stick.write(scene.giver, "nothing-of-that-name", check=False)
    assert unknown.returncode == 1 and "nothing-of-that-name" in unknown.stderr


def test_a_fresh_machine_whose_mirrors_name_is_gone_takes_what_a_distributions_key_has_signed(world, stock):
    """It never saw its mirror, which has another address than the giver's."""
    scene = Scene(world, stock).end_of_the_network()
    scene.stick.write(scene.giver)
    fresh = world.machine("fresh")
    unplug(fresh)
    name = "http://mirror.invalid/debian"
    repository = {**table(scene.mirror, stock), "mirrors": [name]}
    del repository["public"]
    fresh.start_agent([repository], change=lambda settings: settings.update(sharing={"public_keyrings": [stock.public]}))
    apt = fresh.apt([f"deb [signed-by={stock.public} arch=amd64] {name} stable main"])
    installed(apt, {"small": "1.0"})
    scene.stick.bring(fresh)
    apt.update()
    assert candidate(apt, "small") == "2.0"
    apt.get("upgrade", "--download-only", "--yes")
    assert apt.wrong(scene.upgraded[:1]) == []


def test_pacman_updates_and_upgrades_from_a_bundle_without_any_network(world, stock):
    repository = PacmanRepository(world.folder / "arch", stock.key)
    repository.add("tool", 50_000, "1.0-1")
    repository.publish()
    mirror = world.mirror("m1", repository.base, prefix="/arch")
    giver, taker = world.machine("giver"), world.machine("taker")
    for machine in (giver, taker):
        machine.start_agent([stock.pacman_repository(mirror)])
    theirs, ours = (by_server(machine, stock, mirror) for machine in (giver, taker))
    ours.run("-Sy")
    package = repository.add("tool", 50_000, "2.0-1")
    repository.publish()
    theirs.run("-Sy")
    theirs.run("-Sw", "tool")
    mirror.stop()
    for machine in (giver, taker):
        unplug(machine)
    stick = Stick(world)
    made = json.loads(stick.write(giver, "--for", "pacman").stdout)
    assert made["repositories"][0]["packages"] == 1, made
    nothing = stick.write(giver, "--for", "apt", check=False)
    assert nothing.returncode == 1 and "no index" in nothing.stderr
    brought = json.loads(stick.bring(taker).stdout)
    assert brought["repositories"][0]["state"] == "updated", brought
    ours.run("-Sy")
    assert "2.0-1" in ours.run("-Si", "tool").stdout
    ours.run("-Sw", "tool")
    assert ours.wrong([package]) == []


def test_a_tampered_package_and_a_missing_one_are_refused_by_name_and_the_rest_is_taken(scene):
    scene.stick.write(scene.giver)
    small, large = scene.upgraded
    data = bytearray(scene.stick.place(large.sha256).read_bytes())
    data[len(data) // 2] ^= 1
    scene.stick.place(large.sha256).write_bytes(data)
    scene.stick.place(small.sha256).unlink()
    answer = scene.stick.refused(scene.taker)
    assert answer["files"]["refused"] == 2 and answer["files"]["taken"] == 1, answer
    assert any("large_2.0" in problem for problem in answer["problems"])
    scene.ours.update()
    assert candidate(scene.ours, "small") == "2.0", "the index is good"
    assert scene.taker.agent.ask("explain", large.sha256)["entries"][0]["stored"] is False


def test_links_pipes_folders_and_other_sizes_on_a_stick_are_refused(scene):
    scene.stick.write(scene.giver)
    small, large = scene.upgraded
    with open(scene.stick.place(large.sha256), "ab") as file:
        file.write(b"more than the index says")
    original = scene.world.folder / "original"
    scene.stick.place(small.sha256).rename(original)
    scene.stick.place(small.sha256).symlink_to(original)
    assert scene.stick.refused(scene.taker)["files"]["refused"] == 2
    scene.stick.place(small.sha256).unlink()
    os.mkfifo(scene.stick.place(small.sha256))
    assert scene.stick.refused(scene.taker)["files"]["refused"] == 2
    scene.stick.root().unlink()
    scene.stick.place(scene.stick.root().name).mkdir()
    assert scene.stick.refused(scene.taker)["repositories"][0]["state"] == "refused"
    scene.stick.manifest.write_text("packswarm-bundle 1\n" + "x\n" * 1000)
    said = scene.stick.bring(scene.taker, check=False)
    assert said.returncode == 1 and "cannot be read" in said.stderr


def spoiled(scene):
    data = bytearray(scene.stick.root().read_bytes())
    data[data.index(b"SHA256:") + 20] ^= 1
    return bytes(data), "signature"


def expired(scene):
    scene.repository.publish(date=time.time() - HOUR / 2, valid_until=time.time() - HOUR / 4)
    return (scene.repository.base / "dists/stable/InRelease").read_bytes(), "expired"


def older(scene):
    scene.repository.publish(date=time.time() - 3 * HOUR)
    return (scene.repository.base / "dists/stable/InRelease").read_bytes(), "older"


def foreign(scene):
    stranger = SigningKey(scene.world.folder / "stranger", "stranger", scene.world.household)
    scene.repository.publish(date=time.time() - HOUR / 2, key=stranger)
    return (scene.repository.base / "dists/stable/InRelease").read_bytes(), "not in the keyring"


@pytest.mark.parametrize("kind", [spoiled, expired, older, foreign], ids=lambda kind: kind.__name__)
def test_a_bad_root_is_refused_with_its_reason_and_nothing_is_lost(scene, kind):
    scene.stick.write(scene.giver)
    content, reason = kind(scene)
    other = scene.world.folder / "other-root"
    other.write_bytes(content)
    scene.stick.put_root(other)
    answer = scene.stick.refused(scene.taker)
    assert [one["state"] for one in answer["repositories"]] == ["refused"]
    assert reason in answer["repositories"][0]["message"], answer
    assert answer["files"]["passed_over"] == 3 and answer["files"]["taken"] == 0
    scene.has("1.0")
    assert scene.taker.agent.repository("stable")["state"] == "verified"


def test_a_full_stick_is_said_before_anything_is_written(world, stock, scene):
    small_disk = world.tmpfs(world.folder / "small-disk", 3)
    scene.stick.folder = pathlib.Path(small_disk)
    said = scene.stick.write(scene.giver, check=False)
    assert said.returncode == 1 and "has no room" in said.stderr
    assert list(small_disk.iterdir()) == []


def test_a_private_repository_is_carried_only_when_it_is_said(world, stock):
    repository = DebianRepository(world.folder / "private", stock.key)
    repository.add("secret", 9_000)
    repository.publish()
    mirror = world.mirror("m1", repository.base)
    giver, taker = world.machine("giver"), world.machine("taker")
    for machine in (giver, taker):
        machine.start_agent([table(mirror, stock, public=False)])
    theirs = giver.apt([stock.source(mirror)])
    theirs.update()
    theirs.install(["secret"])
    mirror.stop()
    stick = Stick(world)
    said = stick.write(giver, check=False)
    assert said.returncode == 1 and not stick.manifest.exists()
    stick.write(giver, "--private")
    stick.bring(taker)
    ours = taker.apt([stock.source(mirror)])
    ours.update()
    ours.install(["secret"])
    assert ours.wrong(repository.packages.values()) == []
