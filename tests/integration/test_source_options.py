"""Options of a source (sources.list(5)) that decide what apt believes: through packswarm the outcome is plain apt's, and
what only they allow is not shared."""
import shutil

import pytest

from harness.debian import DebianRepository
from harness.keys import SigningKey


@pytest.fixture
def key(world):
    made = SigningKey(world.folder / "key", "options", world.household)
    made.public = made.export(world.folder / "signer.gpg")
    return made


@pytest.fixture
def stranger(world):
    return SigningKey(world.folder / "stranger", "stranger", world.household)


class Weak(DebianRepository):
    hashes = ("SHA1",)


def unsigned(repository, **_):
    repository.publish(inrelease=False, detached=True)
    (repository.base / "dists/stable/Release.gpg").unlink()


def signed(repository, **_):
    repository.publish()


def by_a_stranger(repository, stranger, **_):
    repository.publish(key=stranger)


def elsewhere(repository, **_):
    """InRelease of another day beside its place, where another one stands."""
    repository.publish(detached=False)
    dist = repository.base / "dists/stable"
    (dist / "by-day/today").mkdir(parents=True)
    shutil.move(dist / "InRelease", dist / "by-day/today/InRelease")
    for path in (dist / "by-day", dist / "by-day/today"):
        path.chmod(0o755)


CASES = {
    "trusted, unsigned": (unsigned, "trusted=yes"),
    "trusted, by an unknown key": (by_a_stranger, "trusted=yes"),
    "trusted, signed": (signed, "trusted=yes"),
    "not trusted, signed": (signed, "trusted=no"),
    "unsigned": (unsigned, ""),
    "unsigned, allowed": (unsigned, "allow-insecure=yes"),
    "by an unknown key": (by_a_stranger, ""),
    "by an unknown key, allowed": (by_a_stranger, "allow-insecure=yes"),
    "weak": (signed, ""),
    "weak, allowed": (signed, "allow-weak=yes"),
    "elsewhere": (elsewhere, "inrelease-path=by-day/today/InRelease"),
    "elsewhere, and nobody says so": (elsewhere, ""),
}
KEPT = {"trusted, signed", "not trusted, signed", "elsewhere"}  # an index is here, and what it lists is kept


def outcome(apt, package):
    """What a person sees: exit codes, lists, the file."""
    update = apt.update(check=False).returncode
    install = apt.get("-o", "APT::Get::AllowUnauthenticated=false", "install", "--download-only", "-y", package.name, check=False).returncode
    lists = sorted(path.name.split("_dists_")[-1] for path in (apt.folder / "state/lists").iterdir() if path.is_file() and path.name != "lock")
    return update, install, lists, apt.wrong([package])


@pytest.mark.parametrize("case", CASES)
def test_the_outcome_is_plain_apts(world, key, stranger, case):
    publish, option = CASES[case]
    repository = (Weak if case.startswith("weak") else DebianRepository)(world.folder / "repository", key)
    package = repository.add("tool", 40_000)
    publish(repository, stranger=stranger)
    mirror, machine = world.mirror("m1", repository.base), world.machine("c1")
    source = f"deb [signed-by={key.public} arch=amd64 {option}] {mirror.url} stable main"
    plain = machine.apt([source], through_us=False)
    wanted = outcome(plain, package)
    apt = machine.apt([source])
    learn = {"sources": {"apt": True, "pacman": False, "apt_dir": apt.folder / "etc"}}
    agent = machine.start_agent([], change=lambda settings: settings.update(learn), env={"APT_CONFIG": str(apt.config)})
    mirror.forget()
    assert outcome(apt, package) == wanted
    if case in KEPT:
        assert wanted[:2] == (0, 0 if option != "trusted=no" else wanted[1])
        assert {request["agent"].split("/")[0] for request in mirror.requests()} == {"packswarm"}
        assert agent.repository("stable")["state"] == "verified"
    else:
        assert agent.repository("stable")["state"] != "verified"
