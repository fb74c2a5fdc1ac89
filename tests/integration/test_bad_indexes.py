"""Indexes that must be refused, wrong packages that must go nowhere, private repositories that must not be seen."""
import shutil
import time

import pytest

from harness.debian import DebianRepository
from harness.keys import SigningKey
from harness.processes import wait_until

HOUR, DAY = 3600, 86400


@pytest.fixture
def repository(world, stock):
    repository = DebianRepository(world.folder / "own", stock.key)
    for number in range(4):
        repository.add(f"own{number:02}", 20_000 + number)
    return repository


@pytest.fixture
def mirror(world, repository):
    repository.publish(date=time.time() - DAY)
    return world.mirror("m1", repository.base)


@pytest.fixture
def machine(world, stock, mirror):
    machine = world.machine("c1")
    machine.start_agent([stock.debian_repository(mirror)])
    return machine


def dist(repository):
    return repository.base / "dists/stable"


def tampered_root(world, stock, repository):
    """A line is added to the signed text."""
    root = dist(repository) / "InRelease"
    root.write_text(root.read_text().replace("Label: packswarm tests", "Label: packswarm attacks"))
    (dist(repository) / "Release").unlink()


def tampered_packages(world, stock, repository):
    """The list of packages says something else than the root's digest allows."""
    repository.add("own04", 20_004)
    repository.publish(date=time.time() - HOUR / 2)
    for file in dist(repository).rglob("Packages"):
        file.write_text(file.read_text().replace("own00", "own99"))
    for file in [*dist(repository).rglob("Packages.xz"), *dist(repository).rglob("Packages.gz")]:
        file.write_bytes(file.read_bytes()[:-20] + bytes(20))
    for folder in dist(repository).rglob("by-hash"):
        shutil.rmtree(folder)


def expired(world, stock, repository):
    """Newer than what was known, so that nothing but its end is wrong with it."""
    repository.publish(date=time.time() - DAY + HOUR, valid_until=time.time() - HOUR)


def rolled_back(world, stock, repository):
    repository.publish(date=time.time() - 2 * DAY)


def future_dated(world, stock, repository):
    repository.publish(date=time.time() + HOUR)


def wrongly_signed(world, stock, repository):
    """A good signature by a key that is not in the keyring."""
    repository.publish(key=SigningKey(world.folder / "stranger", "stranger", world.household))


def not_signed(world, stock, repository):
    repository.publish(inrelease=False)
    (dist(repository) / "Release.gpg").unlink()


def mixed_snapshots(world, stock, repository):
    """The root of today over the lists of packages of an hour ago."""
    old = world.folder / "before"
    shutil.copytree(dist(repository), old)
    repository.add("own04", 20_004)
    repository.publish(date=time.time() - HOUR / 2)
    shutil.rmtree(dist(repository) / "main")
    shutil.copytree(old / "main", dist(repository) / "main")


def endless(world, stock, repository):
    """A root that goes on and on (64 MiB here)."""
    (dist(repository) / "Release").unlink()
    (dist(repository) / "Release.gpg").unlink()
    with open(dist(repository) / "InRelease", "ab") as file:
        for _ in range(64):
            file.write(b"# nothing, at length\n" * 50_000)


REFUSED = {  # what is wrong: (how to publish it, words of which one must be in the message)
    "tampered_root": (tampered_root, ["signature", "signed"]),
    "expired": (expired, ["Valid-Until", "expired"]),
    "rolled_back": (rolled_back, ["older", "newer", "rolled", "rollback"]),
    "future_dated": (future_dated, ["future", "clock"]),
    "wrongly_signed": (wrongly_signed, ["key", "signature", "signed"]),
    "not_signed": (not_signed, ["signature", "signed", "Release.gpg", "no source"]),
    "endless": (endless, ["large", "long", "limit", "more than", "bytes", "size"]),
}
REFUSED_LISTS = {  # the root is good and newer, what stands below it is not
    "tampered_packages": (tampered_packages, ["digest", "hash", "SHA-256", "size", "bytes"]),
    "mixed_snapshots": (mixed_snapshots, ["digest", "hash", "SHA-256", "size", "bytes"]),
}


