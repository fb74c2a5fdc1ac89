#!/usr/bin/python3
"""What hostile local users, clients and servers do to an agent, each as a program that goes on until it is ended: attacks.py NAME WORD...

control SOCKET SERVER       odd lines, questions with arguments of other types, unlisted files that are given up again
descriptors SOCKET          passes sockets that linger, pipes and too many of everything
sessions SOCKET             takes all sessions there are and says nothing
gateway PORT                takes all connections: a third idle, a third with a head that never ends, a third that stop reading
heads PORT                  odd heads, one a connection
unlisted PORT SERVER        asks for what no index lists, of every bad habit the server has
dials HOST PORT             peers that dial in and say nothing that makes sense
server ADDRESS FOLDER       the server: bad habits by path, and a repository below /hostile

Each is bounded: so much a second, so many at a time. Peers that offer files and do not keep their word are harness/bad_peer.py, those that
take places and name others harness/gossip.py.
"""
import array
import http.server
import json
import os
import pathlib
import random
import socket
import struct
import sys
import threading
import time

HELLO = b'{"op":"hello","asker":"cli","version":1}\n'
VALUES = ("5", "null", '["x"]', "{}", "true", '"x"', "-1", "1e300", '"' + "y" * 3000 + '"', "[" * 600)
WORDS = ("package", "limit", "path", "sha256", "fd", "url", "size", "id", "modified", "transaction")
OPERATIONS = ("status", "explain", "mirrors", "peers", "doctor", "share", "import", "refresh", "get", "cancel", "release", "hello", "nonsense")


def paced(a_second):
    """Turns, so many a second, for ever."""
    due = time.monotonic()
    while True:
        yield
        due = max(due + 1 / a_second, time.monotonic() - 1)
        time.sleep(max(0, due - time.monotonic()))


def session(path, timeout=5):
    link = socket.socket(socket.AF_UNIX)
    link.settimeout(timeout)
    link.connect(path)
    return link


def odd_line(chance):
    shape = chance.randrange(4)
    if shape == 0:
        return bytes(chance.randrange(256) for _ in range(chance.randrange(200))).replace(b"\n", b" ")
    words = ",".join(f'"{chance.choice(WORDS)}":{chance.choice(VALUES)}' for _ in range(chance.randrange(4)))
    return f'{{"op":"{chance.choice(OPERATIONS)}","id":{chance.randrange(9)}{"," if words else ""}{words}}}'.encode()


def control(path, server):
    chance = random.Random(1)
    for _ in paced(30):
        try:
            with session(path) as link:
                link.sendall(HELLO)
                for number in range(10):
                    link.sendall(odd_line(chance) + b"\n")
                link.sendall(json.dumps({"op": "get", "id": 99, "url": f"{server}/promise/{chance.randrange(1 << 34)}", "sha256": os.urandom(32).hex(),
                                         "size": chance.randrange(1 << 33)}).encode() + b"\n")
                link.settimeout(0.2)
                while link.recv(1 << 16):
                    pass
        except OSError:
            pass


def lingering():
    """A socket with bytes that nobody takes, whose close waits for a minute."""
    door = socket.create_server(("127.0.0.1", 0))
    link = socket.create_connection(door.getsockname())
    there, _ = door.accept()
    link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 60))
    link.setblocking(False)
    try:
        while link.send(b"x" * (1 << 16)):
            pass
    except BlockingIOError:
        pass
    door.close()
    return link, there


