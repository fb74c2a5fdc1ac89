"""Signatures as this machine's own apt judges them: odd envelopes that it accepts, weak and expired keys, keys that its version does not trust."""
import re

import pytest

from harness.debian import DebianRepository
from harness.keys import SigningKey
from harness.processes import run, wait_until


def without_checksum(text):
    return re.sub(r"^=.{4}\n(?=-----END PGP SIGNATURE)", "", text, flags=re.MULTILINE)


ENVELOPES = {
    "no_checksum": without_checksum,
    "no_hash_header": lambda text: re.sub(r"^Hash: .*\n", "", text, count=1, flags=re.MULTILINE),
    "a_wrong_hash_header": lambda text: re.sub(r"^Hash: .*$", "Hash: SHA1", text, count=1, flags=re.MULTILINE),
    "a_hash_header_nobody_can_read": lambda text: re.sub(r"^Hash: .*$", "Hash: ROT13, x", text, count=1, flags=re.MULTILINE),
    "another_header": lambda text: text.replace("Hash: ", "Comment: hello\nHash: ", 1),
    "no_final_line_end": lambda text: text.rstrip("\n"),
    "blanks_at_line_ends": lambda text: text.replace("Components: main", "Components: main  \t"),
    "line_ends_of_another_system": lambda text: text.replace("\n", "\r\n"),
    "all_of_it": lambda text: without_checksum(re.sub(r"^Hash: .*\n", "", text, count=1, flags=re.MULTILINE)).rstrip("\n"),
}
ALTERED = {
    "a_changed_line": lambda text: text.replace("Components: main", "Components: evil"),
    "text_before": lambda text: "Suite: evil\n" + text,
    "text_behind": lambda text: text + "Suite: evil\n",
    "a_second_message": lambda text: text + text,
}


@pytest.fixture
def repository(world, stock):
    repository = DebianRepository(world.folder / "own", stock.key)
    repository.add("tool", 20_000)
    return repository


def both(world, mirror, sources, prepare=lambda apt: None):
    """The same update and download by plain apt and through us, by an agent that learns apt's sources."""
    machine = world.machine("c1")
    answers = []
    for us in (False, True):
        apt = machine.apt(sources, through_us=us)
        prepare(apt)
        if us:
            machine.start_agent([], change=learn_from(apt))
        answers.append((apt.update(check=False), apt.install(["tool"], check=False)))
    plain, ours = answers
    for one, other in zip(plain, ours):
        assert one.returncode == other.returncode, f"{one.stdout}\nthrough us:\n{other.stdout}"
    return machine.agent, plain


def learn_from(apt, **more):
    def change(settings):
        settings["sources"] = {"apt": True, "pacman": False, "apt_dir": apt.folder / "etc", **more}
    return change


def rewrite(repository, edit):
    root = repository.base / "dists/stable/InRelease"
    text = edit(root.read_bytes().decode())
    root.write_bytes(text.encode())
    for name in ("Release", "Release.gpg"):  # nothing to fall back on
        (root.parent / name).unlink()


@pytest.mark.parametrize("envelope", ENVELOPES)
def test_an_inrelease_that_apt_accepts_is_verified(world, stock, repository, envelope):
    repository.publish()
    rewrite(repository, ENVELOPES[envelope])
    mirror = world.mirror("m1", repository.base)
    agent, (updated, installed) = both(world, mirror, [stock.source(mirror)])
    assert (updated.returncode, installed.returncode) == (0, 0), updated.stdout
    wait_until(lambda: agent.repository("stable")["entries"] == 1, 10, lambda: agent.repository("stable"))
    assert agent.repository("stable")["state"] == "verified"
    packages = [request["agent"] for request in mirror.requests() if request["uri"].endswith(".deb")]
    assert packages[-1].startswith("packswarm"), packages


@pytest.mark.parametrize("change", ALTERED)
def test_an_inrelease_that_apt_refuses_is_refused(world, stock, repository, change):
    repository.publish()
    rewrite(repository, ALTERED[change])
    mirror = world.mirror("m1", repository.base)
    agent, (updated, _) = both(world, mirror, [stock.source(mirror)])
    assert updated.returncode == 100, updated.stdout
    assert agent.repository("stable")["state"] == "refused"


