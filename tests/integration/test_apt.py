"""Real apt through the method against a signed repository on three mirrors: over http and https, and once more from what is stored."""
import pytest
from conftest import chosen

from harness.processes import wait_until


@pytest.fixture
def mirrors(world, stock):
    """Three mirrors, each keeping the repository under a path of its own; the second speaks https."""
    return [world.mirror("m1", stock.debian.base, prefix="/debian", up=80),
            world.mirror("m2", stock.debian.base, prefix="/pub/linux/debian", up=80, authority=stock.authority),
            world.mirror("m3", stock.debian.base, prefix="/mirrors/debian", up=80)]


@pytest.fixture
def machine(world, stock, mirrors):
    machine = world.machine("c1")
    machine.start_agent([stock.debian_repository(*mirrors)], certificates=stock.authority.certificate)
    return machine


def apt_with(machine, stock, *sources, **more):
    """The agent knows who vouches for the https mirror (web.ca_file). apt does not: told so by CAInfo, it would fetch by its own method."""
    return machine.apt(sources, **more)


def assert_all_through_us(mirrors):
    agents = {request["agent"] for mirror in mirrors for request in mirror.requests()}
    assert agents and all(agent.startswith("packswarm") for agent in agents), agents


@pytest.mark.sanitizer
@pytest.mark.thread_sanitizer
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_update_and_install_through_the_method_gives_the_signed_files(machine, stock, mirrors, scheme):
    wanted = chosen(stock.debian)
    apt = apt_with(machine, stock, stock.source(mirrors[0] if scheme == "http" else mirrors[1]))
    update = apt.update()
    assert update.returncode == 0 and "Err:" not in update.stdout and "W:" not in update.stdout, update.stdout
    assert apt.install([package.name for package in wanted]).returncode == 0
    assert apt.wrong(wanted) == []
    assert_all_through_us(mirrors)


def test_three_mirrors_share_the_bytes_of_one_transaction(machine, stock, mirrors):
    wanted = chosen(stock.debian, "large", "huge")
    apt = apt_with(machine, stock, stock.source(mirrors[0]))
    apt.update()
    apt.install([package.name for package in wanted])
    assert apt.wrong(wanted) == []
    total = sum(package.size for package in wanted)
    shares = [mirror.package_bytes() / total for mirror in mirrors]
    assert min(shares) >= 0.15, f"three equal mirrors gave {shares} of the bytes"


def test_the_second_time_no_mirror_gives_a_byte(machine, stock, mirrors):
    wanted = chosen(stock.debian)
    names = [package.name for package in wanted]
    first = apt_with(machine, stock, stock.source(mirrors[0]))
    first.update()
    first.install(names)
    for mirror in mirrors:
        mirror.forget()
    again = apt_with(machine, stock, stock.source(mirrors[0]))  # an apt that has nothing yet
    again.update()
    again.install(names)
    assert again.wrong(wanted) == []
    given = [request for mirror in mirrors for request in mirror.requests() if request["body"]]
    assert given == [], "bytes from mirrors although all was stored"


def test_an_unchanged_update_is_answered_as_hit(machine, stock, mirrors):
    apt = apt_with(machine, stock, stock.source(mirrors[0]))
    apt.update()
    again = apt.update().stdout
    assert "Hit:" in again and "Get:" not in again, again


@pytest.mark.parametrize("by_hash", [True, False])
@pytest.mark.parametrize("compressions", [("",), (".gz",), (".bz2",), (".lzma",), (".xz",), (".zst",)], ids=lambda one: one[0] or "plain")
def test_every_compression_and_layout_of_the_index_works(world, stock, compressions, by_hash):
    repository = stock_of_its_own(world, stock).publish(compressions=compressions, by_hash=by_hash)
    mirror = world.mirror("m1", repository.base)
    machine = world.machine("c1")
    machine.start_agent([stock.debian_repository(mirror)])
    apt = machine.apt([stock.source(mirror)])
    apt.update()
    apt.install(list(repository.packages))
    assert apt.wrong(repository.packages.values()) == []
    wait_until(lambda: machine.agent.repository("stable")["entries"] == len(repository.packages), 10, lambda: machine.agent.repository("stable"))
    assert machine.agent.repository("stable")["state"] == "verified"


def test_release_with_a_detached_signature_works_where_there_is_no_inrelease(world, stock):
    repository = stock_of_its_own(world, stock).publish(inrelease=False)
    mirror = world.mirror("m1", repository.base)
    machine = world.machine("c1")
    machine.start_agent([stock.debian_repository(mirror)])
    apt = machine.apt([stock.source(mirror)])
    apt.update()
    apt.install(list(repository.packages))
    assert apt.wrong(repository.packages.values()) == []
    assert machine.agent.repository("stable")["state"] == "verified"


