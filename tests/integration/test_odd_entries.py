"""One odd entry in an index that apt or pacman reads: it is left out, counted and named; all others are known, fetched through us and shared."""
import io
import re
import tarfile

import pytest

from harness.arch import PacmanRepository
from harness.debian import DebianRepository
from harness.pacman import GATEWAY
from harness.processes import run, wait_until

FINE = [f"fine{number}" for number in range(4)]


def field(name, value):
    """Gives the stanza of the package "odd" another value, or none."""
    def edit(text):
        stanzas = text.split("\n\n")
        at = next(number for number, stanza in enumerate(stanzas) if stanza.startswith("Package: odd\n"))
        stanzas[at] = re.sub(rf"^{name}: .*\n", f"{name}: {value}\n" if value else "", stanzas[at], flags=re.MULTILINE)
        return "\n\n".join(stanzas)
    return edit


# What is odd about one stanza, and a word of the message that names it. apt reads all of these, and installs the others.
ODD_STANZAS = {
    "a_path_that_climbs": (field("Filename", "../../etc/passwd"), "Filename"),
    "an_absolute_path": (field("Filename", "/etc/passwd"), "Filename"),
    "an_endless_path": (field("Filename", "a" * 5000), "Filename"),
    "no_utf8": (field("Filename", "pool/\udcff\udcfe.deb"), "Filename"),
    "no_number_for_a_size": (field("Size", "many"), "Size"),
    "half_a_digest": (field("SHA256", "0123"), "SHA256"),
    "no_strong_digest": (field("SHA256", ""), "SHA256"),
    "a_line_that_is_no_field": (lambda text: text.replace("Package: odd\n", "Package: odd\nnothing\n"), "field name"),
}


@pytest.fixture
def debian(world, stock):
    repository = DebianRepository(world.folder / "odd", stock.key)
    for number, name in enumerate(FINE):
        repository.add(name, 40_000 + number)
    repository.add("odd", 20_000)
    return repository


def publish_bytes(repository, edit):
    """publish() of a text that is not UTF-8."""
    repository.publish(edit_packages=lambda text: edit(text).encode("utf-8", "surrogateescape").decode("latin-1"))


def through_us(mirror):
    """Names of packages that the agent asked this mirror for."""
    return {request["uri"].rsplit("/", 1)[1].split("_")[0].split("-")[0] for request in mirror.requests()
            if request["agent"].startswith("packswarm") and request["uri"].endswith((".deb", ".zst"))}


def left_out(agent, suite):
    return agent.repository(suite).get("left_out", {"count": 0, "named": []})


def assert_named(agent, suite, count, word, package="odd"):
    """Counted and named in status, as text and as JSON, and once in the log."""
    told = left_out(agent, suite)
    assert told["count"] == count, told
    assert any(package in line and word in line for line in told["named"]), told
    text = agent.node.run([agent.programs / "packswarm", "--socket", agent.socket, "status"]).stdout
    assert "left out" in text and package in text and word in text, text
    lines = [line for line in agent.log().splitlines() if "left out" in line and package in line]
    assert len(lines) == 1 and word in lines[0], lines


def install(machine, stock, mirror, names, us):
    apt = machine.apt([stock.source(mirror)], through_us=us)
    mirror.forget()
    return apt, apt.update(check=False), apt.install(names, check=False)


@pytest.mark.parametrize("kind", ODD_STANZAS)
def test_of_packages_with_an_odd_stanza_all_others_are_known_and_shared(world, stock, debian, kind):
    edit, word = ODD_STANZAS[kind]
    publish_bytes(debian, edit)
    mirror = world.mirror("m1", debian.base)
    machine = world.machine("c1")
    fine = [debian.packages[name] for name in FINE]
    plain, updated, installed = install(machine, stock, mirror, FINE, us=False)
    assert (updated.returncode, installed.returncode) == (0, 0), updated.stdout + installed.stdout
    machine.start_agent([stock.debian_repository(mirror)])
    apt, updated, installed = install(machine, stock, mirror, FINE, us=True)
    assert (updated.returncode, installed.returncode) == (0, 0), updated.stdout + installed.stdout
    assert apt.wrong(fine) == []
    assert through_us(mirror) == set(FINE)
    wait_until(lambda: machine.agent.repository("stable")["entries"] == len(FINE), 10, lambda: machine.agent.repository("stable"))
    for name in FINE:
        [entry] = machine.agent.ask("explain", name)["entries"]
        wait_until(lambda: machine.agent.ask("explain", name)["entries"][0]["offered"], 10, lambda: entry)
    assert_named(machine.agent, "stable", 1, word)


