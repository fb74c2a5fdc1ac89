"""Real pacman by every way that the installed one knows, signatures required; and a second machine that gets it from the first."""
import shutil

import pytest
from conftest import chosen

from harness.pacman import by_cache_server, by_server, by_xfer_command, sandbox, ways

PARALLEL = "ParallelDownloads = 5"


@pytest.fixture
def mirror(world, stock):
    return world.mirror("m1", stock.arch.base, prefix="/arch")


@pytest.fixture
def machine(world, stock, mirror):
    machine = world.machine("c1")
    machine.start_agent([stock.pacman_repository(mirror)])
    return machine


WAYS = pytest.mark.parametrize("way", ways().values(), ids=ways())


@pytest.mark.sanitizer
@WAYS
def test_sync_and_download_give_the_signed_files(machine, stock, mirror, way):
    pacman = way(machine, stock, mirror)
    wanted = chosen(stock.arch)
    assert PARALLEL in pacman.config.read_text() and "SigLevel = Required" in pacman.config.read_text()
    pacman.run("-Sy")
    assert (pacman.folder / "db/sync/lab.db.sig").exists(), "the database's signature was not asked for"
    pacman.run("-Sw", *(package.name for package in wanted))
    assert pacman.wrong(wanted) == []
    assert {request["agent"].split("/")[0] for request in mirror.requests() if comes_through_us(way, request)} == {"packswarm"}


def comes_through_us(way, request):
    """pacman asks a CacheServer for packages and their signatures, not for databases."""
    return way is not by_cache_server or ".pkg." in request["uri"]


def test_what_setup_writes_for_this_pacman_brings_its_packages_through_the_agent(machine, stock, mirror):
    wanted = chosen(stock.arch, "small", "middle")
    pacman = machine.pacman(stock.pacman_keyring, {"lab": [f"Server = {mirror.url}/$repo/os/$arch"]}, sandbox())
    root = machine.folder / "root"
    (root / "etc").mkdir(parents=True)
    shutil.copy(pacman.config, root / "etc/pacman.conf")
    machine.node.run([machine.world.programs / "packswarm", "setup", "pacman", "--root", root])
    shutil.copy(root / "etc/pacman.conf", pacman.config)
    pacman.run("-Sy")
    pacman.run("-Sw", *(package.name for package in wanted))
    assert pacman.wrong(wanted) == []
    assert {request["agent"].split("/")[0] for request in mirror.requests() if ".pkg." in request["uri"]} == {"packswarm"}
    assert machine.agent.status()["store"]["files"] >= len(wanted), "they were handed through, neither verified nor kept"


def test_upgrade_from_an_address_through_the_gateway_installs_the_package(machine, stock, mirror):
    pacman = by_server(machine, stock, mirror)
    pacman.run("-U", f"{machine.agent.gateway}/{stock.arch.packages['middle03'].path}")
    assert (pacman.folder / "root/usr/share/middle03/data").exists()
    assert {request["agent"].split("/")[0] for request in mirror.requests()} == {"packswarm"}


def test_upgrade_from_an_address_by_xfer_command_installs_the_package(machine, stock, mirror):
    """pacman 6.0 fetches an address with any XferCommand, then says "no file in the cache" of the file it has just put there, and
    finds it when it is asked again. So: the same outcome as with curl, and the package installed by the second call at the latest."""
    package = stock.arch.packages["middle03"]
    address = f"{mirror.url}/{package.path}"
    with_curl = machine.pacman(stock.pacman_keyring, {"lab": [f"Server = {mirror.url}/$repo/os/$arch"]},
                               "XferCommand = /usr/bin/curl -s -f -o %o %u\nRemoteFileSigLevel = Never")
    pacman = by_xfer_command(machine, stock, mirror)
    first = pacman.run("-U", address, check=False)
    assert pacman.wrong([package]) == []
    assert first.returncode == with_curl.run("-U", address, check=False).returncode, first.stdout
    if first.returncode:
        pacman.run("-U", address)
    assert (pacman.folder / "root/usr/share/middle03/data").exists()


