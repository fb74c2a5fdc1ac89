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


FAULTS = ()
