"""The steps of a world: what owners, servers, the agent and the user do, one after the other."""
from chance import Chance, stage_of

CHANGES = {"new_version": 40, "older_file_time": 8, "same_file_time": 4, "signed_again": 8, "reupload": 8,
           "withdraw": 10, "added": 8, "rollback": 7,
           "stranger_key": 3, "other_key": 5, "index_missing": 3,
           "same_date": 3, "signing": 4}
PACMAN_CHANGES = {"new_version": 45, "older_file_time": 8, "signed_again": 8, "reupload": 8, "withdraw": 10,
                  "added": 10, "rollback": 8}
EVENTS = {"restart": 30, "reload": 20, "kill": 15, "kill_and_start": 35}


def world_of(seed, kill=False):
    """The whole of it."""
    world = stage_of(seed)
    world.steps = steps_of(world, kill)
    return world


def steps_of(world, kill):
    chance = Chance(world.seed, "steps")
    steps = []
    mine = [one for one in world.repositories if not one.only_peer]
    if "peer" in world.agent:
        steps.append({"do": "peer"})
    steps += [{"do": "update"}, first_install(chance, mine)]
    for _ in range(chance.number(1, 3)):
        steps += round_of(chance, world, mine)
    for number, step in enumerate(steps, 1):
        step["number"] = number
    late_source(chance, world, steps)
    snapshot(Chance(world.seed, "snapshot"), world, mine, steps)
    if kill:
        kills(world, steps)
    return steps


def first_install(chance, mine):
    names = sorted({package.name for one in mine for package in one.packages})
    return {"do": "install", "names": chance.some(names)} if chance.of(75) else {"do": "upgrade"}


def round_of(chance, world, mine):
    steps = []
    for one in mine:
        if chance.of(65):
            changes = CHANGES if world.manager == "apt" else PACMAN_CHANGES
            steps.append({"do": "publish", "repository": one.name, "change": chance.weighted(**changes)})
    needed = "door" in world.agent  # apt has no way around a proxy that is down
    if world.agent["knows"] != "absent" and not needed and chance.of(30):
        steps.append({"do": "agent", "event": chance.weighted(**EVENTS)})
    if chance.of(6):
        steps.append({"do": "shut", "server": chance.one(*[server for one in mine for server in one.servers])})
    if chance.of(15):
        steps.append({"do": "forget"})
    if "peer" in world.agent and chance.of(50):
        steps.append({"do": "peer"})
    if chance.of(90):
        steps.append({"do": "update"})
    steps.append({"do": "upgrade"} if chance.of(60) else first_install(chance, mine))
    if any(step["do"] == "shut" for step in steps) and chance.of(70):
        steps.append({"do": "open"})
    if chance.of(20):
        steps.append({"do": "update"})
    return steps


def late_source(chance, world, steps):
    """A source that its owner adds in the middle, and the agent hears of it or not."""
    mine = [one for one in world.repositories if not one.only_peer]
    if world.manager == "apt" and len(mine) > 1 and chance.of(15):
        updates = [step["number"] for step in steps if step["do"] == "update"]
        mine[-1].added_in_step = updates[-1]


def snapshot(chance, world, mine, steps):
    """The owner turns to a snapshot of a repository before the last update."""
    if world.manager == "apt" and chance.of(8):
        last = [step for step in steps if step["do"] == "update"][-1]
        steps.insert(steps.index(last), {"do": "turn", "repository": chance.one(*mine).name,
                                         "number": last["number"] * 10})


def kills(world, steps):
    chance = Chance(world.seed, "kills")
    for step in steps:
        if step["do"] in ("update", "install", "upgrade") and "door" not in world.agent and chance.of(60):
            step["kill"] = chance.number(0, 40) * 10
