"""packswarm-torrent and packswarm-seed on signed folders: right names for right files, and nothing for any other."""
import hashlib
import json
import shutil
import subprocess

import pytest
from conftest import PROGRAMS

from harness.arch import PacmanRepository
from harness.debian import DebianRepository
from harness.processes import wait_until


def canonical_infohash(path):
    """The canonical torrent in a few lines of another language: v1, one file, named by its SHA-256, 64 KiB to 16 MiB a piece, at most 512 of them."""
    data = path.read_bytes()
    length = 64 << 10
    while length < 16 << 20 and len(data) > length * 512:
        length *= 2
    pieces = b"".join(hashlib.sha1(data[at:at + length]).digest() for at in range(0, len(data), length))
    info = b"d6:lengthi%de4:name64:%s12:piece lengthi%de6:pieces%d:%se" % (
        len(data), hashlib.sha256(data).hexdigest().encode(), length, len(pieces), pieces)
    return hashlib.sha1(info).hexdigest()


def tool(name, *words, ok=True):
    done = subprocess.run([PROGRAMS / name, *words], capture_output=True, text=True, timeout=60)
    assert (done.returncode == 0) == ok, f"{name} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return done


def as_json(done):
    return json.loads(done.stdout)


@pytest.fixture
def folder(tmp_path):
    tmp_path.chmod(0o755)
    for parent in tmp_path.parents[:2]:
        parent.chmod(0o755)
    return tmp_path


@pytest.fixture
def debian(folder, stock):
    repository = DebianRepository(folder / "debian", stock.key)
    for number, size in enumerate((2_000, 70_000, 300_000)):
        repository.add(f"package{number}", size)
    return repository.publish()


@pytest.fixture
def arch(folder, stock):
    repository = PacmanRepository(folder / "arch", stock.key)
    for number, size in enumerate((2_000, 70_000)):
        repository.add(f"package{number}", size)
    return repository


def test_make_names_a_file_as_every_other_holder_would(folder, debian):
    for package in debian.packages.values():
        path = debian.base / package.path
        made = as_json(tool("packswarm-torrent", "make", path, "-o", folder / "out", "--tracker", "http://tracker.example/announce", "--json"))["items"][0]
        assert made["sha256"] == package.sha256 and made["size"] == package.size
        assert made["infohash"] == canonical_infohash(path)
        assert f"urn:btih:{made['infohash']}" in made["magnet"] and "tr=http%3A%2F%2Ftracker.example" in made["magnet"]
        torrent = folder / "out" / f"{package.sha256}.torrent"
        assert b"tracker.example" in torrent.read_bytes()
        tool("packswarm-torrent", "verify", torrent, path)
    named = tool("packswarm-torrent", "infohash", *[debian.base / package.path for package in debian.packages.values()]).stdout.split()
    listed = tool("packswarm-torrent", "whitelist", folder / "out").stdout.split()
    assert sorted(named[::2]) == listed and len(listed) == 3


def test_verify_finds_a_changed_byte_another_length_and_a_torrent_of_another_kind(folder, debian):
    path = debian.base / debian.packages["package2"].path
    tool("packswarm-torrent", "make", path, "-o", folder)
    torrent = next(folder.glob("*.torrent"))
    changed = bytearray(path.read_bytes())
    changed[150_000] ^= 1
    (folder / "changed").write_bytes(changed)
    wrong = tool("packswarm-torrent", "verify", torrent, folder / "changed", ok=False)
    assert "SHA-256" in wrong.stderr and "1 of 5 pieces differ" in wrong.stderr, wrong.stderr
    (folder / "short").write_bytes(path.read_bytes()[:-1])
    assert "bytes" in tool("packswarm-torrent", "verify", torrent, folder / "short", ok=False).stderr
    (folder / "foreign.torrent").write_bytes(torrent.read_bytes().replace(b"4:name64:", b"4:name64:X", 1))
    tool("packswarm-torrent", "verify", folder / "foreign.torrent", path, ok=False)
    (folder / "empty").write_bytes(b"")
    tool("packswarm-torrent", "make", folder / "empty", ok=False)
    tool("packswarm-torrent", "make", folder / "absent", ok=False)


