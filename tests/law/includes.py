"""Which room may include which, which part of a room which other part, and which room owns which foreign library
(ARCHITECTURE.md)."""
import re

ROOMS = {  # room: (folder, rooms it may include)
    "base": ("p2p/base", set()),
    "core": ("p2p/core", {"base"}),
    "plan": ("p2p/plan", {"base", "core"}),
    "verify": ("verify", {"base", "core"}),
    "formats": ("formats", {"base", "core", "verify"}),
    "broker": ("p2p/broker", {"base", "core", "plan"}),
    "web": ("p2p/web", {"base", "core", "broker"}),
    "swarm": ("p2p/swarm", {"base", "core", "plan", "broker"}),
    "store": ("p2p/store", {"base", "core", "broker"}),
    "gateway": ("p2p/gateway", {"base", "core", "broker"}),
    "control": ("p2p/control", {"base", "core", "broker"}),
    "watch": ("p2p/watch", {"base"}),
    "daemon": (
        "p2p/daemon",
        {"base", "core", "verify", "formats", "broker", "web", "swarm", "store", "gateway", "control", "watch"},
    ),
    "hooks": ("hooks", {"base", "core", "control", "verify"}),
    "cli": ("p2p/cli", {"base", "core", "formats", "control", "hooks", "watch", "web", "broker"}),
    "seeder": ("seeder", {"base", "core", "control", "verify", "formats"}),
    "tracker-tools": ("tracker-tools", {"base", "core", "verify", "formats", "swarm"}),
}
PARTS = {  # folder below a room's: what else of its room it may include; the room's own folder is named when it may
    "p2p/swarm/channel": {"p2p/swarm"},
    "p2p/swarm/torrents": {"p2p/swarm", "p2p/swarm/channel"},
    "p2p/swarm/discovery": {"p2p/swarm", "p2p/swarm/channel"},
    "formats/debian": {"formats"},
    "formats/pacman": {"formats"},
    "p2p/gateway/http": set(),
    "p2p/gateway/sites": {"p2p/gateway/http"},
    "hooks/apt": set(),
    "hooks/setup": set(),
}
TIES = {  # files of a room's own folder that include parts which include that folder: they tie the parts together
    "formats/format.cpp",  # the table
    "p2p/swarm/swarm.cpp",
    "p2p/swarm/session.cpp",  # the nodes of the DHT are settings of the session
}
OWNERS = {  # first part of a foreign header: the rooms that may include it
    r"libtorrent/": {"swarm"},
    r"curl/": {"web"},
    r"sqlite3": {"store"},
    r"boost/beast": {"gateway"},
    r"gpgme": {"verify"},
    r"archive(_entry)?\.h": {"formats"},
    r"openssl/": {"verify"},
    r"systemd/": {"daemon"},
}


def room_of(path: str):
    best = None
    for room, (folder, _) in ROOMS.items():
        if path.startswith(folder + "/") and (best is None or len(folder) > len(ROOMS[best][0])):
            best = room
    return best


def part_of(path: str):
    """The part that a file of a room stands in, or the room's own folder."""
    return next((part for part in PARTS if path.startswith(part + "/")), ROOMS[room_of(path)][0])


def may_include(name: str, included: str):
    """Of two files of one room."""
    part, other = part_of(name), part_of(included)
    if part == other:
        return True
    if part in PARTS:
        return other in PARTS[part]
    return name in TIES or part not in PARTS[other]


def faults(tree):
    wrong = []
    files = {f for folder, _ in ROOMS.values() for ending in ("*.hpp", "*.cpp") for f in (tree / folder).rglob(ending)}
    for file in sorted(files):
        name = str(file.relative_to(tree))
        room = room_of(name)
        for number, line in enumerate(file.read_text().splitlines(), 1):
            included = re.match(r'\s*#\s*include\s*[<"]([^>"]+)', line)
            if not included:
                continue
            target = room_of(included[1])
            if target and target != room and target not in ROOMS[room][1]:
                wrong.append(f"{name}:{number}: {room} may not include {target}")
            if target == room and not may_include(name, included[1]):
                wrong.append(f"{name}:{number}: {part_of(name)} may not include {part_of(included[1])}")
            for pattern, owners in OWNERS.items():
                if re.match(pattern, included[1]) and room not in owners:
                    wrong.append(f"{name}:{number}: {included[1]} belongs to {', '.join(sorted(owners))}")
    return wrong
