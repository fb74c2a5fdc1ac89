#!/usr/bin/python3
"""option_server.py FOLDER CONFIG: an HTTP/1.1 server that shows what a client was told to do, one JSON line on stdout for each request.

CONFIG: a JSON list of listeners, {"port": N} with "certificate", "key" and "clients" (whose certificates it wants) for TLS. Each serves FOLDER
below /debian. Other first parts of a path name a habit: /moved answers 302 to the same below /debian, /private wants a login, /silent never answers
for packages, /busy answers 503 for them, /resting 429 for two
seconds. An absolute address in a request is taken as a proxy takes it."""
import email.utils
import json
import pathlib
import select
import socket
import ssl
import sys
import threading
import time

SHOWN = ("user-agent", "cache-control", "pragma", "accept", "referer", "range", "authorization")
folder, listeners = pathlib.Path(sys.argv[1]), json.loads(sys.argv[2])
lock, active = threading.Lock(), 0
REST_S = 2
first_asked = {}


class Request:
    def __init__(self, head):
        first, *lines = head.decode("latin-1").split("\r\n")
        self.target = first.split(" ")[1]
        self.headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        path = self.target.split("/", 3)[3] if "://" in self.target else self.target[1:]
        self.habit, _, self.path = path.partition("/")

    @property
    def is_package(self):
        return self.path.endswith(".deb")


def is_resting(path):
    """From the first request on for a while; then once not."""
    with lock:
        resting = time.monotonic() < first_asked.setdefault(path, time.monotonic()) + REST_S
        if not resting:
            del first_asked[path]
        return resting


def answer(request):
    """Status, headers, body; None: no answer ever."""
    if request.habit == "moved":
        return 302, {"Location": f"/debian/{request.path}"}, b""
    if request.habit == "private" and request.headers.get("authorization") != "Basic dXNlcjpzZWNyZXQ=":
        return 401, {"WWW-Authenticate": 'Basic realm="lab"'}, b""
    if request.habit == "silent" and request.is_package:
        return None
    if request.habit == "busy" and request.is_package:
        return 503, {}, b"come back later"  # apt tries again only when a page comes with it
    if request.habit == "resting" and request.is_package and is_resting(request.path):
        return 429, {"Retry-After": f"{REST_S}"}, b"come back later"
    file = folder / request.path
    if not file.is_file():
        return 404, {}, b""
    body, modified = file.read_bytes(), email.utils.formatdate(int(file.stat().st_mtime), usegmt=True)
    if request.headers.get("if-modified-since") == modified:
        return 304, {}, b""
    headers = {"Last-Modified": modified, "Accept-Ranges": "bytes"}
    if "range" not in request.headers:
        return 200, headers, body
    first, _, last = request.headers["range"].partition("=")[2].partition("-")
    begin, end = int(first), min(int(last) + 1 if last else len(body), len(body))
    return 206, {**headers, "Content-Range": f"bytes {begin}-{end - 1}/{len(body)}"}, body[begin:end]


def serve(plain, address, listener):
    """One connection, its requests one after the other."""
    global active
    connection = plain
    try:
        connection = wrapped(plain, listener)
        pending = b""
        while True:
            while b"\r\n\r\n" not in pending:
                part = connection.recv(65536)
                if not part:
                    return
                pending += part
            head, _, pending = pending.partition(b"\r\n\r\n")
            with lock:
                active += 1
                side_by_side = active
            request = Request(head)
            try:
                if select.select([connection], [], [], 0.05)[0]:  # what comes before an answer is pipelined
                    pending += connection.recv(65536)
                given = answer(request)
            finally:
                with lock:
                    active -= 1
            with lock:
                note(request, address, listener, given[0] if given else 0, side_by_side, pending.count(b"\r\n\r\n"))
            if given is None:
                while connection.recv(65536):
                    pass
                return
            send(connection, *given)
    except (OSError, IndexError):
        pass
    finally:
        connection.close()


def wrapped(plain, listener):
    if "certificate" not in listener:
        return plain
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(listener["certificate"], listener["key"])
    if "clients" in listener:
        context.load_verify_locations(listener["clients"])
        context.verify_mode = ssl.CERT_REQUIRED
    return context.wrap_socket(plain, server_side=True)


def note(request, address, listener, status, side_by_side, pipelined):
    shown = {name: request.headers.get(name) for name in SHOWN}
    print(json.dumps({"at": time.time(), "target": request.target, "path": request.path, "status": status, "from": address, "port": listener["port"],
                      "side_by_side": side_by_side, "pipelined": pipelined, **shown}), flush=True)


def send(connection, status, headers, body):
    lines = [f"HTTP/1.1 {status} Said", *(f"{name}: {value}" for name, value in headers.items())]
    if status != 304:
        lines.append(f"Content-Length: {len(body)}")
    connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)


def listen(listener):
    ear = socket.create_server(("", listener["port"]), family=socket.AF_INET6, dualstack_ipv6=True, backlog=64)
    while True:
        connection, address = ear.accept()
        threading.Thread(target=serve, args=(connection, address[0], listener), daemon=True).start()


for one in listeners:
    threading.Thread(target=listen, args=(one,), daemon=True).start()
while True:
    time.sleep(3600)
