"""A small network of our own: one namespace per machine, joined by a bridge in a namespace of its own. The host's links stay as they are."""
import json
import os
import socket

from .processes import run


def namespaces_work():
    """Not in a container that may not, nor in a chroot whose root folder is no mount point: there `ip -n` fails."""
    probe = f"psprobe{os.getpid()}"
    if os.geteuid() != 0 or run(["ip", "netns", "add", probe], check=False).returncode:
        return False
    works = ip(probe, "link add type veth", check=False).returncode == 0
    run(["ip", "netns", "del", probe])
    return works


def free_port(address):
    with socket.socket() as one:
        one.bind((address, 0))
        return one.getsockname()[1]


class Network:
    """The bridge, and every machine on it."""

    def __init__(self, household, tag=None, prefix="10.213.77"):
        self.prefix = prefix  # of a /24; a local range or not makes a difference to agents
        self.tag = tag or f"ps{os.getpid() % 100000:x}"
        self.household = household
        self.switch = f"{self.tag}-switch"
        self.nodes = []
        self._namespace(self.switch)
        ip(self.switch, "link add br0 type bridge forward_delay 0")
        ip(self.switch, "link set br0 up")

    def _namespace(self, name):
        run(["ip", "netns", "add", name])
        self.household.add(lambda: self._drop(name))
        ip(name, "link set lo up")

    @staticmethod
    def _drop(name):
        for pid in run(["ip", "netns", "pids", name], check=False).stdout.split():
            try:
                os.kill(int(pid), 9)
            except ProcessLookupError:
                pass
        run(["ip", "netns", "del", name])

    def node(self, name, up=None, down=None):
        """A machine on the bridge; rates in Mbit/s, None for as fast as the kernel goes."""
        node = Node(self, name, len(self.nodes) + 1)
        self._plug(node)
        node.configure()
        self.nodes.append(node)
        return node.shape(up, down)

    def _plug(self, node):
        """Gives the node its eth0."""
        ip(node.namespace, f"link add eth0 type veth peer name {node.port}")
        ip(node.namespace, f"link set {node.port} netns {self.switch}")
        ip(self.switch, f"link set {node.port} master br0 up")
        ip(self.switch, f"link set {node.port} gso_max_size 16000 txqueuelen 2000", check=False)

    def join_host(self):
        """Gives the host an address on the bridge; returns it. For tests in which one side must reach the real archive."""
        name, peer, address = f"{self.tag}h", f"{self.tag}s", f"{self.prefix}.254"
        run(["ip", "link", "add", name, "type", "veth", "peer", "name", peer])
        self.household.add(lambda: run(["ip", "link", "del", name], check=False))
        run(["ip", "link", "set", peer, "netns", self.switch])
        ip(self.switch, f"link set {peer} master br0 up")
        run(["ip", "addr", "add", f"{address}/24", "dev", name])
        run(["ip", "link", "set", name, "up"])
        return address


class Node:
    """A machine of the network: programs run in its namespace."""

    def __init__(self, network, name, number):
        self.network, self.name, self.number = network, name, number
        self.namespace, self.port, self.ip = f"{network.tag}-{name}", f"port{number}", f"{network.prefix}.{number}"
        network._namespace(self.namespace)

    def configure(self):
        ip(self.namespace, f"link set eth0 address {self.mac} up")
        ip(self.namespace, f"addr add {self.ip}/24 dev eth0")
        ip(self.namespace, "route add 224.0.0.0/4 dev eth0")
        ip(self.namespace, "link set eth0 gso_max_size 16000 txqueuelen 2000", check=False)
        self.run(["sysctl", "-qw", "net.ipv4.tcp_congestion_control=cubic", "net.ipv4.tcp_no_metrics_save=1"], check=False)
        for other in self.network.nodes:  # no ARP: who is cut off is silent, not "unreachable"
            ip(self.namespace, f"neigh replace {other.ip} lladdr {other.mac} dev eth0 nud permanent")
            ip(other.namespace, f"neigh replace {self.ip} lladdr {self.mac} dev eth0 nud permanent")

    @property
    def mac(self):
        return f"02:00:0a:d5:4d:{self.number:02x}"

    def command(self, argv):
        return ["ip", "netns", "exec", self.namespace] + [str(part) for part in argv]

    def run(self, argv, **more):
        return run(self.command(argv), **more)

    def child(self, argv, log, **more):
        return self.network.household.child(self.command(argv), log, **more)

    def shape(self, up=None, down=None):
        self._rate(self.namespace, "eth0", up)
        self._rate(self.network.switch, self.port, down)
        return self

    @staticmethod
    def _rate(namespace, device, mbit):
        if mbit:  # a queue of 64 KiB: what waits there when the rate drops goes on at the new rate
            burst = max(16, int(mbit * 2))  # KiB; a few milliseconds
            run(["tc", "-n", namespace, "qdisc", "replace", "dev", device, "root", "tbf", "rate", f"{int(mbit * 1000)}kbit", "burst", f"{burst}kb",
                 "limit", 65536])
        else:
            run(["tc", "-n", namespace, "qdisc", "del", "dev", device, "root"], check=False)

    def by_single_packets(self):
        """What this machine sends is counted as on a line: each packet with its headers. Else sixteen kilobytes are one packet."""
        ip(self.namespace, "link set eth0 gso_max_segs 1")
        return self

    def cut(self):
        """A black hole: everything to and from this machine vanishes without a word."""
        ip(self.network.switch, f"link set {self.port} down")

    def mend(self):
        ip(self.network.switch, f"link set {self.port} up")

    def sent(self):
        """Bytes that this machine put on the wire, headers included."""
        return self._counter("tx")

    def received(self):
        return self._counter("rx")

    def _counter(self, direction):
        links = json.loads(run(["ip", "-n", self.namespace, "-j", "-s", "link", "show", "eth0"]).stdout)
        return links[0]["stats64"][direction]["bytes"]


class Host:
    """The machine itself, at one address of its loopback: for demonstrations where no namespaces can be had."""

    def __init__(self, household, address="127.0.0.1"):
        self.household, self.ip = household, address

    def command(self, argv):
        return [str(part) for part in argv]

    def run(self, argv, **more):
        return run(argv, **more)

    def child(self, argv, log, **more):
        return self.household.child(argv, log, **more)


def ip(namespace, words, check=True):
    return run(["ip", "-n", namespace] + words.split(), check=check)
