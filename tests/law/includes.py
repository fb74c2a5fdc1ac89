"""Which room may include which, and which room owns which foreign library (ARCHITECTURE.md)."""
import re

ROOMS = {  # room: (folder, rooms it may include)
    "base": ("p2p/base", set()),
    "core": ("p2p/core", {"base"}),
    "verify": ("verify", {"base", "core"}),
    "broker": ("p2p/broker", {"base", "core"}),
    "web": ("p2p/web", {"base", "core", "broker"}),
    "swarm": ("p2p/swarm", {"base", "core", "broker"}),
    "store": ("p2p/store", {"base", "core", "broker"}),
    "gateway": ("p2p/gateway", {"base", "core", "broker"}),
    "control": ("p2p/control", {"base", "core", "broker"}),
    "daemon": ("p2p/daemon", {"base", "core", "verify", "broker", "web", "swarm", "store", "gateway", "control"}),
    "hooks": ("hooks", {"base", "core", "control", "verify"}),
    "cli": ("p2p/cli", {"base", "core", "control", "hooks", "web", "broker"}),
    "seeder": ("seeder", {"base", "core", "control", "verify"}),
    "tracker-tools": ("tracker-tools", {"base", "core", "verify", "swarm"}),
}
OWNERS = {  # first part of a foreign header: the rooms that may include it
    r"libtorrent/": {"swarm"},
    r"curl/": {"web"},
    r"sqlite3": {"store"},
    r"boost/beast": {"gateway"},
    r"gpgme": {"verify"},
    r"archive(_entry)?\.h": {"verify"},
    r"openssl/": {"verify"},
}


def room_of(path: str):
    best = None
    for room, (folder, _) in ROOMS.items():
        if path.startswith(folder + "/") and (best is None or len(folder) > len(ROOMS[best][0])):
            best = room
    return best


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
            for pattern, owners in OWNERS.items():
                if re.match(pattern, included[1]) and room not in owners:
                    wrong.append(f"{name}:{number}: {included[1]} belongs to {', '.join(sorted(owners))}")
    return wrong
