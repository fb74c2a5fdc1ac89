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


def changes(world, *kinds):
    return [f"step{step['number']}" for step in world.steps if step["do"] == "publish" and step["change"] in kinds]


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
    """As apt's proxy the gateway answers 403 for a root that the agent does not believe, 400 for "." in a path, 502 for
    a package sent as text/html."""
    refused = any("SHA256" not in one.hashes or one.layout == "dot" or one.spelling == "dot"
                  for one in world.repositories)
    refused |= any("html" in server.habits for server in world.servers)
    return ["agent:door"] if "door" in world.agent and refused else []


def package_sent_as_a_page(world):
    """Under XferCommand a package that is sent as text/html fails."""
    xfer = world.options.get("way") == "xfer"
    return [f"{server.name}:html" for server in world.servers if xfer and "html" in server.habits]


def proxy_for_one_server_of_a_group(world):
    """A server that apt asks through a proxy is asked directly when it stands in one stanza with another that is not."""
    return ["option:Proxy-Host"] if "Proxy-Host" in world.options and any(len(one.servers) > 1
                                                                          for one in world.repositories) else []


def options_of_apt(world):
    """User-Agent, No-Cache and the like are not obeyed by what the agent asks."""
    names = ("Acquire::http::User-Agent", "Acquire::http::No-Cache", "Acquire::http::AllowRedirect")
    return [f"option:{name}" for name in names if name in world.options]


FAULTS = (key_that_the_machine_does_not_hold, file_times_that_go_back, repository_that_is_signed_otherwise,
          root_with_the_date_of_another, what_the_gateway_refuses, package_sent_as_a_page,
          proxy_for_one_server_of_a_group, options_of_apt)
