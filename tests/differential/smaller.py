"""The least world that still fails in the same way: parts are taken away one by one while the difference stays."""

TRIES = 60


def smaller(world, found, live):
    """(least world, its differences)."""
    kinds = {one.kind for one in found}
    if "machine" in kinds:
        return world, found
    tries, again = 0, True
    while again:
        again = False
        for part in world.parts():
            if tries == TRIES:
                return world, found
            other = world.without(part)
            if not other.repositories or not other.steps:
                continue
            tries += 1
            left = live(other)
            if kinds & {one.kind for one in left} and all(one.kind != "machine" for one in left):
                world, found, again = other, left, True
    return world, found
