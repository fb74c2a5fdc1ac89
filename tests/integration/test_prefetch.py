"""Upgrades are fetched before anybody asks for them, by what apt and pacman say of themselves, and within the owner's limits."""
import hashlib
import shutil
import time

import pytest

from harness.agent import learning
from harness.arch import PacmanRepository
from harness.debian import DebianRepository
from harness.pacman import by_server
from harness.processes import wait_until
from harness.services import Services

SIZES = {"tool00": 3_000, "tool01": 90_000, "tool02": 700_000, "tool03": 4_000_000, "tool04": 5_000_000}
WITHIN = 5  # seconds, in which a limit stops what is under way
STILL = 10_000  # bytes that a machine takes in half a second in which it fetches nothing: its own housekeeping
SOON = {"PACKSWARM_PREFETCH_WINDOW_S": "1", "PACKSWARM_POWER_SUPPLIES": "/nonexistent", "DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nonexistent"}


def installed(apt, packages):
    """apt takes these for installed."""
    stanza = "Package: {0.name}\nStatus: install ok installed\nVersion: {0.version}\nArchitecture: amd64\nMaintainer: m <m@packswarm.invalid>\nDescription: d\n"
    (apt.folder / "status").write_text("\n".join(stanza.format(package) for package in packages))


def debian_of(world, stock, sizes):
    repository = DebianRepository(world.folder / "own", stock.key)
    for name, size in sizes.items():
        repository.add(name, size)
    return repository.publish()


def newer(repository, sizes, version):
    for name, size in sizes.items():
        repository.add(name, size, version=version)
    repository.publish()
    return list(repository.packages.values())


def prefetching(apt, public, **prefetch):
    def change(settings):
        learning(apt)(settings)
        settings["sources"].update(dpkg_status=apt.folder / "status", apt_lists=apt.folder / "state/lists")
        settings["sharing"] = {"public_keyrings": [public]}
        settings["prefetch"] = {"enabled": True, **prefetch}
    return change


def machine_of(world, stock, mirror, packages, env=SOON, name="c1", peers=(), **prefetch):
    """A machine where apt has these packages installed, and its agent."""
    machine = world.machine(name)
    apt = machine.apt([stock.source(mirror)])
    installed(apt, packages)
    machine.start_agent([], change=prefetching(apt, stock.public, **prefetch), env=env, peers=peers)
    return machine, apt


def state(machine, order="status"):
    return machine.agent.ask("prefetch", order)


def is_whole(machine, packages):
    seen = state(machine)
    return seen["wanted"]["packages"] == len(packages) == seen["here"]["packages"] and seen


def fingerprint(*folders):
    files = sorted(file for folder in folders for file in folder.rglob("*") if file.is_file())
    return {str(file): (hashlib.sha256(file.read_bytes()).hexdigest(), file.stat().st_mtime_ns) for file in files}


def told(machine):
    return lambda: f"{state(machine)}\n{machine.agent.log()[-3000:]}"


@pytest.mark.sanitizer
def test_an_upgrade_is_here_before_apt_asks_and_mirrors_are_gone(world, stock):
    repository = debian_of(world, stock, SIZES)
    mirror = world.mirror("m1", repository.base)
    machine, apt = machine_of(world, stock, mirror, list(repository.packages.values()))
    apt.update()
    packages = newer(repository, SIZES, "1.1")
    before = fingerprint(apt.folder)
    mirror.forget()
    machine.agent.ask("refresh")
    wait_until(lambda: is_whole(machine, packages), 40, told(machine))
    assert fingerprint(apt.folder) == before, "apt's own folders are as they were"
    assert mirror.package_bytes() <= 1.02 * sum(package.size for package in packages)

    # A neighbour comes later, and takes what it lacks from the first.
    beside, its_apt = machine_of(world, stock, mirror, [], name="c2", peers=[machine.agent.endpoint])
    installed(its_apt, [package.__class__(package.name, "1.0", "", 0, "") for package in packages])
    beside.agent.wait_for_peer()
    mirror.forget()
    state(beside, "now")
    wait_until(lambda: is_whole(beside, packages), 40, told(beside))
    assert mirror.package_bytes() <= 0.2 * sum(package.size for package in packages), "a LAN fetches once"

    mirror.stop()
    apt.update()
    apt.get("--download-only", "--yes", "dist-upgrade")
    assert apt.wrong(packages) == []


class Limits:
    """Each makes the machine so that a limit bites, and back."""

    def __init__(self, machine, services):
        self.machine, self.services = machine, services

    def metered(self, bites):
        self.services.say(metered=3 if bites else 4)  # a guess is enough
        return "prefetch.on_metered"

    def battery(self, bites):
        self.services.say(on_battery=bites)
        return "prefetch.on_battery"

    def vpn(self, bites):
        if bites:
            for words in ("link add tun0 type veth peer name other", "addr add 10.99.0.1/24 dev tun0", "link set tun0 up", "route add default dev tun0"):
                self.machine.node.run(["ip", *words.split()])
        else:
            self.machine.node.run(["ip", "link", "del", "tun0"])
        return "prefetch.on_vpn"

    def switched_off(self, bites):
        state(self.machine, "off" if bites else "on")
        return "prefetch.enabled"


