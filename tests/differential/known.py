"""Known faults: worlds that show them are left out until they are mended, each with its reason. The list is to be empty."""
import itertools


def known_faults(world):
    """The faults that a world would show."""
    return [f"{fault.__name__}: {fault.__doc__}" for fault in FAULTS if fault(world)]


def changes(world):
    return {step["change"] for step in world.steps if step["do"] == "publish"}


def two_repositories_of_one_suite(world):
    """What shares suite and keys is taken for one repository, and one's index is answered for the other's address."""
    return world.manager == "apt" and any(one.suite == other.suite for one, other in itertools.combinations(world.repositories, 2))


def key_that_the_machine_does_not_hold(world):
    """A root that apt would refuse aloud (NO_PUBKEY) is answered with the former one, and nobody is told."""
    return bool(changes(world) & {"other_key", "stranger_key"})


def file_times_that_go_back(world):
    """A newer root with an older Last-Modified is "not modified" to who asked with a date in between."""
    return bool(changes(world) & {"older_file_time", "same_file_time", "rollback"})


FAULTS = (two_repositories_of_one_suite, key_that_the_machine_does_not_hold, file_times_that_go_back)