def test_repositories_are_learned_from_apts_own_sources(world, stock, mirrors):
    """Nothing but the place of apt's configuration is set: mirrors, suites and pinned keys come from there."""
    wanted = chosen(stock.debian, "middle")
    machine = world.machine("c1")
    apt = apt_with(machine, stock, stock.source(mirrors[0]), stock.source(mirrors[1]))
    (apt.folder / "etc/sources.list").unlink()
    (apt.folder / "etc/sources.list.d/lab.sources").write_text(
        f"Types: deb\nURIs: {mirrors[0].url} {mirrors[1].url}\nSuites: stable\nComponents: main\nArchitectures: amd64\nSigned-By: {stock.public}\n")

    def learn(settings):
        settings["sources"] = {"apt": True, "pacman": False, "apt_dir": apt.folder / "etc"}

    machine.start_agent([], change=learn, certificates=stock.authority.certificate)
    apt.update()
    apt.install([package.name for package in wanted])
    assert apt.wrong(wanted) == []
    repository = machine.agent.repository("stable")
    assert repository["state"] == "verified" and set(repository["bases"]) == {mirrors[0].url, mirrors[1].url}
    assert_all_through_us(mirrors)


def test_the_agent_ends_within_two_seconds_in_the_middle_of_work(world, stock):
    mirror = world.mirror("m1", stock.debian.base, up=16)
    machine = world.machine("c1")
    agent = machine.start_agent([stock.debian_repository(mirror)])
    apt = machine.apt([stock.source(mirror)])
    apt.update()
    child = apt.child(*apt.install_argv(["huge64"]))
    wait_until(lambda: mirror.node.sent() > 2_000_000, 20, "the download is under way")
    assert agent.stop() <= 2.0
    mirror.node.shape()
    assert child.wait(60) == 0, child.text()
    assert apt.wrong([stock.debian.packages["huge64"]]) == []


def stock_of_its_own(world, stock):
    """A small repository that the test may publish as it likes."""
    from harness.debian import DebianRepository
    repository = DebianRepository(world.folder / "own", stock.key)
    for number in range(3):
        repository.add(f"own{number:02}", 2000 + number)
    return repository


@pytest.fixture
def two_strong_hashes(world, stock):
    """A repository whose indexes name SHA-256 and SHA-512, as Ubuntu's do, on one mirror."""
    repository = stock_of_its_own(world, stock)
    repository.hashes = ("SHA256", "SHA512")
    return repository, world.mirror("m1", repository.publish().base)


def test_an_index_with_several_strong_hashes_is_served(world, stock, two_strong_hashes):
    repository, mirror = two_strong_hashes
    machine = world.machine("c1")
    machine.start_agent([stock.debian_repository(mirror)])
    apt = machine.apt([stock.source(mirror)])
    update = apt.update()
    assert "Err:" not in update.stdout and "W:" not in update.stdout, update.stdout
    apt.install(list(repository.packages))
    assert apt.wrong(repository.packages.values()) == []
    assert_all_through_us([mirror])


def test_who_insists_on_another_hash_than_ours_is_served_by_apts_own_method(world, stock, two_strong_hashes):
    repository, mirror = two_strong_hashes
    machine = world.machine("c1")
    machine.start_agent([stock.debian_repository(mirror)])
    apt = machine.apt([stock.source(mirror)], extra='Acquire::ForceHash "SHA512";\n')
    update = apt.update()
    assert "Err:" not in update.stdout and "W:" not in update.stdout, update.stdout
    apt.install(list(repository.packages))
    assert apt.wrong(repository.packages.values()) == []
    assert not any(request["agent"].startswith("packswarm") for request in mirror.requests())


def test_what_is_listed_by_sha512_alone_is_kept_and_given_to_peers(world, stock):
    repository = stock_of_its_own(world, stock)
    repository.hashes = ("SHA512",)
    repository.add("large", 3_000_000)
    mirror = world.mirror("m1", repository.publish().base)
    machines = []
    for name in ("c1", "c2"):
        machine = world.machine(name)
        machine.start_agent([stock.debian_repository(mirror)], peers=[one.agent.endpoint for one in machines])
        machines.append(machine)
    for machine in machines:
        apt = machine.apt([stock.source(mirror)])
        update = apt.update()
        assert "Err:" not in update.stdout and "W:" not in update.stdout, update.stdout
        if machine is machines[1]:
            wait_until(lambda: machines[1].agent.ask("peers")["peers"], 30, "the machines know each other")
            mirror.forget()
        apt.install(list(repository.packages))
        assert apt.wrong(repository.packages.values()) == []
    # A neighbour that has given nothing yet is not waited for: a mirror may be asked for the first chunk of the large one and the small.
    assert mirror.package_bytes() <= 512 * 1024 + 10_000
    assert machines[1].agent.ask("status")["bytes"]["peer"] > 2_400_000
