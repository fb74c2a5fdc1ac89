"""The gateway of an agent that a LAN may use is no way to what only the agent's own machine reaches."""
import sys

import pytest

SERVICE = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path.startswith("/away/"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/away/"))
            self.send_header("Content-Length", "0")
            return self.end_headers()
        self.send_response(200)
        self.send_header("Content-Length", "6")
        self.end_headers()
        self.wfile.write(b"SECRET")
http.server.ThreadingHTTPServer((sys.argv[1], int(sys.argv[2])), Handler).serve_forever()
"""
ASK = """
import http.client, sys
line = http.client.HTTPConnection(sys.argv[1], 7878, timeout=30)
line.request("GET", sys.argv[2])
answer = line.getresponse()
print(answer.status, answer.read().decode(errors="replace")[:200])
"""


@pytest.fixture
def lan(world, stock):
    mirror = world.mirror("m1", stock.debian.base)
    machine, other = world.machine("c1"), world.network.node("other")

    def shared(settings):
        settings["gateway"] = {"listen": f"{machine.node.ip}:7878", "allow": [other.ip + "/32", machine.node.ip + "/32"]}

    agent = machine.start_agent([stock.debian_repository(mirror)], change=shared)
    serve(machine.node, world, "127.0.0.1", 8081)
    serve(machine.node, world, "127.0.0.1", 80)
    serve(other, world, other.ip, 80)
    serve(other, world, other.ip, 8082)
    return Lan(machine, other, agent, mirror, stock)


class Lan:
    def __init__(self, machine, other, agent, mirror, stock):
        self.machine, self.other, self.agent, self.mirror, self.stock = machine, other, agent, mirror, stock

    def asks(self, url, node=None):
        return (node or self.other).run([sys.executable, "-c", ASK, self.machine.node.ip, url]).stdout


def serve(node, world, address, port):
    node.child([sys.executable, "-c", SERVICE, address, str(port)], world.folder / f"service-{node.ip}-{port}.log")
    node.run([sys.executable, "-c", f"""
import socket, time
for _ in range(200):
    try: socket.create_connection(("{address}", {port})).close(); break
    except OSError: time.sleep(0.05)
"""])


def test_another_machine_reaches_nothing_of_the_agents_own(lan):
    own, other = lan.machine.node.ip, lan.other.ip
    for url in ("http://127.0.0.1:8081/x", "http://127.0.0.1/x", "http://localhost/x", "http://[::ffff:127.0.0.1]/x", "http://2130706433/x",
                f"http://{own}/x", "http://169.254.169.254/x", "http://0.0.0.0/x",
                f"http://{other}/away/http://127.0.0.1/x", f"http://{other}/away/http://127.0.0.1:8081/x"):
        said = lan.asks(url)
        assert said.startswith("403 ") and "SECRET" not in said, (url, said)
    said = lan.asks(f"http://{other}:8082/x")
    assert said.startswith("403 ") and "port 8082" in said, said


def test_it_gets_packages_and_other_servers_files_as_before(lan):
    assert lan.asks(f"http://{lan.other.ip}/x") == "200 SECRET\n"
    assert lan.asks(f"http://{lan.other.ip}/away/http://{lan.other.ip}/x") == "200 SECRET\n"
    assert lan.asks(f"{lan.mirror.url}/dists/stable/InRelease").startswith("200 ")


def test_the_machine_itself_asks_for_what_it_likes(lan):
    assert lan.asks("http://127.0.0.1:8081/x", lan.machine.node) == "200 SECRET\n"