def updated_over(world, stock, repository, mirror, machine, break_it):
    """The repository is good and known to the agent, then broken; a fresh apt asks. Returns (known state, state after, apt's answer)."""
    first = machine.apt([stock.source(mirror)])
    first.update()
    wait_until(lambda: machine.agent.repository("stable")["entries"] == 4, 10, lambda: machine.agent.repository("stable"))
    known = machine.agent.repository("stable")
    break_it(world, stock, repository)
    answer = machine.apt([stock.source(mirror)]).update(check=False, timeout=60)
    plain = machine.apt([stock.source(mirror)], through_us=False).update(check=False, timeout=60)
    assert answer.returncode in (0, plain.returncode), f"{answer.stdout}\nwithout us:\n{plain.stdout}"
    return known, machine.agent.repository("stable"), answer


def entries_of(machine, name):
    return machine.agent.ask("explain", name)["entries"]


def assert_says(machine, after, words):
    said = (after.get("message") or "") + "".join(line + "\n" for line in machine.agent.log().splitlines() if "warning" in line or "error" in line)
    assert any(word.lower() in said.lower() for word in words), f"no clear message:\n{said}\n{machine.agent.log()[-3000:]}"


@pytest.mark.sanitizer
@pytest.mark.parametrize("fault", REFUSED)
def test_refuses_an_index_that_is(world, stock, repository, mirror, machine, fault):
    """The repository was good yesterday; what stands there now must not be believed, stored or handed on as verified."""
    break_it, words = REFUSED[fault]
    known, after, _ = updated_over(world, stock, repository, mirror, machine, break_it)
    assert after["date"] == known["date"] and after["entries"] == known["entries"], "the agent took the bad index over"
    assert_says(machine, after, words)


@pytest.mark.parametrize("fault", REFUSED)
def test_refuses_from_the_start_an_index_that_is(world, stock, repository, mirror, machine, fault):
    """Nothing was known before: nothing of it may be believed, stored or offered."""
    break_it, words = REFUSED[fault]
    if fault == "rolled_back":
        pytest.skip("without anything newer known, an older date is no fault")
    break_it(world, stock, repository)
    machine.apt([stock.source(mirror)]).update(check=False, timeout=60)
    after = machine.agent.repository("stable")
    assert after["state"] != "verified" and not after["entries"], after
    assert machine.agent.status()["sharing"]["offered"] == 0
    assert_says(machine, after, words)


@pytest.mark.parametrize("fault", REFUSED_LISTS)
def test_refuses_lists_of_packages_that_are(world, stock, repository, mirror, machine, fault):
    break_it, words = REFUSED_LISTS[fault]

    def broken(*args):
        repository.publish(date=time.time() - HOUR)
        break_it(*args)

    _, after, answer = updated_over(world, stock, repository, mirror, machine, broken)
    assert_says(machine, after, words)
    assert entries_of(machine, "own99") == [], "entries of the tampered list are believed"
    true = {package.name: package.sha256 for package in repository.packages.values()}
    assert [entry for name in true for entry in entries_of(machine, name) if entry["sha256"] != true[name]] == []


def test_the_floor_survives_a_restart_and_an_emptied_store(world, stock, repository, mirror, machine):
    machine.apt([stock.source(mirror)]).update()
    wait_until(lambda: machine.agent.repository("stable")["state"] == "verified", 10, "the index is read")
    machine.agent.kill()
    rolled_back(world, stock, repository)
    machine.agent.start()
    machine.apt([stock.source(mirror)]).update(check=False)
    assert machine.agent.repository("stable")["date"] is None or machine.agent.repository("stable")["date"] > time.time() - 1.5 * DAY


def test_with_the_ledger_and_the_floors_gone_together_the_kept_index_is_the_floor(world, stock, repository, mirror, machine):
    machine.apt([stock.source(mirror)]).update()
    wait_until(lambda: machine.agent.repository("stable")["state"] == "verified", 10, "the index is read")
    kept = machine.agent.repository("stable")["date"]
    machine.agent.kill()
    gone = [*machine.agent.state.glob("ledger.db*"), machine.agent.state / "floors.txt"]
    assert len(gone) >= 2
    for file in gone:
        file.unlink()
    rolled_back(world, stock, repository)
    machine.agent.start()
    wait_until(lambda: machine.agent.repository("stable")["date"] == kept, 10, "what the store has is read again")
    machine.apt([stock.source(mirror)]).update(check=False)
    assert machine.agent.repository("stable")["date"] == kept
    assert (machine.agent.state / "floors.txt").exists(), "and it is written down again"


