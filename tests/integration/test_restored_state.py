"""The state folder on another disk: other inodes, the same files. Without a network apt gets what was kept."""
import re

import pytest
from conftest import chosen

from harness.network import ip
from harness.processes import run, wait_until


def restore(world, machine, *options):
    """Copies the state folder to a file system of its own, with cp's options, and lays the agent there."""
    agent = machine.agent
    agent.stop()
    state = world.tmpfs(world.folder / "other-disk", 200)
    run(["cp", *options, f"{agent.state}/.", state])
    run(["chown", "-R", "nobody:nogroup", state])
    run(["rm", "-rf", agent.state])
    agent.state = state
    agent.change(lambda settings: settings[""].update(state_dir=state))


@pytest.mark.parametrize("options", [["-a"], ["-r"]], ids=["with its times", "without its times"])
def test_a_restored_state_folder_gives_index_and_packages_without_a_network(world, stock, options):
    mirror = world.mirror("m1", stock.debian.base)
    machine = world.machine("c1")
    agent = machine.start_agent([stock.debian_repository(mirror)])
    wanted = chosen(stock.debian, "small0", "large0")
    names = [package.name for package in wanted]
    first = machine.apt([stock.source(mirror)])
    first.update()
    first.install(names)
    wait_until(lambda: agent.status()["store"]["files"] >= len(wanted) + 2, 20, "all is stored")
    stored = agent.status()["store"]["files"]
    restore(world, machine, *options)
    mirror.stop()
    ip(machine.node.namespace, "link set eth0 down")
    agent.start()
    second = machine.apt([stock.source(mirror)])
    second.update()
    second.install(names)
    assert second.wrong(wanted) == []
    store = agent.status()["store"]
    assert store["files"] == stored and store["rotten"] == 0, store
    assert re.search(r"store: \d+ files are not the recorded ones", agent.log())
    agent.stop()
    agent.start()
    assert agent.log().count("are not the recorded ones") == 1, "what was copied is known by its new inode now"
