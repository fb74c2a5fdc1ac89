"""A peer that speaks the peer channel and BitTorrent well enough to be believed, and then does not keep its word.

Runs as a program of its own: bad_peer.py MODE ADDRESS PORT FILE...   It offers the FILEs and prints one word per thing that happens:
ready, connected, asked, told, lent, get, request, closed. Modes: honest lying_hashes wrong_blocks silent drip mute flood malformed; and
lends_garbage lends_garbage_later (its first 20 answers are right), which say that they are fetching the large FILEs and lend all of them.
"""
import hashlib
import os
import socket
import struct
import sys
import threading
import time

HELLO, ASK, TELL, GET, DATA, REFUSE, CANCEL, HAVE = range(1, 9)
CHANNEL = b"packswarm"
OUR_ID = 7  # what we want the channel's messages to be called
SMALL = 1 << 20  # what peers lend is larger
RIGHT_ANSWERS = 20  # of one that lends garbage later
DRIP = 2000  # bytes per second
RESERVED = bytes([0, 0, 0, 0, 0, 0x10, 0, 0])  # BEP 10
words = threading.Lock()


def say(*what):
    with words:
        print(*what, flush=True)


def piece_length(size):
    length = 1 << 16
    while length < 1 << 24 and -(-size // length) > 512:
        length *= 2
    return length


def spoiled(data):
    """The same length, every 16 KiB block wrong."""
    data = bytearray(data)
    for place in range(0, len(data), 1 << 14):
        data[place] ^= 0x55
    return bytes(data)


class Artifact:
    def __init__(self, path, mode):
        with open(path, "rb") as file:
            true = file.read()
        self.digest, self.size = hashlib.sha256(true).digest(), len(true)
        self.true = true
        self.sent = spoiled(true) if mode in ("lying_hashes", "wrong_blocks", "lends_garbage", "lends_garbage_later") else true
        told = self.sent if mode == "lying_hashes" else true
        self.length = piece_length(self.size)
        self.pieces = [hashlib.sha1(told[start:start + self.length]).digest() for start in range(0, self.size, self.length)]
        info = b"d6:lengthi%de4:name64:%s12:piece lengthi%de6:pieces%d:%se" % (
            self.size, self.digest.hex().encode(), self.length, 20 * len(self.pieces), b"".join(self.pieces))
        self.infohash = hashlib.sha1(info).digest()

    def told(self):
        return self.digest + struct.pack(">qHH", self.size, 0, len(self.pieces)) + b"".join(self.pieces)

    def all_lent(self):
        return self.digest + struct.pack(">q", self.size) + bitfield(len(self.pieces))


def bitfield(count):
    """BEP 3, all set."""
    return b"\xff" * (count // 8) + (bytes([0xff << (8 - count % 8) & 0xff]) if count % 8 else b"")


def bencoded_number(data, key):
    """The number that follows a key in bencoded bytes; None when it is not there."""
    place = data.find(b"%d:%si" % (len(key), key))
    if place < 0:
        return None
    start = place + len(str(len(key))) + 2 + len(key)
    return int(data[start:data.index(b"e", start)])


class Connection:
    """One accepted connection: the rendezvous of a lineage, or one artifact's torrent."""

    def __init__(self, server, link):
        self.server, self.link, self.mode = server, link, server.mode
        self.their_id = None
        self.writing = threading.Lock()

    def take(self, count):
        data = b""
        while len(data) < count:
            part = self.link.recv(count - len(data))
            if not part:
                raise ConnectionError
            data += part
        return data

    def put(self, kind, body=b""):
        with self.writing:
            message = struct.pack(">IB", len(body) + 1, kind) + body
            drips = self.mode == "drip" and len(body) > DRIP
            for start in range(0, len(message), DRIP if drips else len(message)):
                self.link.sendall(message[start:start + DRIP] if drips else message)
                time.sleep(1 if drips else 0)

    def extended(self, number, body):
        self.put(20, bytes([number]) + body)

    def channel(self, kind, body):
        self.extended(self.their_id, bytes([kind]) + body)

    def serve(self):
        try:
            if self.mode == "mute":
                say("connected")
                while self.link.recv(4096):
                    pass
                return
            self._handshake()
            while True:
                length = struct.unpack(">I", self.take(4))[0]
                if length:
                    message = self.take(length)
                    self._message(message[0], message[1:])
        except (ConnectionError, OSError):
            say("closed")
        finally:
            self.link.close()

    def _handshake(self):
        start = self.take(68)
        infohash = start[28:48]
        self.artifact = self.server.by_infohash.get(infohash)
        self.link.sendall(b"\x13BitTorrent protocol" + RESERVED + infohash + b"-BP0001-" + os.urandom(12))
        if self.artifact:
            say("torrent")
            self.put(5, bitfield(len(self.artifact.pieces)))
        else:
            say("connected")
            self.extended(0, b"d1:md%d:%si%dee1:pi%dee" % (len(CHANNEL), CHANNEL, OUR_ID, self.server.port))

    def _message(self, kind, body):
        if kind == 2 and self.artifact:  # interested
            self.put(1)
        elif kind == 6 and self.artifact:
            self._request(*struct.unpack(">III", body))
        elif kind == 20 and body[0] == 0 and not self.artifact:
            self.their_id = bencoded_number(body, CHANNEL)
            if self.their_id:
                self._introduce()
        elif kind == 20 and body[0] == OUR_ID:
            self._channel(body[1], body[2:])

    def _introduce(self):
        agent = b"bad peer"
        self.channel(HELLO, struct.pack(">H16sHB", 1, os.urandom(16), self.server.port, len(agent)) + agent + struct.pack(">q32sq", 0, bytes(32), 0))
        if self.mode == "flood":
            threading.Thread(target=self._flood, daemon=True).start()
        if self.mode == "malformed":
            for body in (b"", b"\xff" * 40, struct.pack(">IBH", 1, 9, 65535), os.urandom(3000)):
                self.channel(TELL, body)

    def _flood(self):
        """Questions without end, and answers to questions that nobody asked."""
        question = struct.pack(">IH", 1, 512) + os.urandom(32 * 512)
        answer = struct.pack(">IBH", 99, 1, 1) + os.urandom(32) + struct.pack(">qHH", 1000, 0, 0)
        try:
            while True:
                self.channel(ASK, question)
                for _ in range(50):
                    self.channel(TELL, answer)
                self.channel(DATA, struct.pack(">I", 77) + os.urandom(100_000))
        except OSError:
            say("closed")

    def _request(self, piece, begin, length):
        say("request")
        if self.mode == "silent":
            return
        start = piece * self.artifact.length + begin
        self.put(7, struct.pack(">II", piece, begin) + self.artifact.sent[start:start + length])

    def _channel(self, kind, body):
        if kind == ASK:
            self._answer(struct.unpack(">I", body[:4])[0], body[6:])
        elif kind == GET:
            token, digest, offset, length = struct.unpack(">I32sqI", body)
            say("get")
            self.server.answers += 1
            artifact = self.server.by_digest[digest]
            content = artifact.true if self.mode == "lends_garbage_later" and self.server.answers <= RIGHT_ANSWERS else artifact.sent
            if self.mode != "silent":
                self.channel(DATA, struct.pack(">I", token) + content[offset:offset + length])

    def _answer(self, token, digests):
        say("asked", *(digests[place:place + 32].hex() for place in range(0, len(digests), 32)))
        known = [self.server.by_digest[digests[place:place + 32]] for place in range(0, len(digests), 32) if digests[place:place + 32] in self.server.by_digest]
        if self.mode.startswith("lends"):
            large = [one for one in known if one.size > SMALL]
            for one in large:
                self.channel(HAVE, one.all_lent())
            if large:
                say("lent", len(large))
            known = []
        self.channel(TELL, struct.pack(">IBH", token, 1, len(known)) + b"".join(one.told() for one in known))
        if known:
            say("told", len(known))


class Server:
    def __init__(self, mode, address, port, files):
        self.mode, self.port, self.answers = mode, port, 0
        artifacts = [Artifact(path, mode) for path in files]
        self.by_digest = {one.digest: one for one in artifacts}
        self.by_infohash = {one.infohash: one for one in artifacts}
        self.door = socket.create_server((address, port), backlog=64)

    def run(self):
        say("ready")
        while True:
            link, _ = self.door.accept()
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=Connection(self, link).serve, daemon=True).start()


if __name__ == "__main__":
    Server(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4:]).run()