def descriptors(path):
    link, there = lingering()
    pipe = os.pipe()
    for _ in paced(20):
        try:
            with session(path) as one:
                one.sendall(HELLO)
                for passed in ([link.fileno()], [pipe[1]], [link.fileno(), pipe[0]] * 60, [pipe[0]] * 253):
                    line = b'{"op":"import","id":1,"fd":true}\n'
                    one.sendmsg([line], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", passed))])
        except OSError:
            pass
    there.close()


def held(connect, most, every=0.02):
    """Keeps so many connections; whatever ends is made again."""
    links = []
    while True:
        for one in list(links):
            try:
                if one.recv(1, socket.MSG_DONTWAIT | socket.MSG_PEEK) == b"":
                    raise OSError("ended")
            except BlockingIOError:
                pass
            except OSError:
                links.remove(one)
                one.close()
        for _ in range(min(50, most - len(links))):
            try:
                links.append(connect(len(links)))
            except OSError:
                break
            time.sleep(every)
        time.sleep(0.5)


def sessions(path):
    held(lambda _: session(path), 600)


def gateway(port):
    def connect(place):
        one = socket.socket()
        if place % 3 == 2:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        one.settimeout(5)
        one.connect(("127.0.0.1", int(port)))
        if place % 3 == 1:
            one.sendall(b"GET / HT")
        return one

    held(connect, 300)


ODD_HEADS = (
    b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: u@h/p\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", b"\x00" * 3000, b"GET " + b"/a" * 20000 + b" HTTP/1.1\r\n\r\n",
    b"GET http://[::1]:99999/ HTTP/1.1\r\nHost: x\r\n\r\n", b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999999\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 3000 + b"\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET /../../etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n")


def heads(port):
    chance = random.Random(2)
    for _ in paced(40):
        try:
            with socket.create_connection(("127.0.0.1", int(port)), timeout=2) as one:
                one.sendall(chance.choice(ODD_HEADS))
                one.settimeout(0.3)
                one.recv(1 << 16)
        except OSError:
            pass


HABITS = ("promise/200000000", "endless", "trailers", "drip", "chunks", "redirects", "long-head", "short", "many-lines", "gzip")


def unlisted(port, server):
    """Sixty at a time; a third of them reads nothing."""
    chance = random.Random(3)
    places = threading.Semaphore(60)

    def ask(reads):
        try:
            with socket.create_connection(("127.0.0.1", int(port)), timeout=20) as one:
                one.sendall(f"GET {server}/{chance.choice(HABITS)}?{chance.randrange(40)} HTTP/1.1\r\nHost: {server.split('/')[2]}\r\n\r\n".encode())
                until = time.monotonic() + 15
                while time.monotonic() < until:
                    if reads and not one.recv(1 << 16):
                        break
                    time.sleep(0.01 if reads else 1)
        except OSError:
            pass
        places.release()

    for _ in paced(20):
        places.acquire()
        threading.Thread(target=ask, args=(chance.random() > 0.3,), daemon=True).start()


def dials(host, port):
    chance = random.Random(4)
    handshake = b"\x13BitTorrent protocol" + bytes([0, 0, 0, 0, 0, 0x10, 0, 0])
    for _ in paced(15):
        try:
            with socket.create_connection((host, int(port)), timeout=2) as one:
                body = bytes(chance.randrange(256) for _ in range(400))
                one.sendall(handshake + body if chance.random() < 0.6 else body)
                one.settimeout(0.2)
                one.recv(1 << 12)
        except OSError:
            pass


class Hostile(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    folder = pathlib.Path()
    lasts = 20  # seconds of an answer that never ends

    def do_GET(self):
        self.close_connection = True
        path = self.path.partition("?")[0].lstrip("/")
        try:
            if path.startswith("hostile/"):
                return self.file(self.folder / path.removeprefix("hostile/"))
            getattr(self, path.partition("/")[0].replace("-", "_"), self.short)(path)
        except (OSError, ValueError):
            pass

    def head(self, status=200, **fields):
        self.send_response(status)
        for name, value in fields.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()

    def go_on(self, piece, a_second):
        end = time.monotonic() + self.lasts
        for _ in paced(a_second):
            if time.monotonic() > end:
                return
            self.wfile.write(piece)

    def file(self, path):
        if not path.is_file():
            return self.head(404, Content_Length=0)
        body = path.read_bytes()
        self.head(Content_Length=len(body))
        self.wfile.write(body)

    def promise(self, path):
        self.head(Content_Length=path.partition("/")[2] or 1 << 33)
        self.go_on(b"x", 2)

    def endless(self, _):
        self.head()
        self.go_on(b"x" * 200_000, 20)

    def trailers(self, _):
        self.head(Transfer_Encoding="chunked")
        self.wfile.write(b"1\r\nx\r\n0\r\n")
        self.go_on(b"X-More: " + b"y" * 8000 + b"\r\n", 50)

    def drip(self, _):
        self.head(Content_Length=1000)
        self.go_on(b"x", 1)

    def chunks(self, _):
        self.head(Transfer_Encoding="chunked")
        self.go_on(b"1\r\nx\r\n" * 3000, 20)

    def redirects(self, path):
        self.head(302, Location=f"/redirects{random.random()}", Content_Length=0)

    def long_head(self, _):
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        self.go_on(b"X-More: " + b"y" * 4000 + b"\r\n", 50)

    def short(self, _):
        self.head(Content_Length=100_000)
        self.wfile.write(b"x" * 10)

    def many_lines(self, _):
        self.wfile.write(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200_000 + b"\r\n")

    def gzip(self, _):
        self.head(Content_Encoding="gzip", Content_Length=1 << 20)
        self.wfile.write(os.urandom(1 << 20))

    def log_message(self, *_):
        pass


def server(address, folder):
    Hostile.folder = pathlib.Path(folder)
    made = http.server.ThreadingHTTPServer
    made.request_queue_size, made.daemon_threads, made.handle_error = 256, True, lambda *_: None
    made((address, 80), Hostile).serve_forever()


if __name__ == "__main__":
    threading.stack_size(256 * 1024)
    {one.__name__: one for one in (control, descriptors, sessions, gateway, heads, unlisted, dials, server)}[sys.argv[1]](*sys.argv[2:])