@WAYS
def test_second_machine_gets_everything_from_the_first(world, machine, stock, mirror, way):
    wanted = chosen(stock.arch)
    names = [package.name for package in wanted]
    first = way(machine, stock, mirror)
    first.run("-Sy")
    first.run("-Sw", *names)
    mirror.forget()
    mirror.node.shape(up=2)  # a line that carries the databases, and would need 2 minutes for the packages
    second_machine = world.machine("c2")
    second_machine.start_agent([stock.pacman_repository(mirror)], peers=[machine.agent.endpoint])
    second_machine.agent.wait_for_peer()
    second = way(second_machine, stock, mirror)
    second.run("-Sy")
    second.run("-Sw", *names)
    assert second.wrong(wanted) == []
    total = sum(package.size for package in wanted)
    assert second_machine.agent.gave()["peer"] >= 0.9 * total
    assert mirror.package_bytes() <= 0.1 * total


@WAYS
def test_second_machine_gets_everything_from_the_first_when_the_mirror_is_gone(world, machine, stock, mirror, way):
    wanted = chosen(stock.arch, "small", "middle")
    names = [package.name for package in wanted]
    first = way(machine, stock, mirror)
    first.run("-Sy")
    first.run("-Sw", *names)
    mirror.stop()
    second_machine = world.machine("c2")
    second_machine.start_agent([stock.pacman_repository(mirror)], peers=[machine.agent.endpoint])
    second_machine.agent.wait_for_peer()
    second = way(second_machine, stock, mirror)
    second.run("-Sy")
    second.run("-Sw", *names)
    assert second.wrong(wanted) == []


def test_the_second_time_no_mirror_gives_a_package_byte(machine, stock, mirror):
    wanted = chosen(stock.arch)
    names = [package.name for package in wanted]
    for pacman in (by_server(machine, stock, mirror), by_xfer_command(machine, stock, mirror)):
        mirror.forget()
        pacman.run("-Sy")
        pacman.run("-Sw", *names)
        assert pacman.wrong(wanted) == []
    assert mirror.package_bytes() == 0


def test_package_without_its_signature_is_not_served_at_all(world, stock, machine, mirror):
    """Package and .sig: both or neither."""
    name = stock.arch.packages["small03"].path
    curl = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}"]
    both = [machine.node.run([*curl, f"{machine.agent.gateway}/{name}{end}"]).stdout for end in ("", ".sig")]
    assert both == ["200", "200"]
    missing = [machine.node.run([*curl, f"{machine.agent.gateway}/lab/os/x86_64/nosuch-1.0-1-x86_64.pkg.tar.zst{end}"]).stdout for end in ("", ".sig")]
    assert missing == ["404", "404"]


def test_doctor_names_a_part_file_that_has_all_its_bytes(machine, stock, mirror):
    """pacman asks for the bytes behind its end, and fails with a message about the server."""
    package = next(iter(chosen(stock.arch, "small")))
    pacman = machine.pacman(stock.pacman_keyring, {"lab": [f"Server = {mirror.url}/$repo/os/$arch"]}, sandbox())
    file = stock.arch.base / package.path
    part = pacman.cache / f"{file.name}.part"
    shutil.copy(file, part)
    machine.agent.ask("refresh")
    pacman.run("-Sy")
    fails = pacman.run("-Sw", package.name, check=False).returncode != 0
    shutil.copy(file, part)
    root = machine.folder / "root"
    (root / "etc").mkdir(parents=True)
    (root / "etc/pacman.conf").write_text(f"[options]\nCacheDir = {pacman.cache}/\n")
    (root / str(pacman.cache.parent).lstrip("/")).mkdir(parents=True)
    (root / str(pacman.cache).lstrip("/")).symlink_to(pacman.cache)
    doctor = [machine.world.programs / "packswarm", "--socket", machine.socket(), "doctor", "--root", root]
    said = machine.node.run(doctor, check=False).stdout
    assert fails and part.name in said and "pacman-part: rm '" in said, said
    part.write_bytes(file.read_bytes()[:-1])
    assert part.name not in machine.node.run(doctor, check=False).stdout, "what lacks bytes is finished by pacman itself"
    part.unlink()
    pacman.run("-Sw", package.name)
    assert pacman.wrong([package]) == []