def comes_to_rest(machine, seconds):
    """Within so long it receives nothing for half a second."""
    begun = time.monotonic()
    before = machine.node.received()
    while time.monotonic() - begun < seconds:
        time.sleep(0.5)
        now = machine.node.received()
        if now - before < STILL:
            return True
        before = now
    return False


def test_each_limit_stops_it_in_the_middle_of_a_file_and_lets_it_go_on(world, stock):
    repository = debian_of(world, stock, {"huge": 1_000})
    other = repository.add("other", 3_000_000)
    mirror = world.mirror("m1", repository.base, up=10)
    machine = world.machine("c1")
    services = Services(machine)
    apt = machine.apt([stock.source(mirror)])
    installed(apt, list(repository.packages.values()))
    package = newer(repository, {"huge": 60_000_000}, "1.1")[0]
    machine.start_agent([], change=prefetching(apt, stock.public), env={**SOON, **services.environment()})
    apt.update()
    limits = Limits(machine, services)

    def is_fetching():
        return any(row["asker"] == "prefetch" and row["received"] > 0 for row in machine.agent.status()["transfers"])

    for bite in (limits.metered, limits.battery, limits.vpn, limits.switched_off):
        wait_until(is_fetching, 40, told(machine))
        name = bite(True)
        assert comes_to_rest(machine, WITHIN), told(machine)()
        assert not machine.agent.status()["transfers"]
        seen = state(machine)
        assert seen["limit"]["name"] == name and seen["here"]["packages"] == 0, seen
        if name != "prefetch.enabled":
            row = next(row for row in machine.agent.status()["limits"] if row["name"] == name)
            assert row["state"] == "reached" and row["why"] == seen["limit"]["why"]
        bite(False)
    wait_until(is_fetching, 40, told(machine))
    child = machine.node.child([world.programs / "packswarm", "--socket", machine.agent.socket, "fetch", f"{mirror.url}/{other.path}", machine.folder / "other"],
                               machine.folder / "fetch.log")
    wait_until(lambda: [row["asker"] for row in machine.agent.status()["transfers"]] == ["cli"], WITHIN, told(machine))
    assert child.wait(30) == 0
    wait_until(is_fetching, 40, told(machine))
    mirror.node.shape(None)
    wait_until(lambda: is_whole(machine, [package]), 40, told(machine))
    assert mirror.package_bytes() < 1.3 * package.size, "it goes on where it stood"


def test_who_is_off_fetches_once_when_the_owner_says_now(world, stock):
    repository = debian_of(world, stock, {"tool00": 40_000})
    mirror = world.mirror("m1", repository.base)
    machine, apt = machine_of(world, stock, mirror, list(repository.packages.values()), enabled=False)
    apt.update()
    packages = newer(repository, {"tool00": 40_000}, "1.1")
    mirror.forget()
    state(machine, "now")
    wait_until(lambda: is_whole(machine, packages), 40, told(machine))
    wait_until(lambda: (state(machine)["limit"] or {}).get("name") == "prefetch.enabled", 10, told(machine))
    assert state(machine)["state"] == "off"
    assert "prefetch." not in str(machine.agent.status()["limits"]), "limits of what is off are not shown"


def test_pacmans_upgrade_is_here_before_it_asks_and_its_databases_are_never_written(world, stock):
    repository = PacmanRepository(world.folder / "arch", stock.key)
    for name, size in {"small": 30_000, "large": 3_000_000}.items():
        repository.add(name, size)
    repository.publish()
    mirror = world.mirror("m1", repository.base, prefix="/arch")
    machine = world.machine("c1")
    pacman = by_server(machine, stock, mirror)

    def change(settings):
        settings["sources"].update(pacman=True, pacman_conf=pacman.config)
        settings["prefetch"] = {"enabled": True}
        settings.pop("repository")

    machine.start_agent([], change=change, env=SOON)
    pacman.run("-Sy", "small", "large", "--dbonly")
    packages = [repository.add(name, size, version="1.1-1") for name, size in {"small": 31_000, "large": 3_100_000}.items()]
    repository.publish()
    before = fingerprint(pacman.folder / "db")
    machine.agent.ask("refresh")
    wait_until(lambda: is_whole(machine, packages), 40, told(machine))
    assert fingerprint(pacman.folder / "db") == before
    assert shutil.which("pacman") and not (pacman.folder / "db/db.lck").exists()
    mirror.stop()
    pacman.run("-Syuw")
    assert pacman.wrong(packages) == []
