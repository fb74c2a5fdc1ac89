"""Known faults: what shows them is taken from every world until they are mended, each with its reason; to be empty."""


def without_known_faults(world):
    """(what is left of the world, the faults that were in it)."""
    found = []
    for fault in FAULTS:
        parts = fault(world)
        for part in parts:
            world = world.without(part)
        found += [f"{fault.__name__}: {fault.__doc__}"] if parts else []
    return world, found


def same_file_time_as_a_rollback(world):
    """A rollback that apt itself passes over is held by the agent, which asks its server whether there is anything newer than that. When the next
    publication bears the file time of the rollback, the server says no; apt alone would have asked with the older time of its own copy."""
    found, rolled_back = [], set()
    for step in world.steps:
        if step["do"] != "publish":
            continue
        if step["change"] == "same_file_time" and step["repository"] in rolled_back:
            found.append(f"step{step['number']}")
        rolled_back.discard(step["repository"])
        if step["change"] == "rollback":
            rolled_back.add(step["repository"])
    return found


FAULTS = (same_file_time_as_a_rollback,)
