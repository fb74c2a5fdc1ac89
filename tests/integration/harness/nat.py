"""A router that hides machines behind one address, as at home: nftables' masquerade, and nothing comes in that was not asked for."""
from .network import Node, ip
from .processes import run

RULES = """
table ip home {
  chain translated { type nat hook postrouting priority srcnat; policy accept; oifname "eth0" masquerade; }
  chain unasked { type filter hook input priority filter; policy accept; iifname "eth0" ct state new drop; }
  chain through { type filter hook forward priority filter; policy accept; iifname "eth0" ct state new drop; }
}
"""


def nat_works():
    """Whether the kernel translates addresses for us; else the reason why not."""
    done = run(["unshare", "--net", "nft", "-f", "-"], stdin=RULES, check=False)
    return None if done.returncode == 0 else f"no address translation by nftables here: {done.stdout.strip()[:200]}"


class Router:
    """Public side: eth0 on the network's bridge. Inside: 192.168.<number>.0/24."""

    def __init__(self, network, name):
        self.network, self.public = network, network.node(name)
        self.number, self.nodes = self.public.number, []
        ip(self.public.namespace, "link add br1 type bridge forward_delay 0")
        ip(self.public.namespace, "link set br1 up")
        ip(self.public.namespace, f"addr add 192.168.{self.number}.254/24 dev br1")
        self.public.run(["sysctl", "-qw", "net.ipv4.ip_forward=1"])
        self.public.run(["nft", "-f", "-"], stdin=RULES)

    def node(self, name):
        """A machine behind the router."""
        node = Inside(self, name)
        self.nodes.append(node)
        return node

    @property
    def ip(self):
        """What the world sees of all machines behind it."""
        return self.public.ip


class Inside(Node):
    def __init__(self, router, name):
        self.router, self.network, self.name, self.number = router, router.network, name, len(router.nodes) + 1
        self.namespace, self.port = f"{self.network.tag}-{name}", f"port{self.number}"
        self.ip = f"192.168.{router.number}.{self.number}"
        self.network._namespace(self.namespace)
        ip(self.namespace, f"link add eth0 type veth peer name {self.port}")
        ip(self.namespace, f"link set {self.port} netns {router.public.namespace}")
        ip(router.public.namespace, f"link set {self.port} master br1 up")
        ip(self.namespace, "link set eth0 up")
        ip(self.namespace, f"addr add {self.ip}/24 dev eth0")
        ip(self.namespace, f"route add default via 192.168.{router.number}.254")
