"""A seed's world: each aspect is drawn from a stream of its own, so that a new one leaves the others of a seed alone."""
import random

from world import Package, Repository, Server, World

WORDS = ("editor", "shell", "kernel", "driver", "viewer", "daemon", "fonts", "tools")
OWNERS = ("debian", "acme", "initech", "umbrella")
SUITES = ("stable", "trixie", "main", "bookworm-security")


class Chance:
    def __init__(self, seed, aspect):
        self.random = random.Random(f"{seed} {aspect}")

    def of(self, percent):
        return self.random.random() * 100 < percent

    def one(self, *choices):
        return self.random.choice(choices)

    def weighted(self, **weights):
        return self.random.choices(list(weights), list(weights.values()))[0]

    def some(self, choices, least=1):
        choices = list(choices)
        return self.random.sample(choices, self.random.randint(least, len(choices)))

    def number(self, low, high):
        return self.random.randint(low, high)


def stage_of(seed):
    manager = Chance(seed, "manager").weighted(apt=78, pacman=22)
    world = World(seed, manager, [], [], {}, agent_of(seed, manager), [])
    for number in range(1, count_of(seed) + 1):
        add_repository(world, number)
    if manager == "apt":
        world.options = apt_options(world)
        late_aspects(world)
    else:
        world.options = {"way": Chance(seed, "way").weighted(gateway=60, xfer=40)}
    return world


def late_aspects(world):
    """A server that sends on to another one of its owner; the gateway as apt's proxy."""
    chance = Chance(world.seed, "content delivery")
    sending = [server for server in world.servers if server.habits.get("redirect") == "here"]
    for server in sending:
        if chance.of(50):
            carrier = Server(f"s{len(world.servers) + 1}", server.owner, server.scheme, len(world.servers) + 1,
                             server.port, {})
            server.habits["redirect"] = carrier.name
            world.servers.append(carrier)
    if world.agent["knows"] == "configured":  # its owner named the mirrors, whatever apt goes through
        world.options.pop("Proxy-Host", None)
    # The gateway refuses passwords, and says so: such a host is exempted from the proxy.
    direct = "peer" not in world.agent and not any(name.startswith("Proxy") for name in world.options) and \
        not any("login" in server.habits for server in world.servers)
    if direct and Chance(world.seed, "door").of(9):
        world.agent["door"] = "proxy"
        world.agent["knows"] = "learned"


def count_of(seed):
    return int(Chance(seed, "repositories").one(*"1111222334"))


def agent_of(seed, manager):
    chance = Chance(seed, "agent")
    if manager == "pacman":
        return {"knows": chance.weighted(learned=55, configured=35, nothing=5, absent=5)}
    agent = {"knows": chance.weighted(learned=76, configured=10, nothing=8, absent=6)}
    if agent["knows"] == "learned" and chance.of(12):
        agent["peer"] = "yes"
    return agent


# ---- repositories

def add_repository(world, number):
    chance = Chance(world.seed, f"repository {number}")
    twin = world.repositories[-1] if world.repositories and chance.of(45) else None  # shares much with the one before
    owner = twin.owner if twin and chance.of(50) else OWNERS[number - 1]
    server = twin.servers[0] if twin and owner == twin.owner and chance.of(60) else new_server(world, owner)
    servers = [server] + ([new_server(world, owner)] if chance.of(12) else [])
    layout = chance.weighted(suite=76, flat=12, dot=12)
    signing = chance.weighted(inrelease=40, both=38, detached=12, unsigned=10)
    suite = twin.suite if twin and chance.of(70) else chance.one(*SUITES)
    suite = suite if world.manager == "apt" else f"repo{number}"
    world.repositories.append(Repository(
        name=f"r{number}", owner=owner, servers=servers, base=base_of(chance, world, server, number), suite=suite,
        codename=twin.codename if twin and chance.of(60) else chance.one("trixie", "stable", owner), label=twin.label
                                         if twin and chance.of(40) else f"{owner} {number}",
        component=chance.one("main", "main", "contrib"), layout=layout, key=twin.key if twin and chance.of(60)
                                         else chance.number(0, 3), signing=signing,
        by_hash=chance.of(60), compressions=compressions_of(chance),
                                         hashes=chance.one(["SHA256"], ["SHA256"], ["SHA256"], ["MD5Sum", "SHA256"],
                                                           ["SHA256", "SHA512"],
                                                                                   ["SHA512"],
                                                           ["MD5Sum", "SHA1", "SHA256"]),
        pdiffs=layout == "suite" and chance.of(18), valid_until=chance.weighted(none=70, future=22, past=8),
        spelling=chance.weighted(plain=80, dot=12, percent=8),
                                         packages=packages_of(Chance(world.seed, f"packages {number}"), owner, number,
                                                              world),
        form=chance.one("one-line", "deb822"), trust="trusted" if signing == "unsigned"
                                         else chance.weighted(file=45, shared=30, folder=25), source_options={}))
    repository = world.repositories[-1]
    if repository.valid_until == "past" and chance.of(70):
        repository.source_options["check-valid-until"] = "no"
    if chance.of(4):
        repository.source_options["by-hash"] = chance.one("no", "force" if repository.by_hash else "yes")
    if len(servers) > 1:
        repository.form = "deb822"
    if "peer" in world.agent and number > 1 and chance.of(60):
        repository.only_peer = True


