"""What mirrors do not have, or the agent may not believe, goes apt's own way, and comes out as without an agent."""
import shutil
import time

import pytest

from harness.agent import learning
from harness.debian import DebianRepository
from harness.keys import SigningKey
from harness.processes import run, wait_until

DAY = 86400


def dist(repository):
    return repository.base / "dists/stable"


def release_without_signature(world, repository):
    repository.publish()
    (dist(repository) / "InRelease").unlink()
    (dist(repository) / "Release.gpg").unlink()
    return "[trusted=yes arch=amd64]", "stable main"


def no_release_at_all(world, repository):
    packages = run(["apt-ftparchive", "packages", "."], cwd=repository.base).stdout
    (repository.base / "Packages").write_text(packages)
    (repository.base / "Packages").chmod(0o644)
    return "[trusted=yes arch=amd64]", "./"


def another_key(world, repository):
    repository.publish(key=SigningKey(world.folder / "stranger", "stranger", world.household))
    return "[trusted=yes arch=amd64 signed-by={public}]", "stable main"


def expired(world, repository):
    repository.publish(date=time.time() - 30 * DAY, valid_until=time.time() - 20 * DAY)
    return "[arch=amd64 signed-by={public} check-valid-until=no]", "stable main"


def release_and_signature_apart(world, repository):
    """What the agent does believe: it is not handed over."""
    repository.publish(inrelease=False)
    return "[arch=amd64 signed-by={public}]", "stable main"


KINDS = [release_without_signature, no_release_at_all, another_key]


def updated(world, stock, kind):
    """The repository, its mirror, and two apts that have updated: alone, and through an agent that learned its sources."""
    repository = DebianRepository(world.folder / "own", stock.key)
    for number in range(3):
        repository.add(f"own{number:02}", 20_000 + number)
    options, place = kind(world, repository)
    mirror = world.mirror("m1", repository.base)
    line = f"deb {options.format(public=stock.public)} {mirror.url} {place}"
    machine = world.machine("c1")
    plain, through = machine.apt([line], through_us=False), machine.apt([line])
    machine.start_agent([], change=learning(through))
    for apt in (plain, through):
        apt.update()
    return repository, mirror, plain, through


def lists(apt):
    folder = apt.folder / "state/lists"
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file() and path.name != "lock"}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_what_the_agent_may_not_believe_is_apts_own_from_the_second_update_on(world, stock, kind):
    repository, mirror, plain, through = updated(world, stock, kind)
    assert lists(through) == lists(plain)
    asked = []
    for apt in (plain, through):
        mirror.forget()
        apt.update()
        requests = mirror.requests()
        roots = [one for one in requests if one["uri"].endswith(("InRelease", "Release", "Release.gpg"))]
        asked.append(sorted((one["uri"], one["status"]) for one in roots))
        assert not [one for one in roots if one["agent"].startswith("packswarm")], roots
    assert asked[0] == asked[1]
    for apt in (plain, through):
        apt.install(list(repository.packages))
        assert apt.wrong(repository.packages.values()) == []


def test_what_the_owner_lets_expire_is_believed_here_and_asked_for_as_often(world, stock):
    repository, mirror, plain, through = updated(world, stock, expired)
    assert lists(through) == lists(plain)
    asked = []
    for apt in (plain, through):
        mirror.forget()
        apt.update()
        asked.append(sorted((one["uri"], one["status"]) for one in mirror.requests()))
    assert asked[0] == asked[1] and {one["agent"].split("/")[0] for one in mirror.requests()} == {"packswarm"}
    through.install(list(repository.packages))
    assert through.wrong(repository.packages.values()) == []


def test_a_release_and_its_signature_come_through_the_agent_together(world, stock):
    repository, mirror, plain, through = updated(world, stock, release_and_signature_apart)
    assert lists(through) == lists(plain)
    ours = [one["uri"].rsplit("/", 1)[-1] for one in mirror.requests() if one["agent"].startswith("packswarm")]
    assert "Release" in ours and "Release.gpg" in ours
    assert through.node.run(["apt-cache", "policy", "own00"], env=through.env()).stdout.count("1.0") >= 1


def test_a_repository_that_is_set_right_is_believed_after_a_reload(world, stock):
    repository, mirror, plain, through = updated(world, stock, another_key)
    agent = world.machines[0].agent
    assert agent.repository("stable")["state"] == "refused"
    repository.publish()
    agent.reload()
    through.update()
    wait_until(lambda: agent.repository("stable")["state"] == "verified", 20, lambda: agent.repository("stable"))


def test_an_agent_uses_the_index_it_verified_though_its_mirror_gives_no_dates(world, stock):
    repository = DebianRepository(world.folder / "own", stock.key)
    repository.add("own00", 20_000)
    repository.publish()
    mirror = world.mirror("m1", repository.base)
    mirror.start("no_dates")
    machine = world.machine("c1")
    machine.start_agent([stock.debian_repository(mirror)])
    first = machine.apt([stock.source(mirror)])
    first.update()
    wait_until(lambda: machine.agent.repository("stable")["entries"] == 1, 20, "its list is read")
    mirror.stop()
    again = machine.apt([stock.source(mirror)])
    assert again.update(check=False).returncode == 0
    kept = lists(again)
    root = (dist(repository) / "InRelease").read_bytes()
    assert [kept[name] for name in kept if name.endswith("InRelease")] == [root]
    assert any(name.endswith("Packages") for name in kept), "the list of packages is here, too"
