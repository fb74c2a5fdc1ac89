"""Real apt on loopback with the method, a fake agent and a real nginx: no namespaces, no packswarmd."""
import base64
import http.server
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading

from harness.apt import Apt
from harness.debian import DebianRepository
from harness.keys import SigningKey
from harness.mirror import Mirror
from harness.network import Host, free_port
from harness.processes import Child, Household, environment, wait_until

FAKE_AGENT = pathlib.Path(__file__).resolve().parents[1] / "support/fake_agent.py"
SMALL, BIG = 20, 2


class Stock:
    """A signed repository: many small packages and two of several megabytes."""

    def __init__(self):
        self.household = Household()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="packswarm-method-stock-"))
        self.folder.chmod(0o755)
        self.key = SigningKey(self.folder / "key", "method", self.household)
        self.public = self.key.export(self.folder / "signer.gpg")
        self.debian = DebianRepository(self.folder / "debian", self.key)
        for number in range(SMALL):
            self.debian.add(f"tiny{number:02}", 900 + 700 * number)
        for number in range(BIG):
            self.debian.add(f"big{number:02}", 6_000_000 + number)
        self.debian.publish()

    @property
    def packages(self):
        return list(self.debian.packages.values())


class FakeAgent:
    def __init__(self, sandbox, **options):
        sandbox.agents += 1
        log = sandbox.folder / f"agent{sandbox.agents}.log"
        folder = options.pop("folder", sandbox.stock.debian.base)
        words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        self.child = Child([sys.executable, FAKE_AGENT, sandbox.socket, folder, "--prefix", "/debian", *words], log)
        sandbox.household.add(lambda: self.child.alive() and self.child.kill())
        wait_until(lambda: "ready" in self.child.text(), 10, lambda: f"the fake agent listens: {self.child.text()}")

    def commands(self, op="get"):
        lines = [json.loads(line) for line in self.child.text().splitlines() if line.startswith("{")]
        return [line for line in lines if line["op"] == op]


class Sandbox:
    def __init__(self, stock, program):
        self.stock, self.program, self.household = stock, program, Household()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="packswarm-method-"))
        self.folder.chmod(0o755)
        self.household.add(lambda: subprocess.run(["rm", "-rf", str(self.folder)], check=True))
        self.node = Host(self.household, "127.0.0.9")
        self.mirror = Mirror(self.node, self.folder / "mirror", stock.debian.base, port=free_port("127.0.0.9")).start()
        self.socket = self.folder / "control.sock"
        self.apts = self.agents = 0

    def agent(self, mode, **options):
        return FakeAgent(self, mode=mode, **options)

    def apt(self, extra="", url=None):
        self.apts += 1
        source = f"deb [signed-by={self.stock.public} arch=amd64] {url or self.mirror.url} stable main"
        lines = f'Packswarm::Socket "{self.socket}";\nPackswarm::Timeout "2";\nAcquire::Max-Pipeline-Depth "200";\nAcquire::Retries "0";\n{extra}'
        return Apt(self.node, self.folder / f"apt{self.apts}", [source], self.program, lines)

    def close(self):
        self.household.close()


class Conversation:
    """The method alone: what apt would say and hear, word by word."""

    def __init__(self, sandbox, scheme="http", **config):
        self.sandbox = sandbox
        self.process = subprocess.Popen([f"/usr/lib/apt/methods/{scheme}"], executable=str(sandbox.program), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        env=environment())
        sandbox.household.add(self.close)
        self.pending = b""
        self.greeting = self.hear()
        items = {"Packswarm::Socket": sandbox.socket, "Packswarm::Timeout": 2, **config}
        self.say("601 Configuration", *[("Config-Item", f"{name}={value}") for name, value in items.items()])

    def say(self, head, *fields):
        self.process.stdin.write("".join([f"{head}\n", *[f"{name}: {value}\n" for name, value in fields], "\n"]).encode())
        self.process.stdin.flush()

    def acquire(self, url, target, **fields):
        self.say("600 URI Acquire", ("URI", url), ("Filename", target), *[(name.replace("_", "-"), value) for name, value in fields.items()])

    def hear(self):
        """The next message as {"code": ..., field: value}; None when the method has ended."""
        while b"\n\n" not in self.pending:
            part = os.read(self.process.stdout.fileno(), 1 << 16)
            if not part:
                return None
            self.pending += part
        text, self.pending = self.pending.split(b"\n\n", 1)
        lines = text.decode().split("\n")
        return {"code": int(lines[0][:3]), **dict(line.split(": ", 1) for line in lines[1:])}

    def hear_until(self, code):
        heard = []
        while not heard or heard[-1]["code"] != code:
            message = self.hear()
            assert message, f"the method ended after {heard}"
            heard.append(message)
        return heard[-1]

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()


class GuardedMirror:
    """Serves the repository to whoever knows name and password, and remembers who asked without."""

    def __init__(self, sandbox, login="user:secret"):
        expected = "Basic " + base64.b64encode(login.encode()).decode()
        folder, self.refused, mirror = str(sandbox.stock.debian.base), [], self

        class Handler(http.server.SimpleHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def __init__(self, *args):
                super().__init__(*args, directory=folder)

            def do_GET(self):
                if self.headers.get("Authorization") == expected:
                    return super().do_GET()
                mirror.refused.append(self.path)
                self.send_response(401)
                self.send_header("WWW-Authenticate", 'Basic realm="lab"')
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.8", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        sandbox.household.add(self.close)
        self.place = f"127.0.0.8:{self.server.server_port}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()
