"""What a repository is: an address has what that address has, whatever has the same names and keys. Judged by what plain apt gets."""
import os
import time

import pytest

from harness.debian import DebianRepository
from harness.keys import SigningKey

HOUR, DAY = 3600, 86400


def candidate(apt, name):
    """The version that apt would install, or None."""
    policy = apt.node.run(["apt-cache", "policy", name], env=apt.env(), check=False).stdout
    lines = [line.split()[-1] for line in policy.splitlines() if "Candidate" in line]
    return lines[0] if lines and lines[0] != "(none)" else None


def lists(apt):
    return {file.name: file.read_bytes() for file in (apt.folder / "state/lists").iterdir() if file.is_file() and file.name != "lock"}


def published(world, name, key, packages, age=HOUR, suite="stable"):
    repository = DebianRepository(world.folder / name, key, suite=suite)
    for package, version in packages.items():
        repository.add(package, 20_000, version)
    return repository.publish(date=time.time() - age)


def dated(repository, seconds_ago):
    """Its files bear this Last-Modified."""
    when = time.time() - seconds_ago
    for file in (repository.base / "dists").rglob("*"):
        if file.is_file():
            os.utime(file, (when, when))
    return repository


def line(mirror, stock, suite="stable", keyring=None):
    return f"deb [signed-by={keyring or stock.public} arch=amd64] {mirror.url} {suite} main"


def learning(apt):
    def change(settings):
        settings["sources"] = {"apt": True, "pacman": False, "apt_dir": apt.folder / "etc", "apt_lists": apt.folder / "state/lists"}
    return change


class Pair:
    """apt as it is and apt through an agent that has learned its sources: they must see the same after every step."""

    def __init__(self, world, sources, keys=()):
        self.machine = world.machine("c1")
        self.plain, self.ours = (self.machine.apt(sources, through_us=through_us) for through_us in (False, True))
        for name, key in keys:
            for apt in (self.plain, self.ours):
                key.export(apt.folder / f"etc/trusted.gpg.d/{name}.gpg")
        self.agent = self.machine.start_agent([], change=learning(self.ours))

    def update(self, *names):
        """Updates both, twice; the candidates of the named packages, which are those of plain apt."""
        for _ in range(2):
            codes = [apt.update(check=False).returncode for apt in (self.plain, self.ours)]
            assert codes[0] == codes[1], codes
            assert lists(self.plain) == lists(self.ours)
        seen = [[candidate(apt, name) for name in names] for apt in (self.plain, self.ours)]
        assert seen[0] == seen[1]
        return seen[1]

    def turn_to(self, *sources):
        for apt in (self.plain, self.ours):
            (apt.folder / "etc/sources.list").write_text("\n".join(sources) + "\n")
        self.agent.reload()


def test_two_products_of_one_vendor_under_one_key_and_suite_stay_apart(world, stock):
    code = published(world, "code", stock.key, {"editor": "1.0"}, 2 * HOUR)
    edge = published(world, "edge", stock.key, {"browser": "1.0"}, HOUR)
    mirror = world.mirror("m1", code.base, prefix="/repos/code", extra=("/repos/edge", edge.base))
    site = mirror.url.rsplit("/", 1)[0]
    pair = Pair(world, [f"deb [signed-by={stock.public} arch=amd64] {site}/{product} stable main" for product in ("code", "edge")])
    assert pair.update("editor", "browser") == ["1.0", "1.0"]
    code.add("editor", 20_000, "1.1")
    code.publish(date=time.time() - HOUR / 2)
    assert pair.update("editor", "browser") == ["1.1", "1.0"]
    pair.ours.install(["editor", "browser"])
    assert pair.ours.wrong([code.packages["editor"], edge.packages["browser"]]) == []
    pair.agent.stop()
    pair.agent.start()
    assert pair.update("editor", "browser") == ["1.1", "1.0"]
    assert len(pair.agent.status()["repositories"]) == 2


def test_one_key_in_two_keyring_files_is_no_other_case(world, stock):
    code = published(world, "code", stock.key, {"editor": "1.0"}, 2 * HOUR)
    edge = published(world, "edge", stock.key, {"browser": "1.0"}, HOUR)
    mirrors = world.mirror("m1", code.base), world.mirror("m2", edge.base, prefix="/edge")
    other = stock.key.export(world.folder / "other-name.gpg")
    pair = Pair(world, [line(mirrors[0], stock), line(mirrors[1], stock, keyring=other)])
    assert pair.update("editor", "browser") == ["1.0", "1.0"]


