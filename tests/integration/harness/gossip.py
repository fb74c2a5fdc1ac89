"""A peer that has nothing: it names endpoints of others, or listens. Runs as a program of its own:

gossip.py pex AGENT PORT INFOHASH ENDPOINT...   keeps connections to the agent, and names 50 of the endpoints on each
gossip.py lan OWN INFOHASH ENDPOINT...          calls on the LAN in the name of each endpoint (BEP 14, forged source addresses)
gossip.py listen AGENT PORT INFOHASH            prints each digest that it is asked for
gossip.py crowd AGENT PORT INFOHASH COUNT ADDRESS...   idle agents: connections from each of its own addresses, COUNT in all, and again
                                                         where one was closed
gossip.py unfinished AGENT PORT INFOHASH COUNT ADDRESS...  the same, each with a message of a megabyte that it does not end
gossip.py silent AGENT PORT INFOHASH COUNT ADDRESS...  the same, and nothing is ever said on them
gossip.py forged AGENT PORT INFOHASH COUNT ADDRESS     begins COUNT uTP connections in the name of an address (BEP 29, forged source)
gossip.py dht AGENT PORT COUNT                   says COUNT odd and good things of the DHT in the names of 198.18.0.0/16 (BEP 5, forged source)
It prints ready when all is said.
"""
import os
import random
import socket
import struct
import sys
import threading
import time

AT_ONCE = 50  # what libtorrent takes from one connection
EXTENDED, OUR_ID = 20, 7
HELLO, ASK, TELL = 1, 2, 3


def bencoded(value):
    if isinstance(value, int):
        return b"i%de" % value
    if isinstance(value, bytes):
        return b"%d:%s" % (len(value), value)
    if isinstance(value, list):
        return b"l" + b"".join(bencoded(part) for part in value) + b"e"
    return b"d" + b"".join(bencoded(key) + bencoded(value[key]) for key in sorted(value)) + b"e"


def number_after(data, key):
    place = data.find(b"%d:%si" % (len(key), key)) + len(str(len(key))) + 2 + len(key)
    return int(data[place:data.index(b"e", place)])


class Peer:
    """Connected, and introduced as an agent."""

    def __init__(self, address, infohash, number, own=""):
        self.link = socket.create_connection(address, timeout=20, source_address=(own, 0))
        self.link.settimeout(None)
        self.buffer = b""
        self.link.sendall(b"\x13BitTorrent protocol" + bytes([0, 0, 0, 0, 0, 0x10, 0, 0]) + infohash + b"-GP0001-" + os.urandom(12))
        self._take(68)
        port = 7000 + number  # nobody listens there
        self._extended(0, bencoded({b"m": {b"packswarm": OUR_ID, b"ut_pex": 1}, b"p": port}))
        theirs = self._handshake()
        self.pex = number_after(theirs, b"ut_pex")
        name = b"gossip"
        hello = struct.pack(">H16sHB", 1, os.urandom(16), port, len(name)) + name + struct.pack(">q32sq", 0, bytes(32), 0)
        self.their_id = number_after(theirs, b"packswarm")
        self.channel(HELLO, hello)

    def channel(self, kind, body):
        self._extended(self.their_id, bytes([kind]) + body)

    def next(self):
        """The next message: its type, and what follows."""
        while True:
            length = struct.unpack(">I", self._take(4))[0]
            if length:
                body = self._take(length)
                return body[0], body[1:]

    def name(self, endpoints):
        compact = b"".join(socket.inet_aton(host) + struct.pack(">H", port) for host, port in endpoints)
        self._extended(self.pex, bencoded({b"added": compact, b"added.f": b"\x10" * len(endpoints)}))

    def _handshake(self):
        while True:
            kind, body = self.next()
            if kind == EXTENDED and body[0] == 0:
                return body

    def _take(self, count):
        while len(self.buffer) < count:
            part = self.link.recv(1 << 16)
            if not part:
                raise ConnectionError("closed")
            self.buffer += part
        out, self.buffer = self.buffer[:count], self.buffer[count:]
        return out

    def _extended(self, number, body):
        self.link.sendall(struct.pack(">IBB", len(body) + 2, 20, number) + body)


def pex(agent, port, infohash, endpoints):
    peers = []
    for start in range(0, len(endpoints), AT_ONCE):
        peers.append(Peer((agent, port), infohash, len(peers)))
        peers[-1].name(endpoints[start:start + AT_ONCE])
    return peers


def lan(own, infohash, endpoints):
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    raw.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(own))
    for place, (host, port) in enumerate(endpoints):
        body = (f"BT-SEARCH * HTTP/1.1\r\nHost: 239.192.152.143:6771\r\nPort: {port}\r\nInfohash: {infohash.hex()}\r\n"
                f"cookie: {place:x}\r\n\r\n\r\n").encode()
        udp = struct.pack(">HHHH", 6771, 6771, 8 + len(body), 0) + body
        head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), place + 1, 0, 4, 17, 0, socket.inet_aton(host), socket.inet_aton("239.192.152.143"))
        raw.sendto(head + udp, ("239.192.152.143", 0))
        time.sleep(0.02)


