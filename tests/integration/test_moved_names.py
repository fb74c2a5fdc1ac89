"""A mirror's name leads to another address while the agent runs: another network, a resumed machine, a moved mirror."""
import pathlib
import shutil

import pytest

from harness.agent import learning
from harness.debian import DebianRepository

NAME = "mirror.packswarm"


@pytest.fixture
def names(world):
    """What one machine's /etc/hosts says; the file is rewritten in place, since running programs have it mounted."""
    folders = []

    def set_names(machine, *lines):
        folder = pathlib.Path("/etc/netns") / machine.node.namespace
        if folder not in folders:
            folder.mkdir(parents=True)
            folders.append(folder)
            (folder / "resolv.conf").write_text("nameserver 127.0.0.1\n")
        with open(folder / "hosts", "a+") as file:
            file.truncate(0)
            file.write("127.0.0.1 localhost\n" + "".join(f"{line}\n" for line in lines))

    yield set_names
    for folder in folders:
        shutil.rmtree(folder)


@pytest.fixture
def moved(world, stock, names):
    """A machine that has used the mirror by its name, which leads to another server now; the first one is silent."""
    repository = DebianRepository(world.folder / "own", stock.key)
    for number in range(8):
        repository.add(f"own{number:02}", 20_000 + number)
    repository.add("large", 3_000_000)
    repository.publish()
    first, second = world.mirror("m1", repository.base), world.mirror("m2", repository.base)
    machine = world.machine("c1")
    names(machine, f"{first.node.ip} {NAME}")
    line = f"deb [signed-by={stock.public} arch=amd64] http://{NAME}/debian stable main"
    apt = machine.apt([line])
    machine.start_agent([], change=learning(apt))
    apt.update()
    apt.install([f"own{number:02}" for number in range(4)])
    assert [one for one in first.requests() if one["agent"].startswith("packswarm")]
    names(machine, f"{second.node.ip} {NAME}")
    first.node.cut()
    return repository, machine.agent, apt, second


def test_an_upgrade_goes_on_at_the_new_address_through_the_agent(moved):
    repository, agent, apt, second = moved
    repository.publish()
    apt.update()
    wanted = [f"own{number:02}" for number in range(4, 8)] + ["large"]
    apt.install(wanted)
    assert apt.wrong(repository.packages[name] for name in wanted) == []
    by_us = [one for one in second.requests() if one["agent"].startswith("packswarm")]
    assert {one["uri"].rsplit("/", 1)[-1].split("_")[0] for one in by_us} >= {*wanted, "InRelease"}
    by_apt = [one for one in second.requests() if not one["agent"].startswith("packswarm")]
    assert not [one for one in by_apt if one["uri"].endswith(".deb")], "apt's own had to take over"
    assert agent.status()["requests"]["failed"] == 0
