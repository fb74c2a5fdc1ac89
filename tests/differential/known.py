"""Known faults: what shows them is taken from every world until they are mended, each with its reason. The list is to be empty."""
import itertools


def without_known_faults(world):
    """(what is left of the world, the faults that were in it)."""
    found = []
    for fault in FAULTS:
        parts = fault(world)
        for part in parts:
            world = world.without(part)
        found += [f"{fault.__name__}: {fault.__doc__}"] if parts else []
    return world, found


def changes(world, *kinds):
    return [f"step{step['number']}" for step in world.steps if step["do"] == "publish" and step["change"] in kinds]


def two_repositories_of_one_suite(world):
    """What shares suite and keys is taken for one repository, and one's index is answered for the other's address."""
    if world.manager != "apt":
        return []
    return sorted({other.name for one, other in itertools.combinations(world.repositories, 2) if one.suite == other.suite})


def snapshot_of_the_same_suite(world):
    """A source that turns to a snapshot is answered with today's index."""
    return [f"step{step['number']}" for step in world.steps if step["do"] == "turn"]


def key_that_the_machine_does_not_hold(world):
    """A root that apt would refuse aloud (NO_PUBKEY) is answered with the former one, and nobody is told."""
    return changes(world, "other_key", "stranger_key")


def file_times_that_go_back(world):
    """A newer root with an older Last-Modified is "not modified" to who asked with a date in between."""
    return changes(world, "older_file_time", "same_file_time", "rollback")


def repository_that_is_signed_otherwise(world):
    """A server that has no InRelease any more is taken for one that does not answer, and the former one is used."""
    return changes(world, "signing")


def root_with_the_date_of_another(world):
    """New content under the date of the former is refused for the machine's own apt too."""
    return changes(world, "same_date")


def what_the_gateway_refuses(world):
    """As apt's proxy the gateway answers 403 for a root that the agent does not believe, 400 for "." in a path, 502 for a package sent as text/html."""
    refused = any("SHA256" not in one.hashes or one.layout == "dot" or one.spelling == "dot" for one in world.repositories)
    refused |= any("html" in server.habits for server in world.servers)
    return ["agent:door"] if "door" in world.agent and refused else []


def options_of_apt(world):
    """User-Agent, No-Cache and the like are not obeyed by what the agent asks."""
    names = ("Acquire::http::User-Agent", "Acquire::http::No-Cache", "Acquire::http::AllowRedirect")
    return [f"option:{name}" for name in names if name in world.options]


FAULTS = (two_repositories_of_one_suite, snapshot_of_the_same_suite, key_that_the_machine_does_not_hold, file_times_that_go_back,
          repository_that_is_signed_otherwise, root_with_the_date_of_another, what_the_gateway_refuses, options_of_apt)