OLD = ("--faked-system-time", "20240101T000000!")
KEYS = {  # algorithm, gpg's options, expiry, a word of the message; the newest apt believes none of the first two
    "a_short_rsa_key": ("rsa1024", (), "never", "RSA of 1024 bits"),
    "a_key_bound_by_sha1": ("rsa2048", ("--allow-weak-digest-algos", "--cert-digest-algo", "SHA1"), "never", "SHA-1"),
    "an_expired_key": ("ed25519", OLD, "1y", "expired"),
}


@pytest.mark.parametrize("kind", KEYS)
def test_a_weak_key_serves_whom_apt_believes_it_and_nothing_is_shared(world, repository, kind):
    algorithm, options, expires, word = KEYS[kind]
    key = SigningKey(world.folder / "weak", "weak", world.household, algorithm, options, expires)
    public = key.export(world.folder / "weak.gpg")
    repository.key = key
    if expires == "never":
        repository.publish()
    else:  # signed while the key was good
        key.gpg_now, key.gpg = key.gpg, lambda *args: key.gpg_now(*OLD, *args)
        repository.publish()
    mirror = world.mirror("m1", repository.base)
    machine = world.machine("c1")
    table = {"format": "debian", "suite": "stable", "components": ["main"], "architectures": ["amd64"], "mirrors": [mirror.url], "keyring": [public], "public": True}
    source = f"deb [signed-by={public} arch=amd64] {mirror.url} stable main"
    plain = machine.apt([source], through_us=False)
    judged = plain.update(check=False).returncode
    machine.start_agent([table])
    apt = machine.apt([source])
    assert apt.update(check=False).returncode == judged
    if judged == 0:
        apt.install(["tool"])
        assert apt.wrong(repository.packages.values()) == []
    state = machine.agent.repository("stable")
    assert word in state["message"], state
    assert state["state"] == ("refused" if kind == "an_expired_key" else "verified")
    if kind != "an_expired_key":
        assert state["sharing"] == "forbidden"
    assert machine.agent.status()["sharing"]["offered"] == 0
    assert word in machine.agent.log()


STATUS = "Package: apt\nStatus: install ok installed\nVersion: {}\n\n"


@pytest.mark.parametrize("place,since", [("trusted.gpg", "2.9.24"), ("trusted.gpg.d/my vendor.gpg", "2.9.15")])
def test_a_key_that_the_installed_apt_does_not_trust_makes_nobody_verified(world, stock, repository, place, since):
    """With this machine's apt the verdict is plain apt's; with a later version nothing is verified, and nothing shared."""
    repository.publish()
    mirror = world.mirror("m1", repository.base)
    machine = world.machine("c1")
    source = f"deb [arch=amd64] {mirror.url} stable main"

    def apt_with_key(us):
        apt = machine.apt([source], through_us=us)
        (apt.folder / "etc" / place).write_bytes(stock.public.read_bytes())
        (apt.folder / "etc" / place).chmod(0o644)
        return apt

    plain = apt_with_key(us=False).update(check=False)
    believed = plain.returncode == 0 and "NO_PUBKEY" not in plain.stdout
    ours = apt_with_key(us=True)
    machine.start_agent([], change=learn_from(ours))
    updated = ours.update(check=False)
    assert updated.returncode == plain.returncode, updated.stdout
    assert machine.agent.repository("stable")["state"] == ("verified" if believed else "refused")
    machine.agent.stop()
    for version, trusted in ((since, False), ("2.9.14", True)):
        status = world.folder / "status"
        status.write_text(STATUS.format(version))
        machine.agent.change(learn_from(ours, dpkg_status=status))
        forget_everything(machine.agent)
        machine.agent.start()
        run_update(machine, ours)
        state = machine.agent.repository("stable")
        assert state["state"] == ("verified" if trusted else "refused"), (version, state)
        assert trusted or not state["entries"]
        machine.agent.stop()


def forget_everything(agent):
    """An agent that has seen nothing yet."""
    for file in sorted(agent.state.rglob("*"), reverse=True):
        file.unlink() if not file.is_dir() else file.rmdir()


def run_update(machine, apt):
    run(["rm", "-rf", *map(str, (apt.folder / "state/lists").glob("*Release*"))])
    apt.update(check=False)
