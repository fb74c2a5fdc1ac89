"""Dates that the owner's apt is told to accept, or not to: the agent judges a root as this machine's apt does, and shares only what every apt takes."""
import time

import pytest

from harness.debian import DebianRepository
from harness.keys import SigningKey

DAY = 86400


@pytest.fixture
def signed(world):
    key = SigningKey(world.folder / "key", "dates", world.household)
    key.public = key.export(world.folder / "signer.gpg")
    return key


def run_both(world, key, published, option="", conf=""):
    """(exit status of install by apt alone, the same through packswarm, the agent, who asked the mirror)"""
    now = time.time()
    repository = DebianRepository(world.folder / "repository", key)
    repository.add("tool", 20_000)
    repository.publish(**{name: now + days * DAY for name, days in published.items()})
    mirror, machine = world.mirror("m1", repository.base), world.machine("c1")
    codes = []
    for through_us in (False, True):
        apt = machine.apt([f"deb [signed-by={key.public} arch=amd64 {option}] {mirror.url} stable main"], through_us, conf)
        if through_us:
            learn = {"sources": {"apt": True, "pacman": False, "apt_dir": apt.folder / "etc"}}
            machine.start_agent([], change=lambda settings: settings.update(learn), env={"APT_CONFIG": str(apt.config)})
        mirror.forget()
        apt.update(check=False)
        codes.append(apt.install(["tool"], check=False).returncode)
    return *codes, machine.agent, {request["agent"].split("/")[0] for request in mirror.requests()}


EXPIRED, COMING, OLD = {"date": -30, "valid_until": -20}, {"date": 0.5}, {"date": -30}


@pytest.mark.parametrize("published, option, conf", [
    (EXPIRED, "check-valid-until=no", ""),
    (EXPIRED, "", 'Acquire::Check-Valid-Until "false";'),
    (EXPIRED, "check-date=no", ""),
    (EXPIRED, "valid-until-min=3456000", ""),
    (EXPIRED, "", 'Acquire::Min-ValidTime::packswarm%20tests "3456000";'),
    (COMING, "date-max-future=172800", ""),
    (COMING, "", 'Acquire::Max-FutureTime "172800";'),
])
def test_what_this_machines_apt_takes_has_an_index_here_and_is_not_shared(world, signed, published, option, conf):
    plain, ours, agent, askers = run_both(world, signed, published, option, conf.replace("%20", " "))
    if plain:
        pytest.skip("this apt does not take it")
    assert ours == 0 and askers == {"packswarm"}, f"apt's own method was needed: {askers}"
    repository = agent.repository("stable")
    assert (repository["state"], repository["sharing"]) == ("verified", "forbidden")
    assert repository["message"].startswith("not shared: "), repository


@pytest.mark.parametrize("published, option, conf", [
    (EXPIRED, "", ""),
    (EXPIRED, "check-valid-until=yes", 'Acquire::Check-Valid-Until "false";'),
    (COMING, "", ""),
    (OLD, "valid-until-max=86400", ""),
    (OLD, "", 'Acquire::Max-ValidTime "86400";'),
])
def test_what_this_machines_apt_refuses_is_refused_here(world, signed, published, option, conf):
    plain, ours, agent, _ = run_both(world, signed, published, option, conf)
    assert plain == ours == 100
    assert agent.repository("stable")["state"] == "refused"