@pytest.mark.sanitizer
def test_a_package_whose_file_name_has_a_blank_comes_through_us_too(world, stock, debian):
    """An indexer that turned '+' into ' ': apt installs it, and so do we; only nobody is told of it."""
    path = debian.packages["odd"].path
    (debian.base / path).rename(debian.base / path.replace("odd_1.0", "odd_1.0 cuda"))
    debian.publish()
    mirror = world.mirror("m1", debian.base)
    machine = world.machine("c1")
    names = [*FINE, "odd"]
    for us in (False, True):
        if us:
            machine.start_agent([stock.debian_repository(mirror)])
        apt, updated, installed = install(machine, stock, mirror, names, us)
        assert (updated.returncode, installed.returncode) == (0, 0), updated.stdout + installed.stdout
        assert apt.wrong(debian.packages.values()) == []
    assert through_us(mirror) == {*FINE, "odd"}
    wait_until(lambda: machine.agent.repository("stable")["entries"] == len(FINE), 10, lambda: machine.agent.repository("stable"))
    assert_named(machine.agent, "stable", 1, "Filename")


def signed_again(repository, edit):
    """The Release with other text, signed."""
    repository.publish(edit_release=edit)


def more_lines(*lines):
    return lambda text: text.rstrip("\n") + "\n" + "\n".join(lines) + "\n"


ODD_RELEASES = {
    "a_path_that_climbs": (more_lines(f" {'a' * 64} 3 ../../etc/passwd"), "passwd"),
    "half_a_digest": (more_lines(" abc 3 main/odd/Contents"), "Contents"),
    "a_file_twice": (more_lines(f" {'a' * 64} 3 main/binary-amd64/Packages"), "main/binary-amd64/Packages"),
    "a_field_twice": (lambda text: text.replace("Origin: ", "Origin: nobody\nOrigin: "), "Origin"),
    "a_line_that_is_no_field": (lambda text: text.replace("Origin: ", "nothing\nOrigin: "), "nothing"),
    "an_endless_name": (lambda text: re.sub("Origin: .*", "Origin: " + "o" * 600, text), "600 bytes"),
    "a_second_paragraph": (more_lines("", "Suite: other"), "Suite: other"),
}


@pytest.mark.parametrize("kind", ODD_RELEASES)
def test_of_a_release_with_an_odd_line_all_others_are_known_and_shared(world, stock, debian, kind):
    edit, word = ODD_RELEASES[kind]
    signed_again(debian, edit)
    mirror = world.mirror("m1", debian.base)
    machine = world.machine("c1")
    names = [*FINE, "odd"]
    _, plain_update, plain_install = install(machine, stock, mirror, names, us=False)
    assert plain_install.returncode == 0, plain_update.stdout + plain_install.stdout
    machine.start_agent([stock.debian_repository(mirror)])
    apt, updated, installed = install(machine, stock, mirror, names, us=True)
    assert (updated.returncode, installed.returncode) == (plain_update.returncode, 0), updated.stdout + installed.stdout
    assert apt.wrong(debian.packages.values()) == []
    wait_until(lambda: machine.agent.repository("stable")["entries"] == len(names), 10, lambda: machine.agent.repository("stable"))
    assert machine.agent.repository("stable")["state"] == "verified"
    wait_until(lambda: machine.agent.ask("explain", "fine0")["entries"][0]["offered"], 10, lambda: machine.agent.ask("explain", "fine0"))
    assert_named(machine.agent, "stable", 1, word, package="")