@pytest.mark.parametrize("unchanged", ["exact", "before"])
def test_a_third_party_under_the_distributions_codename_with_keys_that_count_everywhere_stays_apart(world, stock, unchanged):
    """Nothing names a keyring, and the third party's files are older: servers that compare dates would say 304 to the other one's date."""
    vendor_key = SigningKey(world.folder / "vendor-key", "vendor", world.household)
    distribution = published(world, "distribution", stock.key, {"base": "1.0"}, HOUR, "bookworm")
    vendor = dated(published(world, "vendor", vendor_key, {"hypervisor": "1.0"}, 2 * HOUR, "bookworm"), 2 * DAY)
    mirrors = [world.mirror("m1", distribution.base, unchanged=unchanged), world.mirror("m2", vendor.base, prefix="/debian/pve", unchanged=unchanged)]
    pair = Pair(world, [f"deb [arch=amd64] {mirror.url} bookworm main" for mirror in mirrors], [("distribution", stock.key), ("vendor", vendor_key)])
    assert pair.update("base", "hypervisor") == ["1.0", "1.0"]
    pair.ours.install(["base", "hypervisor"])
    assert pair.ours.wrong([distribution.packages["base"], vendor.packages["hypervisor"]]) == []


def test_sources_turned_to_a_dated_snapshot_get_the_snapshot_and_both_at_once_get_both(world, stock):
    old = published(world, "old", stock.key, {"tool": "1.0"}, 8 * DAY)
    new = published(world, "new", stock.key, {"tool": "2.0"}, HOUR)
    current, snapshot = world.mirror("m1", new.base), world.mirror("m2", old.base, prefix="/archive/debian/20261119T000000Z")
    pair = Pair(world, [line(current, stock)])
    assert pair.update("tool") == ["2.0"]
    pair.turn_to(line(snapshot, stock))
    assert pair.update("tool") == ["1.0"]
    pair.ours.install(["tool=1.0"])
    assert pair.ours.wrong([old.packages["tool"]]) == []
    pair.turn_to(line(current, stock), line(snapshot, stock))
    assert pair.update("tool") == ["2.0"]
    pair.ours.forget_packages()
    pair.ours.install(["tool=1.0"])
    assert pair.ours.wrong([old.packages["tool"]]) == []


@pytest.mark.parametrize("asks", ["both lists", "its own list"])
def test_a_companys_names_are_never_asked_of_a_public_mirror(world, stock, asks):
    """One code name, keys that count everywhere: the agent knows both repositories, apt both or the company's alone."""
    company_key = SigningKey(world.folder / "company-key", "company", world.household)
    public = published(world, "public", stock.key, {"base": "1.0"}, 2 * HOUR, "bookworm")
    private = DebianRepository(world.folder / "private", company_key, suite="bookworm")
    for number in range(4):
        private.add(f"secret{number}", 200_000)
    private.add("secret-large", 6_000_000)
    private.publish(date=time.time() - HOUR)
    mirrors = [world.mirror("mpublic", public.base), world.mirror("mcompany", private.base, prefix="/internal", up=20)]
    sources = [f"deb [arch=amd64] {mirror.url} bookworm main" for mirror in mirrors]
    machine = world.machine("c1")

    def apt_of(sources, through_us=True):
        apt = machine.apt(sources, through_us=through_us)
        stock.key.export(apt.folder / "etc/trusted.gpg.d/public.gpg")
        company_key.export(apt.folder / "etc/trusted.gpg.d/company.gpg")
        return apt

    machine.start_agent([], change=learning(apt_of(sources)))
    asked = []
    for through_us in (False, True):
        apt = apt_of(sources if asks == "both lists" else sources[1:], through_us)
        apt.update()
        mirrors[0].forget()
        apt.install(list(private.packages))
        assert apt.wrong(private.packages.values()) == []
        asked.append([request["uri"] for request in mirrors[0].requests()])
    assert asked == [[], []]


# ---- Dates

def republished_with_older_file_times(world, stock):
    """Two states of one repository; the newer one's files bear an older Last-Modified (a moved server, restored times)."""
    before = dated(published(world, "before", stock.key, {"tool": "1.0"}, 2 * HOUR), 100)
    after = dated(published(world, "after", stock.key, {"tool": "2.0"}, HOUR), 5000)
    return before, after


