"""One local user, one promise or one server that takes all there is: everybody else is served, and nothing stored goes."""
import pathlib
import sys
import time

import pytest

from harness import asker
from harness.processes import wait_until

PLACES = 256
SIZE = 5_000_000

# 300 connections of a user who is nobody here; "ready" once all stand.
CROWD = f"""
import socket, sys, time
port, manner, target = int(sys.argv[1]), sys.argv[2], sys.argv[3]
held = []
for _ in range({PLACES} + 44):
    one = socket.socket()
    if manner == "readers":
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    one.connect(("127.0.0.1", port))
    if manner == "readers":
        one.sendall(f"GET {{target}} HTTP/1.1\\r\\nHost: {{target.split(chr(47))[2]}}\\r\\n\\r\\n".encode())
    if manner == "heads":
        one.sendall(b"GET / HT")
    one.setblocking(False)
    held.append(one)
print("ready", flush=True)
for _ in range(120):
    time.sleep(1)
    for one in held:
        try:
            one.send(b"T" if manner == "heads" else b"")
        except OSError:
            pass
"""
# One byte of a great promise, for as long as the asker stays; or an answer without length and end.
PROMISER = """
import http.server, sys, time
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        if self.path.startswith("/promise"):
            self.send_header("Content-Length", self.path.rpartition("/")[2])
        self.end_headers()
        self.close_connection = True
        try:
            self.wfile.write(b"x")
            for _ in range(60):
                if self.path.startswith("/endless"):
                    for _ in range(8):
                        self.wfile.write(b"x" * 1000000)
                time.sleep(0.5)
        except OSError:
            pass
http.server.ThreadingHTTPServer((sys.argv[1], 8080), Handler).serve_forever()
"""


@pytest.fixture
def place(world, stock, tmp_path):
    folder = tmp_path / "extra"
    folder.mkdir()
    (folder / "notes.bin").write_bytes(bytes(index * 7 % 251 for index in range(SIZE)))
    mirror = world.mirror("m1", stock.debian.base, up=10, extra=("/extra", folder))  # Mbit/s: the notes take four seconds
    machine = world.machine("c1")
    agent = machine.start_agent([stock.debian_repository(mirror)], change=lambda settings: settings["store"].update(quota="24 MiB"))
    return machine, agent, mirror, mirror.url.replace("/debian", "/extra/notes.bin")


def crowd(machine, world, manner, target):
    child = machine.node.child(["setpriv", "--reuid=65533", "--regid=65533", "--clear-groups", sys.executable, "-c", CROWD,
                                machine.agent.GATEWAY_PORT, manner, target], world.folder / f"crowd-{manner}.log")
    wait_until(lambda: "ready" in child.text(), 60, lambda: f"the crowd stands: {child.text()}")


@pytest.mark.parametrize("manner", ["idle", "heads", "readers"])
def test_a_user_who_takes_all_connections_keeps_nobody_out(world, stock, place, manner):
    machine, agent, mirror, notes = place
    crowd(machine, world, manner, notes)
    apt = machine.apt([stock.source(mirror)], through_us=False, extra=f'Acquire::http::Proxy "{agent.gateway}";')
    begun = time.monotonic()
    apt.update()
    package = stock.debian.packages["small01"]
    apt.install([package.name])
    print(f"{manner}: update and a package in {time.monotonic() - begun:.1f} s")
    assert apt.wrong([package]) == []
    for _ in range(20):  # each on a connection of its own
        told = machine.node.run(["curl", "-sS", "--max-time", "20", "--noproxy", "*", "--output", "/dev/null", "--write-out", "%{http_code}",
                                 "--proxy", agent.gateway, f"{mirror.url}/{package.path}"]).stdout
        assert told == "200"
    if manner == "readers":
        bodies = [one for one in mirror.requests() if "notes.bin" in one["uri"]]
        assert sum(one["body"] for one in bodies) <= 2 * SIZE, "a file that many ask for at a time is fetched once"


@pytest.fixture
def promiser(world):
    node = world.network.node("promiser")
    node.child([sys.executable, "-c", PROMISER, node.ip], world.folder / "promiser.log")
    wait_until(lambda: f"{node.ip}:8080 " in node.run(["ss", "-Hltn"]).stdout, 15, "the server listens")
    return f"http://{node.ip}:8080"


def askers(machine, urls):
    """Each asks through the gateway and reads what comes."""
    ask = """
import socket, sys, time
held = []
for url in sys.argv[2:]:
    one = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
    one.sendall(f"GET {url} HTTP/1.1\\r\\nHost: {url.split(chr(47))[2]}\\r\\n\\r\\n".encode())
    one.setblocking(False)
    held.append(one)
for _ in range(200):
    time.sleep(0.1)
    for one in held:
        try:
            one.recv(1 << 20)
        except OSError:
            pass
"""
    return machine.node.child([sys.executable, "-c", ask, machine.agent.GATEWAY_PORT, *urls], machine.folder / "askers.log")


def filled(machine, agent, stock, mirror):
    apt = machine.apt([stock.source(mirror)])
    apt.update()
    packages = [one for name, one in stock.debian.packages.items() if name.startswith(("small", "middle"))]
    apt.install([one.name for one in packages])
    wait_until(lambda: agent.status()["store"]["files"] >= len(packages), 20, lambda: str(agent.status()["store"]))
    return agent.status()["store"]["files"]


def test_promises_take_nothing_from_the_store(stock, place, promiser):
    machine, agent, mirror, _ = place
    files = filled(machine, agent, stock, mirror)
    askers(machine, [f"{promiser}/promise/{size}" for size in (23 << 20, 200 << 20, 10 << 30)])
    unlisted = [word for one in ("ab", "cd") for word in (f"{promiser}/promise/{16 << 20}", one * 32, 16 << 20)]
    machine.node.child([sys.executable, asker.__file__, agent.socket, *unlisted], machine.folder / "unlisted.log")
    time.sleep(3)
    store = agent.status()["store"]
    assert store["files"] == files and "evicted" not in agent.log(), store
    assert 0 < store["unlisted"] <= 5 << 20, "what was promised and did not come holds no room"


def resident(agent):
    text = pathlib.Path(f"/proc/{agent.child.pid}/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith("VmRSS"))


def test_answers_without_a_length_are_no_memory(stock, place, promiser):
    machine, agent, mirror, _ = place
    files = filled(machine, agent, stock, mirror)
    before = resident(agent)
    askers(machine, [f"{promiser}/endless/{number}" for number in range(12)])
    most = unlisted = 0
    for _ in range(40):
        time.sleep(0.25)
        most, unlisted = max(most, resident(agent)), max(unlisted, agent.status()["store"]["unlisted"])
    print(f"resident {before >> 20} MiB before, {most >> 20} MiB at most; on their way through {unlisted >> 20} MiB at most")
    assert most - before < 64 << 20, "twelve answers of up to 64 MiB"
    assert 0 < unlisted <= 256 << 20
    assert agent.status()["store"]["files"] == files
