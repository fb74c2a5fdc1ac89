"""The test network with lines that have a delay as well as a rate: wire.cpp takes the bridge's place."""
import os
import pathlib
import select
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration"))

from harness.network import Network, Node  # noqa: E402
from harness.processes import Failed, run  # noqa: E402


class LongLine(Node):
    """A machine whose rates and delay are fixed when it is made."""

    def shape(self, up=None, down=None):
        return self


class LongLines(Network):
    def __init__(self, household, tag=None, in_segments=False):
        """`in_segments`: what TCP sends at once crosses the wire at once, which costs less of the processor and takes as long."""
        super().__init__(household, tag)
        folder = tempfile.TemporaryDirectory(prefix="packswarm-wire-")
        household.add(folder.cleanup)
        run(["g++", "-std=c++20", "-O2", "-o", f"{folder.name}/wire", HERE / "wire.cpp"], timeout=120)
        self.wire = subprocess.Popen([f"{folder.name}/wire", *(["--segments"] if in_segments else [])], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                     bufsize=0, start_new_session=True)
        os.setpriority(os.PRIO_PROCESS, self.wire.pid, -15)  # a line does not wait for its users
        household.add(self._end)

    def _end(self):
        self.wire.stdin.close()
        self.wire.wait(10)

    def lan(self, name, up, down, delay=0.0):
        """The one line to all others of the machines that name it."""
        self._tell("lan", f"{self.tag}-{name}", up, down, delay)
        return name

    def node(self, name, up=1000, down=1000, delay=0.0, lan=None):
        """Rates in Mbit/s, the delay to and from this machine in ms each way: a round trip is 2 * (delay + the other's delay)."""
        self.line = (up, down, delay, *([f"{self.tag}-{lan}"] if lan else []))
        node = LongLine(self, name, len(self.nodes) + 1)
        self._plug(node)
        node.configure()
        self.nodes.append(node)
        return node

    def _plug(self, node):
        device = f"{self.tag}w{node.number}"
        self._tell("port", device, *self.line)
        run(["ip", "link", "set", device, "netns", node.namespace, "name", "eth0"])

    def lan_rate(self, name, up, down):
        self._tell("rate", f"{self.tag}-{name}", up, down)

    def carried(self):
        """{(sender's name, receiver's name): bytes that TCP and UDP carried}, headers not counted."""
        names = {f"{self.tag}w{node.number}": node.name for node in self.nodes}
        lines = [line.split() for line in self._tell("count")]
        return {(names[sender], names[receiver]): int(count) for sender, receiver, count in lines}

    def _tell(self, *words):
        """Gives the wire a command; returns the lines of its answer."""
        answer = b""
        self.wire.stdin.write((" ".join(str(word) for word in words) + "\n").encode())
        while not answer.endswith((b"ok\n", b"error\n")):
            data = os.read(self.wire.stdout.fileno(), 1 << 16) if select.select([self.wire.stdout], [], [], 10)[0] else b""
            if not data:
                raise Failed(f"the wire does not answer {words}")
            answer += data
        *lines, last = answer.decode().splitlines()
        if last != "ok":
            raise Failed(f"the wire refuses {words}" + (": no TAP device (is /dev/net/tun there?)" if words[0] == "port" else ""))
        return lines


KNOCK = """
import socket, sys, time
times = []
for _ in range(5):
    began = time.perf_counter()
    socket.socket().connect_ex((sys.argv[1], 9))  # nobody listens: the refusal is one round trip
    times.append(time.perf_counter() - began)
print(min(times) * 1000)
"""


def round_trip_ms(a, b):
    return float(a.run(["/usr/bin/python3", "-c", KNOCK, b.ip]).stdout)