# ---- pacman --------------------------------------------------------------------------------------------------------------------


def rewritten(database, change):
    """The same database with other members; `change` takes and gives (member, bytes)."""
    with tarfile.open(database) as tar:
        members = [(member, tar.extractfile(member).read() if member.isfile() else b"") for member in tar.getmembers()]
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for member, data in change(members):
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    database.write_bytes(out.getvalue())


def with_odd(edit):
    def change(members):
        return [(member, edit(data) if member.name.startswith("odd-") and member.isfile() else data) for member, data in members]
    return change


def listed_twice(members):
    more = []
    for member, data in members:
        if member.name.startswith("odd-"):
            again = tarfile.TarInfo(member.name.replace("1.0-1", "0.9-1"))
            again.type, again.mode = member.type, member.mode
            more.append((again, data.replace(b"1.0-1", b"0.9-1")))
    return members + more


ODD_DESCS = {  # how the database is changed, how many are left out, a word of the message
    "a_file_name_with_a_blank": (with_odd(lambda desc: desc.replace(b"odd-1.0-1-x86_64.pkg", b"odd-1.0 beta-1-x86_64.pkg")), 4, "FILENAME"),
    "no_utf8": (with_odd(lambda desc: desc.replace(b"odd-1.0-1-x86_64.pkg", b"odd-\xff\xfe-1-x86_64.pkg")), 4, "FILENAME"),
    "two_versions": (listed_twice, 5, "twice"),
    "half_a_digest": (with_odd(lambda desc: re.sub(rb"%SHA256SUM%\n.*\n", b"%SHA256SUM%\n0123\n", desc)), 4, "SHA256SUM"),
    "no_strong_digest": (with_odd(lambda desc: re.sub(rb"%SHA256SUM%\n.*\n", b"", desc)), 4, "SHA256SUM"),
    "no_number_for_a_size": (with_odd(lambda desc: re.sub(rb"%CSIZE%\n.*\n", b"%CSIZE%\nmany\n", desc)), 4, "CSIZE"),
}


@pytest.mark.parametrize("kind", ODD_DESCS)
def test_of_a_pacman_database_with_an_odd_entry_all_others_are_known(world, stock, kind):
    change, known, word = ODD_DESCS[kind]
    repository = PacmanRepository(world.folder / "arch", stock.key)
    for number, name in enumerate(FINE):
        repository.add(name, 50_000 + number)
    repository.add("odd", 20_000)
    repository.publish(signed=False)
    database = repository.folder / "lab.db.tar.gz"
    rewritten(database, change)
    mirror = world.mirror("m1", repository.base, prefix="/arch")
    machine = world.machine("c1")
    fine = [repository.packages[name] for name in FINE]
    machine.start_agent([stock.pacman_repository(mirror, signed_database=False)])
    for us in (False, True):
        servers = [f"Server = {GATEWAY}/$repo/os/$arch"] if us else []
        pacman = machine.pacman(stock.pacman_keyring, {"lab": ["SigLevel = Required DatabaseOptional", *servers, f"Server = {mirror.url}/$repo/os/$arch"]})
        mirror.forget()
        answer = pacman.run("-Syw", *FINE, check=False)
        assert answer.returncode == 0, answer.stdout
        assert pacman.wrong(fine) == []
        assert (pacman.folder / "db/sync/lab.db").read_bytes() == database.read_bytes(), "the database came through changed"
    assert "failed retrieving" not in answer.stdout, answer.stdout
    assert {request["agent"].split("/")[0] for request in mirror.requests()} == {"packswarm"}
    assert machine.agent.repository("lab")["entries"] == known
    assert_named(machine.agent, "lab", 1, word)
    wait_until(lambda: machine.agent.status()["sharing"]["offered"] == len(FINE), 10, lambda: machine.agent.status()["sharing"])

