"""pacman repositories whose packages need no signature (pacman.conf(5), SigLevel) beside a signed one: the gateway demands what pacman demands."""
import pytest

from harness.arch import PacmanRepository
from harness.pacman import GATEWAY
from harness.processes import wait_until

LEVELS = ("Optional TrustAll", "Never", "PackageOptional DatabaseOptional TrustAll")


@pytest.fixture
def signed(world, stock):
    repository = PacmanRepository(world.folder / "signed", stock.key)
    for number in range(4):
        repository.add(f"dist{number}", 300_000 - number)
    return repository.publish()


@pytest.fixture
def own(world, stock):
    """Somebody's own repository: nothing in it is signed."""
    repository = PacmanRepository(world.folder / "unsigned", stock.key, name="own")
    for number in range(5):
        repository.add(f"own{number}", 400_000 + number)
    for signature in repository.folder.glob("*.sig"):
        signature.unlink()
    return repository.publish(signed=False, package_signatures=False)


@pytest.fixture
def mirror(world, signed, own):
    return world.mirror("m1", signed.base, prefix="/arch", extra=("/unsigned", own.base))


def pacman_of(machine, stock, mirror, level, us):
    gate = [f"Server = {GATEWAY}/$repo/os/$arch"] if us else []
    return machine.pacman(stock.pacman_keyring, {
        "lab": [*gate, f"Server = {mirror.url}/$repo/os/$arch"],
        "own": [f"SigLevel = {level}", *gate, f"Server = {mirror.url.replace('/arch', '/unsigned')}/$repo/os/$arch"]})


def learn_from(pacman):
    def change(settings):
        settings["sources"] = {"apt": False, "pacman": True, "pacman_conf": pacman.config}
    return change


def complaints(answer):
    return [line for line in answer.stdout.splitlines() if ("error" in line or "warning" in line) and "keyring" not in line]


def everything(signed, own):
    return [*signed.packages.values(), *own.packages.values()]


def assert_like_plain(machine, stock, signed, own, mirror, pacman, level):
    wanted = everything(signed, own)
    names = [package.name for package in wanted]
    plain = pacman_of(machine, stock, mirror, level, us=False).run("-Syw", *names, check=False)
    mirror.forget()
    answer = pacman.run("-Syw", *names, check=False)
    assert answer.returncode == plain.returncode == 0, answer.stdout
    assert pacman.wrong(wanted) == []
    assert complaints(answer) == complaints(plain)
    packages = [request for request in mirror.requests() if request["uri"].endswith(".zst")]
    assert {request["agent"].split("/")[0] for request in packages} == {"packswarm"}, "pacman went around the gateway"
    assert len({request["uri"] for request in packages}) == len(wanted)
    return plain


@pytest.mark.parametrize("level", LEVELS)
def test_where_siglevel_asks_for_no_signature_the_gateway_asks_for_none(world, stock, signed, own, mirror, level):
    machine = world.machine("c1")
    pacman = pacman_of(machine, stock, mirror, level, us=True)
    machine.start_agent([], change=learn_from(pacman))
    assert_like_plain(machine, stock, signed, own, mirror, pacman, level)
    for package in own.packages.values():
        [entry] = machine.agent.ask("explain", package.name)["entries"]
        assert not entry["offered"], "what nobody signed is shared"


def test_an_own_table_without_a_word_on_packages_hands_out_what_no_mirror_signs(world, stock, signed, own, mirror):
    """Public by its owner's word all the same: what is unsigned is not shared."""
    machine = world.machine("c1")
    base = mirror.url.replace("/arch", "/unsigned")
    table = {"format": "pacman", "suite": "own", "architectures": ["x86_64"], "mirrors": [f"{base}/own/os/x86_64"], "keyring": [stock.pacman_keyring],
             "signed_database": False, "public": True}
    machine.start_agent([stock.pacman_repository(mirror), table])
    pacman = pacman_of(machine, stock, mirror, "Optional TrustAll", us=True)
    assert_like_plain(machine, stock, signed, own, mirror, pacman, "Optional TrustAll")
    wait_until(lambda: machine.agent.status()["sharing"]["offered"] >= len(signed.packages), 10, lambda: machine.agent.status()["sharing"])
    assert not any(machine.agent.ask("explain", name)["entries"][0]["offered"] for name in own.packages)


def test_where_signatures_are_required_a_package_without_one_is_still_not_served(world, stock, own, mirror):
    machine = world.machine("c1")
    pacman = pacman_of(machine, stock, mirror, "Required DatabaseOptional", us=True)
    machine.start_agent([], change=learn_from(pacman))
    pacman.run("-Sy")
    file = next(iter(own.packages.values())).path
    status = machine.node.run(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", f"{GATEWAY}/{file}"]).stdout
    assert status == "404"