def base_of(chance, world, server, number):
    taken = {one.base for one in world.repositories if server in one.servers}
    wanted = chance.one("/debian", "/debian", "/repos/code", f"/repos/product{number}", "/ubuntu+more", "/x/y~z")
    if "plus" in world.server(server).habits:
        wanted = wanted.replace("+", "-")
    return f"{wanted}{number}" if wanted in taken or any(base.startswith(wanted) or wanted.startswith(base)
                                                         for base in taken) else wanted


def compressions_of(chance):
    return chance.one(["", ".xz", ".gz"], [".xz"], [".gz"], ["", ".gz"], [".xz", ".gz"], [".bz2"], [""],
                      [".zst", ".gz"])


def packages_of(chance, owner, number, world):
    packages = []
    for at, word in enumerate(chance.some(WORDS[:6], 2)[:5]):
        version = chance.one("1.0", "1.0-1", "2.1+dfsg-3", "1:3.0~rc1-1", "0.9+git1", "1.2-1~bpo12+1")
        size = chance.number(500, 40_000) if chance.of(85) else chance.number(400_000, 2_000_000)
        name = f"{owner}-{word}{number}" if not chance.of(8) else f"common-{word}"
        name = name if not chance.of(8) else f"{name}++"
        if all(package.name != name for package in packages):
            packages.append(Package(name, version if world.manager == "apt"
                                    else version.split(":")[-1].replace("-", ".") + "-1", size))
    return packages


# ---- servers

def new_server(world, owner):
    number = len(world.servers) + 1
    chance = Chance(world.seed, f"server {number}")
    scheme = "https" if world.manager == "apt" and chance.of(8) else "http"
    world.servers.append(Server(f"s{number}", owner, scheme, number, chance.one(80, 80, 8080) if scheme == "http"
                                else 443, habits_of(chance)))
    return f"s{number}"


HABITS = {
    "since": (35, lambda chance: chance.one("not_newer", "not_newer", "never")),
    "no_last_modified": (5, lambda chance: True),
    "ranges": (14, lambda chance: chance.one("none", "from_zero", "odd")),
    "chunked": (8, lambda chance: True),
    "closing": (6, lambda chance: True),
    "redirect": (10, lambda chance: "here"),
    "absent": (8, lambda chance: chance.one(403, 403, 410, "page")),
    "plus": (6, lambda chance: "blank"),
    "slow": (6, lambda chance: chance.one(20, 100, 300)),
    "rate": (4, lambda chance: chance.one(500_000, 2_000_000)),
    "limit": (6, lambda chance: chance.one(1, 2, 3)),
    "html": (6, lambda chance: True),
    "encoding": (4, lambda chance: True),
    "login": (3, lambda chance: True),
}


def habits_of(chance):
    """A third of all servers are as they should be."""
    if chance.of(33):
        return {}
    habits = {name: draw(chance) for name, (percent, draw) in HABITS.items() if chance.of(percent)}
    if "limit" in habits and chance.of(50):
        habits["limit_status"] = 429
    if "redirect" in habits:
        habits["redirect_status"] = chance.one(301, 302, 307)
    return habits


# ---- apt's options

OPTIONS = {
    "Acquire::http::Dl-Limit": (4, lambda chance, world: chance.one("1000", "4000")),
    "Acquire::http::AllowRedirect": (4, lambda chance, world: "false"),
    "Proxy": (5, lambda chance, world: "yes"),
    "Proxy-Host": (2, lambda chance, world: world.servers[0].name),
    "Acquire::http::Timeout": (4, lambda chance, world: "5"),
    "Acquire::http::No-Cache": (3, lambda chance, world: "true"),
    "Acquire::http::No-Store": (2, lambda chance, world: "true"),
    "Acquire::http::Max-Age": (2, lambda chance, world: "0"),
    "Acquire::http::User-Agent": (4, lambda chance, world: "corp-updater/1.0"),
    "Acquire::https::Verify-Peer": (3, lambda chance, world: "false"),
    "Acquire::Retries": (5, lambda chance, world: chance.one("0", "2")),
    "Acquire::http::Pipeline-Depth": (4, lambda chance, world: "0"),
    "Acquire::http::SendAccept": (2, lambda chance, world: "false"),
    "Acquire::ForceIPv4": (2, lambda chance, world: "true"),
    "Acquire::By-Hash": (3, lambda chance, world: "no"),
    "Acquire::GzipIndexes": (5, lambda chance, world: "true"),
    "Acquire::PDiffs": (5, lambda chance, world: "false"),
    "Acquire::Check-Valid-Until": (4, lambda chance, world: "false"),
    "Acquire::AllowInsecureRepositories": (4, lambda chance, world: "true"),
    "Acquire::CompressionTypes::Order::": (3, lambda chance, world: "gz"),
    "Acquire::Queue-Mode": (3, lambda chance, world: "access"),
}


def apt_options(world):
    chance = Chance(world.seed, "options")
    options = {name: draw(chance, world) for name, (percent, draw) in OPTIONS.items() if chance.of(percent)}
    if any(server.scheme == "https" for server in world.servers) and chance.of(80):
        options["CAInfo"] = "yes"
        if chance.of(60):
            world.agent["authority"] = "known"
    agent = options.get("Acquire::http::User-Agent")
    if agent and chance.of(60):
        world.servers[0].habits["only_agent"] = agent
    return options