def test_index_makes_the_torrents_that_the_signed_index_lists_and_no_other(folder, debian, stock):
    (debian.base / "pool/stranger.deb").write_bytes(b"not listed")
    lost, spoiled, kept = (debian.packages[f"package{number}"] for number in range(3))
    (debian.base / lost.path).unlink()
    data = bytearray((debian.base / spoiled.path).read_bytes())
    data[1000] ^= 1
    (debian.base / spoiled.path).write_bytes(data)
    run = tool("packswarm-torrent", "index", debian.base, "--keyring", stock.public, "-o", folder / "out", "--webseed", "http://mirror.example/debian/",
               "--json", ok=False)
    answer = as_json(run)
    assert [item["sha256"] for item in answer["items"]] == [kept.sha256]
    assert answer["items"][0]["infohash"] == canonical_infohash(debian.base / kept.path)
    assert len(answer["problems"]) == 1 and spoiled.path in answer["problems"][0]
    assert "1 of the listed files are not in this folder" in run.stderr
    assert [file.stem for file in (folder / "out").iterdir()] == [kept.sha256]
    assert f"http://mirror.example/debian/{kept.path}".encode() in (folder / "out" / f"{kept.sha256}.torrent").read_bytes()
    assert "no such repository" in tool("packswarm-torrent", "index", debian.base, "--suite", "other", ok=False).stderr


def test_index_believes_no_index_that_the_keyring_did_not_sign(folder, debian, stock, arch):
    arch.publish(signed=False)
    tool("packswarm-torrent", "index", debian.base, "--keyring", "/nonexistent", ok=False)
    release = debian.base / "dists/stable/InRelease"
    release.write_text(release.read_text().replace("main", "nain", 1))
    for path in ("Release", "Release.gpg"):
        (debian.base / "dists/stable" / path).unlink(missing_ok=True)
    refused = as_json(tool("packswarm-torrent", "index", debian.base, "--keyring", stock.public, "--json", ok=False))
    assert refused["items"] == [] and refused["problems"]


def test_index_of_a_pacman_mirror_with_and_without_a_signed_database(arch, stock):
    for signed in (True, False):
        arch.publish(signed=signed)
        made = as_json(tool("packswarm-torrent", "index", arch.base, "--pacman-home", stock.pacman_keyring, "--json"))
        assert sorted(item["sha256"] for item in made["items"]) == sorted(package.sha256 for package in arch.packages.values())
    package = arch.packages["package0"]
    (arch.base / f"{package.path}.sig").unlink()
    arch.publish(signed=False)  # its entry carries no signature either now
    refused = as_json(tool("packswarm-torrent", "index", arch.base, "--pacman-home", stock.pacman_keyring, "--json", ok=False))
    assert len(refused["items"]) == 1 and package.name in refused["problems"][0]
    assert all((arch.base / one.path).exists() for one in arch.packages.values()), "a check must leave the mirror's files alone"


def test_seed_tells_without_an_agent_what_it_would_give(debian, stock):
    spoiled = debian.base / debian.packages["package1"].path
    data = bytearray(spoiled.read_bytes())
    data[1000] ^= 1
    spoiled.write_bytes(data)
    answer = as_json(tool("packswarm-seed", debian.base, "--keyring", stock.public, "--dry-run", "--json", ok=False))
    assert {line["path"].split("/")[-1].split("_")[0]: line["state"] for line in answer["files"]} == {
        "package0": "right", "package1": "wrong", "package2": "right"}
    absent = tool("packswarm-seed", debian.base, "--keyring", stock.public, "--socket", "/nonexistent", ok=False)
    assert "packswarm-seed:" in absent.stderr


def test_seed_hands_a_mirrors_folder_to_the_agent(world, stock, debian):
    mirror = world.mirror("m1", debian.base)
    machine = world.machine("c1")
    agent = machine.start_agent([stock.debian_repository(mirror)])
    agent.ask("refresh")
    wait_until(lambda: agent.repository("stable")["entries"] >= 3, 30, "the agent has read what the index lists")
    (debian.base / debian.packages["package0"].path).unlink()
    words = (debian.base, "--keyring", stock.public, "--socket", agent.socket, "--json")
    first = as_json(tool("packswarm-seed", *words))
    assert first["sums"]["taken"]["files"] == 2 and first["sums"]["missing"]["files"] == 1, first
    assert agent.status()["store"]["bytes"] >= sum(debian.packages[name].size for name in ("package1", "package2"))
    again = as_json(tool("packswarm-seed", *words))
    assert again["sums"]["known"]["files"] == 2, again
    shutil.rmtree(debian.base / "dists")
    assert "no such repository" in tool("packswarm-seed", *words[:-1], ok=False).stderr
