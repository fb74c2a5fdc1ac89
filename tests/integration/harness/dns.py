"""A name server for one machine of the test network: names below lab. Run as a program it is the server itself."""
import pathlib
import socket
import struct
import sys

from_here = pathlib.Path(__file__).resolve()
A, SRV = 1, 33


def serve_names(node, log):
    """Starts it at the node's 127.0.0.1."""
    from .processes import wait_until
    child = node.child([sys.executable, from_here], log)
    wait_until(lambda: "127.0.0.1:53 " in node.run(["ss", "-Hlun"]).stdout, 20, lambda: f"the name server listens: {child.text()}")
    return child


def encoded(name):
    return b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0"


def reply(question):
    """srv.lab has no address, but a server for http at real.lab, port 8080."""
    at, parts = 12, []
    while question[at]:
        parts.append(question[at + 1:at + 1 + question[at]].decode().lower())
        at += 1 + question[at]
    name, kind = ".".join(parts), struct.unpack(">H", question[at + 1:at + 3])[0]
    known = {("_http._tcp.srv.lab", SRV): struct.pack(">HHH", 0, 0, 8080) + encoded("real.lab"), ("real.lab", A): socket.inet_aton("127.0.0.1")}
    data = known.get((name, kind))
    exists = any(name == one or one.endswith("." + name) for one, _ in known)
    head = question[:2] + struct.pack(">HHHHH", 0x8180 | (0 if exists else 3), 1, 1 if data else 0, 0, 0)
    record = b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 60, len(data)) + data if data else b""
    return head + question[12:at + 5] + record


if __name__ == "__main__":
    ear = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    ear.bind(("127.0.0.1", 53))
    while True:
        text, asker = ear.recvfrom(4096)
        ear.sendto(reply(text), asker)
