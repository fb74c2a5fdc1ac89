"""A server of HTTP/2 (RFC 9113) that does with every request something odd, each at a port of its own.

Runs as a program: odd_http2.py ADDRESS CERTIFICATE KEY   It prints ready, then the name of an oddity for each request. What a request is
for it does not read: all its answers are equal.
"""
import itertools
import socket
import ssl
import struct
import sys
import threading

DATA, HEADERS, RESET, SETTINGS, PUSH, PING, GOAWAY, CONTINUATION = 0, 1, 3, 4, 5, 6, 7, 9
END_STREAM, ACK, END_HEADERS, PADDED = 1, 1, 4, 8
OK = b"\x88"  # :status 200 is entry 8 of the static table (RFC 7541)
MOST = 200_000  # frames of what has no end


def frame(kind, flags, stream, body=b""):
    return struct.pack(">I", len(body))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + body


def literal(name, value, index=False):
    """A header field, its text as it is (RFC 7541, 6.2). index: it becomes the newest entry of the table."""
    def text(what):
        size = len(what)
        if size < 127:
            return bytes([size]) + what
        out, rest = b"\x7f", size - 127
        while rest >= 128:
            out, rest = out + bytes([rest % 128 + 128]), rest // 128
        return out + bytes([rest]) + what
    return (b"\x40" if index else b"\x00") + text(name) + text(value)


def head(stream, size, more=b""):
    return frame(HEADERS, END_HEADERS, stream, OK + literal(b"content-length", b"%d" % size) + more)


def repeated(what):
    return itertools.repeat(what, MOST)


# What is sent to a request: pieces, the connection stays open after the last.
ODDITIES = {
    "pings": lambda s: itertools.chain([head(s, 1000)], repeated(frame(PING, 0, 0, bytes(8)))),
    "settings": lambda s: itertools.chain([head(s, 1000)], repeated(frame(SETTINGS, 0, 0))),
    "empty_data": lambda s: itertools.chain([head(s, 1000)], repeated(frame(DATA, 0, s))),
    "padding": lambda s: itertools.chain([head(s, 1000)], repeated(frame(DATA, PADDED, s, b"\xff" + bytes(255)))),
    "hints": lambda s: repeated(frame(HEADERS, END_HEADERS, s, literal(b":status", b"103") + literal(b"link", b"</x>; rel=preload"))),
    "long_fields": lambda s: [head(s, 1000, b"".join(literal(b"x-%d" % n, b"v" * 1000) for n in range(12)))] * 40,
    "fields_from_the_table": lambda s: [frame(HEADERS, END_HEADERS, s, OK + literal(b"x", b"v" * 3000, True) + b"\xbe" * 5000)],
    "push": lambda s: [frame(PUSH, END_HEADERS, s, struct.pack(">I", 2) + b"\x82\x87\x84" + literal(b":authority", b"a"))],
    "goes_away": lambda s: [head(s, 1000), frame(DATA, 0, s, bytes(500)), frame(GOAWAY, 0, 0, struct.pack(">II", s, 2))],
    "reset": lambda s: [head(s, 1000), frame(DATA, 0, s, bytes(500)), frame(RESET, 0, s, struct.pack(">I", 8))],
    "refused": lambda s: [frame(RESET, 0, s, struct.pack(">I", 7))],
    "longer": lambda s: [head(s, 100), frame(DATA, END_STREAM, s, bytes(5000))],
    "shorter": lambda s: [head(s, 1000), frame(DATA, END_STREAM, s, bytes(500))],
    "two_lengths": lambda s: [head(s, 1000, literal(b"content-length", b"7")), frame(DATA, END_STREAM, s, bytes(1000))],
    "trailers": lambda s: [head(s, 4), frame(DATA, 0, s, b"data")] + [
        frame(HEADERS, END_HEADERS | END_STREAM, s, b"".join(literal(b"x-%d" % n, b"v" * 1000) for n in range(12)))],
    "other_stream": lambda s: [frame(DATA, 0, s + 2, bytes(100))],
    "unknown_frames": lambda s: itertools.chain([head(s, 1000)], repeated(frame(200, 255, s, bytes(100)))),
    "silence": lambda s: [],
    "endless": lambda s: itertools.chain([frame(HEADERS, END_HEADERS, s, OK)], repeated(frame(DATA, 0, s, bytes(16_000)))),
}
PORTS = {name: 8400 + place for place, name in enumerate(ODDITIES)}


def taken(link, count):
    out = b""
    while len(out) < count:
        part = link.recv(count - len(out))
        if not part:
            raise ConnectionError
        out += part
    return out


def serve(link, name):
    if taken(link, 24) != b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n":
        return
    writing = threading.Lock()

    def answer(stream):
        try:
            for piece in ODDITIES[name](stream):
                with writing:
                    link.sendall(piece)
        except OSError:
            pass

    with writing:
        link.sendall(frame(SETTINGS, 0, 0))
    while True:
        length, kind, flags, stream = struct.unpack(">I", b"\0" + taken(link, 3))[0], *taken(link, 2), struct.unpack(">I", taken(link, 4))[0]
        taken(link, length)
        if kind == SETTINGS and not flags & ACK:
            with writing:
                link.sendall(frame(SETTINGS, ACK, 0))
        if kind == HEADERS:
            print(name, flush=True)
            threading.Thread(target=answer, args=(stream,), daemon=True).start()


def listen(context, address, name):
    with socket.create_server((address, PORTS[name]), backlog=64) as door:
        while True:
            link, _ = door.accept()

            def one(link=link):
                try:
                    with context.wrap_socket(link, server_side=True) as inside:
                        serve(inside, name)
                except (OSError, ConnectionError):
                    pass
            threading.Thread(target=one, daemon=True).start()


if __name__ == "__main__":
    where, certificate, key = sys.argv[1:]
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    tls.set_alpn_protocols(["h2"])
    doors = [threading.Thread(target=listen, args=(tls, where, name), daemon=True) for name in ODDITIES]
    for door in doors:
        door.start()
    print("ready", flush=True)
    for door in doors:
        door.join()