def test_a_wrong_package_is_never_stored_offered_or_handed_over(world, stock, repository, mirror, machine):
    apt = machine.apt([stock.source(mirror)])
    apt.update()
    mirror.spoil().start("wrong_bytes")
    answer = apt.install(["own00", "own01"], check=False)
    assert answer.returncode == 100, answer.stdout
    assert list(apt.archives.glob("*.deb")) == []
    spoiled = {file.read_bytes() for file in mirror.spoiled.rglob("*.deb")}
    kept = [file for file in machine.agent.state.rglob("*") if file.is_file() and file.read_bytes() in spoiled]
    assert kept == []
    explained = entries_of(machine, "own00") + entries_of(machine, "own01")
    assert len(explained) == 2 and not any(entry["stored"] or entry["offered"] for entry in explained)


def test_a_private_repositorys_artifacts_are_never_offered(world, stock, mirror, repository, machine):
    """The same repository: private on the first machine, public on the second, which must then get nothing from the first."""
    private = world.machine("c2")
    private.start_agent([stock.debian_repository(mirror, public=False)], peers=[machine.agent.endpoint])
    apt = private.apt([stock.source(mirror)])
    apt.update()
    apt.install(list(repository.packages))
    assert apt.wrong(repository.packages.values()) == []
    assert private.agent.status()["sharing"]["offered"] == 0
    assert private.agent.repository("stable")["sharing"] == "forbidden"
    seen = [lineage for peer in machine.agent.ask("peers")["peers"] for lineage in peer["lineages"]]
    assert seen == [], "the private repository's name was told to a peer"

    asker = machine.apt([stock.source(mirror)])
    asker.update()
    mirror.stop()
    assert asker.install(["own00"], check=False).returncode == 100
    assert machine.agent.gave()["peer"] == 0


def test_a_repository_with_credentials_is_never_offered(world, stock, mirror, repository):
    machine = world.machine("c2")
    table = stock.debian_repository(mirror)
    table["mirrors"] = [mirror.url.replace("http://", "http://user:secret@")]
    machine.start_agent([table])
    source = stock.source(mirror).replace("http://", "http://user:secret@")
    apt = machine.apt([source])
    apt.update()
    apt.install(["own00"])
    assert machine.agent.status()["sharing"]["offered"] == 0
    assert "secret" not in machine.agent.log()


def test_pacman_package_with_a_strangers_signature_goes_nowhere(world, stock):
    from harness.arch import PacmanRepository
    repository = PacmanRepository(world.folder / "arch", stock.key)
    package = repository.add("own00", 20_000)
    repository.publish(signed=False)
    mirror = world.mirror("m2", repository.base, prefix="/arch")
    machine = world.machine("c1")
    machine.start_agent([stock.pacman_repository(mirror, signed_database=False)])
    stranger = SigningKey(world.folder / "stranger", "stranger", world.household)
    file = repository.base / package.path
    other = PacmanRepository(world.folder / "evil", stranger).add("own00", 20_000, seed=1)
    shutil.copy(world.folder / "evil" / other.path, file)
    shutil.copy(world.folder / "evil" / f"{other.path}.sig", f"{file}.sig")
    pacman = machine.pacman(stock.pacman_keyring, {"lab": ["SigLevel = Required DatabaseOptional", f"Server = {machine.agent.gateway}/$repo/os/$arch"]})
    pacman.run("-Sy")
    assert pacman.run("-Sw", "own00", check=False).returncode == 1
    assert machine.agent.status()["sharing"]["offered"] == 0, "something unsigned is offered"
    spoiled = file.read_bytes()
    assert [kept for kept in machine.agent.state.rglob("*") if kept.is_file() and kept.read_bytes() == spoiled] == []


def test_an_unsigned_database_is_never_taken_from_a_peer(world, stock):
    """pacman would believe it, and nobody can tell its age: only a mirror may give it."""
    from harness.arch import PacmanRepository
    repository = PacmanRepository(world.folder / "arch", stock.key)
    repository.add("own00", 20_000)
    repository.publish(signed=False)
    mirror = world.mirror("m2", repository.base, prefix="/arch")
    table = stock.pacman_repository(mirror, signed_database=False)
    first = world.machine("c1")
    first.start_agent([table])
    lines = ["SigLevel = Required DatabaseOptional", f"Server = {first.agent.gateway}/$repo/os/$arch"]
    first.pacman(stock.pacman_keyring, {"lab": lines}).run("-Sy")
    second = world.machine("c2")
    second.start_agent([table], peers=[first.agent.endpoint])
    mirror.stop()
    pacman = second.pacman(stock.pacman_keyring, {"lab": lines})
    assert pacman.run("-Sy", check=False).returncode == 1
    assert not (pacman.folder / "db/sync/lab.db").exists()
