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


def lists_missing_behind_the_newest_root_of_a_group(world):
    """A server that lags in a stanza is answered with the newest root of the stanza; when the server that has this root lacks its lists,
    apt gets those of neither, where plain apt goes on with the older ones of the other."""
    together = {one.name for one in world.repositories if len(one.servers) > 1}
    return [f"step{step['number']}" for step in world.steps
            if step["do"] == "publish" and step["change"] == "index_missing" and step["repository"] in together]


def root_with_the_date_of_another(world):
    """New content under the date of the former is refused for the machine's own apt too."""
    return changes(world, "same_date")


def proxy_for_some_servers(world):
    """A server that apt asks through a proxy is asked directly when it stands in one stanza with one that is not, or is
    sent on to from one."""
    beside = any(len(one.servers) > 1 for one in world.repositories)
    beside |= any(server.habits.get("redirect", "here") != "here" for server in world.servers)
    return ["option:Proxy-Host"] if "Proxy-Host" in world.options and beside else []


FAULTS = (lists_missing_behind_the_newest_root_of_a_group, root_with_the_date_of_another, proxy_for_some_servers)