def test_a_newer_index_with_an_older_last_modified_is_not_called_unchanged(world, stock):
    before, after = republished_with_older_file_times(world, stock)
    mirror = world.mirror("m1", before.base)
    pair = Pair(world, [line(mirror, stock)])
    assert pair.update("tool") == ["1.0"]
    mirror.base = after.base
    mirror.start()
    assert pair.update("tool") == ["2.0"]


def test_nor_is_it_through_the_gateway_as_apts_proxy(world, stock):
    before, after = republished_with_older_file_times(world, stock)
    mirror = world.mirror("m1", before.base)
    machine = world.machine("c1")
    plain, proxied = machine.apt([line(mirror, stock)], through_us=False), machine.apt(
        [line(mirror, stock)], through_us=False, extra='Acquire::http::Proxy "http://127.0.0.1:7878";\n')
    machine.start_agent([], change=learning(proxied))
    for apt in (plain, proxied):
        apt.update()
    mirror.base = after.base
    mirror.start()
    for apt in (plain, proxied):
        apt.update()
    assert [candidate(apt, "tool") for apt in (plain, proxied)] == ["2.0", "2.0"]
    assert lists(plain) == lists(proxied)


def test_an_unchanged_index_moves_no_bytes_and_says_hit(world, stock):
    """Over a restart too; and an apt that has nothing yet gets it whole from what the first one brought."""
    mirror = world.mirror("m1", published(world, "own", stock.key, {"tool": "1.0"}).base)
    pair = Pair(world, [line(mirror, stock)])
    pair.update("tool")
    pair.agent.stop()
    pair.agent.start()
    mirror.forget()
    update = pair.ours.update()
    assert "Hit:1" in update.stdout, update.stdout
    assert [request["status"] for request in mirror.requests()] == [304]
    second = pair.machine.apt([line(mirror, stock)])
    second.update()
    assert candidate(second, "tool") == "1.0"
    assert {request["status"] for request in mirror.requests() if request["uri"].endswith("InRelease")} == {304}


# ---- Peers

def table(mirror, stock):
    return {"format": "debian", "suite": "stable", "components": ["main"], "architectures": ["amd64"], "mirrors": [mirror.url], "keyring": [stock.public],
            "public": True}


@pytest.mark.parametrize("when", ["at its first update", "later"])
def test_a_neighbours_index_of_another_product_is_not_taken_in_an_outage(world, stock, when):
    code = published(world, "code", stock.key, {"editor": "1.0"}, 2 * HOUR)
    edge = published(world, "edge", stock.key, {"browser": "1.0"}, HOUR)
    mirrors = world.mirror("mcode", code.base, prefix="/repos/code"), world.mirror("medge", edge.base, prefix="/repos/edge")
    one, two = world.machine("c1"), world.machine("c2")
    one.start_agent([table(mirrors[1], stock)])
    one.apt([line(mirrors[1], stock)]).update()
    two.start_agent([table(mirrors[0], stock)], peers=[one.agent.endpoint])
    two.agent.wait_for_peer()
    apt = two.apt([line(mirrors[0], stock)])
    if when == "later":
        apt.update()
    mirrors[0].stop()
    apt.update(check=False)
    assert candidate(apt, "browser") is None
    assert candidate(apt, "editor") == ("1.0" if when == "later" else None)


def test_in_an_outage_a_newer_index_is_taken_from_a_peer_that_followed_the_same_repository_at_another_mirror(world, stock):
    repository = published(world, "own", stock.key, {"tool": "1.0"}, 2 * HOUR)
    mine, its = world.mirror("m1", repository.base), world.mirror("m2", repository.base, prefix="/pub")
    one, two = world.machine("c1"), world.machine("c2")
    two.start_agent([table(mine, stock)])
    apt = two.apt([line(mine, stock)])
    apt.update()
    one.start_agent([table(its, stock)], peers=[two.agent.endpoint])
    peers_apt = one.apt([line(its, stock)])
    peers_apt.update()
    mine.stop()
    repository.add("tool", 20_000, "2.0")
    repository.publish(date=time.time() - HOUR)
    peers_apt.update()
    assert candidate(peers_apt, "tool") == "2.0"
    two.agent.wait_for_peer()
    from harness.processes import wait_until
    wait_until(lambda: (apt.update(check=False), candidate(apt, "tool"))[1] == "2.0", 30, lambda: two.agent.log()[-3000:])
