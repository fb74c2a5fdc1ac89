"""Packages whose signatures do not stand in the database: pacman asks for each, and a peer gives it when no mirror does."""
import pytest

from harness.arch import PacmanRepository
from harness.pacman import ways

SIGNED = pytest.mark.parametrize("database_is_signed", (True, False), ids=("signed_database", "unsigned_database"))
WAYS = pytest.mark.parametrize("way", ways().values(), ids=ways())


@pytest.fixture
def repository(tmp_path, stock):
    tmp_path.chmod(0o755)
    made = PacmanRepository(tmp_path, stock.key)
    for number in range(6):
        made.add(f"small{number}", 1000 + 9000 * number)
    for number in range(2):
        made.add(f"middle{number}", 500_000 + 900_000 * number)
    return made


@pytest.fixture
def mirror(world, repository):
    return world.mirror("m1", repository.base, prefix="/arch")


def machine_of(world, name, stock, mirror, database_is_signed, peers=()):
    machine = world.machine(name)
    machine.start_agent([stock.pacman_repository(mirror, signed_database=database_is_signed)], peers=peers)
    return machine


def pacman_of(machine, stock, mirror, way, database_is_signed):
    pacman = way(machine, stock, mirror)
    if not database_is_signed:
        pacman.config.write_text(pacman.config.read_text().replace("SigLevel = Required\n", "SigLevel = Required DatabaseOptional\n", 1))
    pacman.run("-Sy")
    return pacman


@WAYS
@SIGNED
def test_a_peer_gives_the_signatures_when_the_mirror_is_gone(world, stock, repository, mirror, way, database_is_signed):
    repository.publish(signed=database_is_signed, package_signatures=False)
    wanted = list(repository.packages.values())
    names = [package.name for package in wanted]
    first_machine = machine_of(world, "c1", stock, mirror, database_is_signed)
    first = pacman_of(first_machine, stock, mirror, way, database_is_signed)
    first.run("-S", *names)
    second_machine = machine_of(world, "c2", stock, mirror, database_is_signed, [first_machine.agent.endpoint])
    second_machine.agent.wait_for_peer()
    second = pacman_of(second_machine, stock, mirror, way, database_is_signed)
    mirror.stop()
    second.run("-S", *names)
    assert second.wrong(wanted) == []
    assert sorted(path.name for path in (second.folder / "root/usr/share").iterdir()) == sorted(names), "not installed"


def test_without_a_mirror_a_package_that_nobody_can_vouch_for_is_not_installed(world, stock, repository, mirror):
    """The first machine got the package without anybody asking for its signature: it has none to give."""
    repository.publish(package_signatures=False)
    package = repository.packages["small3"]
    first = machine_of(world, "c1", stock, mirror, True)
    first.agent.fetch(f"{mirror.url}/{package.path}", first.folder / "package")
    second_machine = machine_of(world, "c2", stock, mirror, True, [first.agent.endpoint])
    second_machine.agent.wait_for_peer()
    second = pacman_of(second_machine, stock, mirror, ways()["gateway"], True)
    mirror.stop()
    tried = second.run("-S", package.name, check=False)
    assert tried.returncode != 0
    assert not (second.folder / "root/usr/share/small3").exists()
