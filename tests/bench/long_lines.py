"""The test network with lines that have a delay as well as a rate: wire.cpp takes the bridge's place."""
import os
import pathlib
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
    def __init__(self, household, tag=None):
        super().__init__(household, tag)
        folder = tempfile.TemporaryDirectory(prefix="packswarm-wire-")
        household.add(folder.cleanup)
        run(["g++", "-std=c++20", "-O2", "-o", f"{folder.name}/wire", HERE / "wire.cpp"], timeout=120)
        self.wire = subprocess.Popen([f"{folder.name}/wire"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        os.setpriority(os.PRIO_PROCESS, self.wire.pid, -15)  # a line does not wait for its users
        household.add(self._end)

    def _end(self):
        self.wire.stdin.close()
        self.wire.wait(10)

    def node(self, name, up=1000, down=1000, delay=0.0):
        """Rates in Mbit/s, the delay to and from this machine in ms each way: a round trip is 2 * (delay + the other's delay)."""
        self.line = (up, down, delay)
        node = LongLine(self, name, len(self.nodes) + 1)
        self._plug(node)
        node.configure()
        self.nodes.append(node)
        return node

    def _plug(self, node):
        device = f"{self.tag}w{node.number}"
        self.wire.stdin.write("port {} {} {} {}\n".format(device, *self.line))
        self.wire.stdin.flush()
        if self.wire.stdout.readline().strip() != "ok":
            raise Failed("no TAP device for the long line (is /dev/net/tun there?)")
        run(["ip", "link", "set", device, "netns", node.namespace, "name", "eth0"])


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