def forged(agent, port, count, address):
    say = speaker(agent, port)
    for place in range(count):
        say(address, 1024 + place, struct.pack(">BBHIIIHH", 0x41, 0, 2 * place, 0, 0, 1 << 20, 1, 0))
        if place % 20 == 0:
            time.sleep(0.01)


def speaker(agent, port):
    """Sends a datagram in the name of any address and port."""
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)

    def say(address, own_port, data):
        udp = struct.pack(">HHHH", own_port, port, 8 + len(data), 0) + data
        head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0, socket.inet_aton(address), socket.inet_aton(agent))
        raw.sendto(head + udp, (agent, 0))
    return say


def dht_message(chance):
    own, wanted = chance.randbytes(20), chance.randbytes(20)
    query = chance.choice([
        (b"ping", {}), (b"find_node", {b"target": wanted}), (b"get_peers", {b"info_hash": wanted}),
        (b"announce_peer", {b"info_hash": wanted, b"port": 6881, b"token": chance.randbytes(4)}), (b"get", {b"target": wanted}),
        (b"put", {b"v": chance.randbytes(900), b"token": chance.randbytes(4)}), (b"sample_infohashes", {b"target": wanted}), (b"unheard", {})])
    kinds = [{b"y": b"q", b"q": query[0], b"a": {b"id": own, **query[1]}},
             {b"y": b"r", b"r": {b"id": own, b"nodes": chance.randbytes(26 * 40), b"token": chance.randbytes(200)}},  # that nobody asked for
             {b"y": b"e", b"e": b"what"}]
    return bencoded({b"t": chance.randbytes(2), **chance.choices(kinds, (6, 2, 1))[0]})


def dht(agent, port, count):
    chance, say = random.Random(5), speaker(agent, port)
    for place in range(count):
        message = dht_message(chance) if place % 5 else chance.randbytes(chance.randrange(1400))
        say(f"198.18.{chance.randrange(256)}.{chance.randrange(1, 255)}", chance.randrange(1024, 65536), message)
        if place % 100 == 0:
            time.sleep(0.01)


def listen(peer):
    while True:
        kind, body = peer.next()
        if kind != EXTENDED or body[0] != OUR_ID or body[1] != ASK:
            continue
        token, count = struct.unpack(">IH", body[2:8])
        for place in range(count):
            print(body[8 + 32 * place:40 + 32 * place].hex(), flush=True)
        peer.channel(TELL, struct.pack(">IBH", token, 1, 0))


UNFINISHED = struct.pack(">IBB", 1_000_000, EXTENDED, 0) + bytes(990_000)


def stay(agent, infohash, count, addresses, says=b""):
    """Holds so many connections, for ever; each that ends is made again. Returns when all were tried once."""
    def one(place):
        own = addresses[place % len(addresses)]
        while True:
            try:
                link = Peer(agent, infohash, place, own).link
                yield
                link.settimeout(None)
                link.sendall(says)
                while link.recv(1 << 16):
                    pass
            except OSError:
                yield
            time.sleep(0.5)

    def hold(place):
        steps = one(place)
        next(steps)
        tried.release()
        for _ in steps:
            pass

    tried = threading.Semaphore(0)
    for place in range(count):
        threading.Thread(target=hold, args=(place,), daemon=True).start()
    for _ in range(count):
        tried.acquire()


def silent(agent, count, addresses):
    """The same with connections on which nothing is said; those that end are made again every second."""
    held = {}
    rounds = 0
    while True:
        for place in range(count):
            if place not in held:
                held[place] = socket.socket()
                held[place].bind((addresses[place % len(addresses)], 0))
                held[place].setblocking(False)
                held[place].connect_ex(agent)
        rounds += 1
        if rounds == 2:
            print("ready", flush=True)
        time.sleep(1)
        for place, link in list(held.items()):
            try:
                ended = not link.recv(1)
            except BlockingIOError:
                ended = False
            except OSError:
                ended = True
            if ended:
                held.pop(place).close()


def parsed(texts):
    return [(text.rsplit(":", 1)[0], int(text.rsplit(":", 1)[1])) for text in texts]


if __name__ == "__main__":
    how, where, *words = sys.argv[1:]
    if how == "pex":
        kept = pex(where, int(words[0]), bytes.fromhex(words[1]), parsed(words[2:]))
    elif how == "listen":
        kept = Peer((where, int(words[0])), bytes.fromhex(words[1]), 1)
    elif how in ("crowd", "unfinished"):
        threading.stack_size(256 * 1024)
        kept = stay((where, int(words[0])), bytes.fromhex(words[1]), int(words[2]), words[3:], UNFINISHED if how == "unfinished" else b"")
    elif how == "forged":
        forged(where, int(words[0]), int(words[2]), words[3])
    elif how == "dht":
        dht(where, int(words[0]), int(words[1]))
    elif how == "silent":
        silent((where, int(words[0])), int(words[2]), words[3:])
    else:
        lan(where, bytes.fromhex(words[0]), parsed(words[1:]))
    print("ready", flush=True)
    if how == "listen":
        listen(kept)
    while how not in ("forged", "dht"):
        time.sleep(60)
