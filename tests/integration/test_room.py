"""A file system that has room but no inodes left: apt gets what plain apt gets, and the owner is told."""
import os

from conftest import chosen
from harness.processes import wait_until

INODES = 300  # 256 folders of the store, its tables, and room for a few files


def test_a_store_without_inodes_fails_no_upgrade_and_says_so(world, stock):
    mirror = world.mirror("m1", stock.debian.base)
    machine = world.machine("c1")
    disk = world.tmpfs(machine.folder / "agent" / "state", 200, INODES)
    agent = machine.start_agent([stock.debian_repository(mirror)])
    packages = chosen(stock.debian, "small", "middle")
    names = [package.name for package in packages]

    plain = machine.apt([stock.source(mirror)], through_us=False)
    plain.update()
    plain.install(names)
    assert plain.wrong(packages) == []

    apt = machine.apt([stock.source(mirror)])
    apt.update()
    mirror.forget()
    apt.install(names)
    assert apt.wrong(packages) == []
    assert mirror.package_bytes() <= sum(package.size for package in packages), "nothing is fetched twice"
    store = agent.status()["store"]
    assert 0 < store["inodes_kept"] <= store["inodes_free"], "others still have theirs"

    taken = take_inodes(disk, store["inodes_kept"] - 1)
    check = store_check(agent)
    assert check["state"] == "warn" and "inodes" in check["message"] and "df -i" in check["remedy"], check
    assert agent.status()["store"]["inodes_free"] < store["inodes_kept"]
    apt.forget_packages()
    apt.install(names)
    assert apt.wrong(packages) == []
    assert os.statvfs(disk).f_favail >= store["inodes_kept"] - 1, "what others left is not taken from them"

    for path in taken:
        path.unlink()
    assert store_check(agent)["state"] == "ok"
    apt.forget_packages()
    apt.install(names)
    assert apt.wrong(packages) == []
    wait_until(lambda: agent.status()["store"]["files"] > 0, 10, "it is kept again")


def take_inodes(disk, leave):
    taken = []
    while os.statvfs(disk).f_favail > leave:
        taken.append(disk / f"other{len(taken)}")
        taken[-1].touch()
    return taken


def store_check(agent):
    return next(check for check in agent.ask("doctor", check=False)["checks"] if check["name"] == "store")
