"""The servers of one world: one process, many loopback addresses, each with the habits that its world gave it.

A log tells who was asked for what.
Each server has one address per side, so that nobody's requests are taken for another's: 127.<network>.<side>.<number>."""
import base64
import dataclasses
import email.utils
import http.server
import io
import pathlib
import re
import selectors
import socket
import ssl
import threading
import time
import urllib.parse

PLAIN, OURS, PEER = SIDES = 1, 2, 3  # what runs beside what
PROXY = 200  # the last part of the proxy's address
LOGIN = "user:secret"
STEP = 65536  # bytes that are sent at once


@dataclasses.dataclass
class Request:
    """One line of the log."""
    server: str
    path: str
    status: int
    sent: int
    via: str  # direct, proxy
    agent: str
    login: bool  # it carried a password
    cache: str  # Cache-Control
    step: int
    dates: str  # the time in If-Modified-Since, and the one in Last-Modified


class LoopbackNetwork:
    """A 127.<number>/16 that no other run on this machine uses."""

    def __init__(self):
        for self.number in range(70, 250):
            self.lock = socket.socket()
            try:
                self.lock.bind((f"127.{self.number}.0.1", 9))
                self.lock.listen()
                return
            except OSError:
                self.lock.close()
        raise RuntimeError("every loopback network is taken: end other runs of tests/differential")

    def address(self, side, number):
        return f"127.{self.number}.{side}.{number}"

    def close(self):
        self.lock.close()


class Site:
    """What one server of the world is on one side."""

    def __init__(self, servers, server, side):
        self.servers, self.server, self.habits, self.side = servers, server, dict(server.habits), side
        self.active, self.guard = 0, threading.Lock()

    @property
    def place(self):
        default = 443 if self.server.scheme == "https" else 80
        host = self.servers.network.address(self.side, self.server.number)
        return host if self.server.port == default else f"{host}:{self.server.port}"

    @property
    def url(self):
        return f"{self.server.scheme}://{self.place}"

    def file(self, path):
        """Finds (bytes, file time) of a decoded path."""
        for mount in self.servers.mounts.get(self.server.name, []):
            if path.startswith(mount.prefix + "/"):
                found = mount.tree_at(self.server.name).get(path[len(mount.prefix) + 1:])
                if found:
                    return found
        return None


class Servers:
    """All of them on both sides; `mounts`: publications by the server that shows them (prefix, tree_at())."""

    def __init__(self, network, world, mounts, certificate=None):
        self.network, self.mounts, self.guard = network, mounts, threading.Lock()
        self.log = {side: [] for side in SIDES}
        self.step = 0
        self.selector, self.listeners, self.connections, self.closing = selectors.DefaultSelector(), {}, {}, False
        self.sites = {(server.name, side): Site(self, server, side) for server in world.servers for side in SIDES}
        self.by_host = {(network.address(side, server.number), server.port): self.sites[server.name, side]
                        for server in world.servers for side in SIDES}
        self.context = None
        if certificate:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(*certificate)
        for name, side in self.sites:
            self.open(name, side)
        for side in SIDES:
            self._listen((network.address(side, PROXY), 3128), (side, None))
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    def open(self, name, side):
        site = self.sites[name, side]
        self._listen((self.network.address(side, site.server.number), site.server.port), (side, site))

    def shut(self, name):
        """All sides of one server refuse connections from now on."""
        for side in SIDES:
            listener = self.listeners.pop((side, name), None)
            if listener:
                with self.guard:
                    self.selector.unregister(listener)
                    kept_alive = [connection for connection, site in self.connections.items()
                                  if site is self.sites[name, side]]
                listener.close()
                for connection in kept_alive:
                    hang_up(connection)

    def _listen(self, address, what):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(128)
        with self.guard:
            self.selector.register(listener, selectors.EVENT_READ, what)
        self.listeners[what[0], what[1].server.name if what[1] else "proxy"] = listener

    def is_open(self, name):
        return (PLAIN, name) in self.listeners

    def _accept(self):
        while not self.closing:
            for key, _ in self.selector.select(0.1):
                try:
                    connection, _ = key.fileobj.accept()
                except OSError:
                    continue
                threading.Thread(target=self._serve, args=(connection, *key.data), daemon=True).start()

    def _serve(self, connection, side, site):
        try:
            connection.settimeout(60)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if site and site.server.scheme == "https":
                connection = self.context.wrap_socket(connection, server_side=True)
            with self.guard:
                self.connections[connection] = site
            Answer(connection, self, side, site)
        except (OSError, ValueError):
            pass
        finally:
            with self.guard:
                self.connections.pop(connection, None)
            connection.close()

    def note(self, side, request):
        with self.guard:
            self.log[side].append(request)

    def close(self):
        self.closing = True
        self.thread.join()
        for listener in self.listeners.values():
            listener.close()
        self.selector.close()
        for connection in list(self.connections):
            hang_up(connection)


class Answer(http.server.BaseHTTPRequestHandler):
    """One connection; each habit is one short branch."""

    protocol_version = "HTTP/1.1"

    def __init__(self, connection, servers, side, site):
        self.servers, self.side, self.site = servers, side, site
        self.via = "direct" if site else "proxy"
        super().__init__(connection, ("", 0), None)

    def setup(self):
        super().setup()
        self.wfile = io.BufferedWriter(self.wfile, STEP)

    def log_message(self, *_):
        pass

    def do_CONNECT(self):
        self.refuse(403)

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        if self.via == "proxy":
            where = urllib.parse.urlsplit(self.path)
            self.site = self.servers.by_host.get((where.hostname, where.port or 80))
            self.path = where.path
            if self.site is None or not self.servers.is_open(self.site.server.name):
                return self.refuse(502)
        with self.site.guard:
            self.site.active += 1
            active = self.site.active
        try:
            self.answer(self.site.habits, active)
        finally:
            with self.site.guard:
                self.site.active -= 1

    def answer(self, habits, active):
        if "slow" in habits:
            time.sleep(habits["slow"] / 1000)
        if "limit" in habits and active > habits["limit"]:
            return self.refuse(habits.get("limit_status", 503), {"Retry-After": "1"})
        if "login" in habits and self.headers.get("Authorization") != f"Basic {base64.b64encode(LOGIN.encode()).decode()}":
            return self.refuse(401, {"WWW-Authenticate": 'Basic realm="lab"'})
        if "only_agent" in habits and not self.headers.get("User-Agent", "").startswith(habits["only_agent"]):
            return self.refuse(403)
        path = self.path.partition("?")[0]
        if "redirect" in habits and not path.startswith("/real/"):
            place = self.redirect_place(habits["redirect"])
            return self.refuse(habits.get("redirect_status", 302), {"Location": f"{place}/real{path}"})
        path = path.removeprefix("/real") if path.startswith("/real/") else path
        if habits.get("plus") == "blank":
            path = path.replace("+", " ")
        file = self.site.file(re.sub(r"/(\./)+", "/", urllib.parse.unquote(path)))
        if file is None:
            return self.refuse(200 if habits.get("absent") == "page" else habits.get("absent", 404))
        self.send(habits, *file)

    def redirect_place(self, kind):
        """`kind`: here, or the server that carries the files."""
        return self.site.url if kind == "here" else self.servers.sites[kind, self.side].url

    def send(self, habits, data, file_time):
        if self.not_modified(habits, file_time):
            return self.head(304, {"Last-Modified": http_date(file_time)})
        begin, end, status = self.range(habits, len(data))
        if status == 416:
            return self.refuse(416, {"Content-Range": f"bytes */{len(data)}"})
        fields = {"Content-Type": "text/html" if "html" in habits else "application/octet-stream"}
        if "no_last_modified" not in habits:
            fields["Last-Modified"] = http_date(file_time)
        if status == 206:
            unit = "" if habits.get("ranges") == "odd" else "bytes "
            fields["Content-Range"] = f"{unit}{begin}-{end - 1}/{len(data)}"
        if "encoding" in habits and self.path.endswith(".gz"):
            fields["Content-Encoding"] = "x-gzip"
        chunked = "chunked" in habits and self.request_version == "HTTP/1.1"
        fields.update({"Transfer-Encoding": "chunked"} if chunked else {"Content-Length": str(end - begin)})
        if "closing" in habits:
            fields["Connection"] = "close"
            self.close_connection = True
        self.head(status, fields, end - begin)
        if self.command != "HEAD":
            self.body(memoryview(data)[begin:end], chunked, habits.get("rate"))

    def not_modified(self, habits, file_time):
        since = self.headers.get("If-Modified-Since")
        if not since or "no_last_modified" in habits or habits.get("since") == "never":
            return False
        try:
            at = int(email.utils.parsedate_to_datetime(since).timestamp())
        except (TypeError, ValueError):
            return False
        return file_time <= at if habits.get("since") == "not_newer" else file_time == at

    def range(self, habits, size):
        wanted = self.headers.get("Range", "")
        if not wanted.startswith("bytes=") or habits.get("ranges") == "none":
            return 0, size, 200
        first, _, last = wanted[6:].partition("-")
        if not first.isdigit() or (habits.get("ranges") == "from_zero" and int(first)):
            return 0, size, 200
        if int(first) >= size:
            return 0, 0, 416
        return int(first), min(int(last) + 1, size) if last.isdigit() else size, 206

    def body(self, data, chunked, rate):
        step = max(1, rate // 20) if rate else STEP
        for at in range(0, len(data), step):
            part = data[at:at + step]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), bytes(part)) if chunked else part)
            if rate:
                self.wfile.flush()
                time.sleep(0.05)
        if chunked:
            self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()

    def refuse(self, status, fields=()):
        page = b"" if 300 <= status < 400 else b"<html><body><h1>It works!</h1></body></html>"
        self.head(status, {**dict(fields), "Content-Type": "text/html", "Content-Length": str(len(page))})
        if self.command != "HEAD":
            self.wfile.write(page)
        self.wfile.flush()

    def dates(self, fields):
        times = self.headers.get("If-Modified-Since"), fields.get("Last-Modified")
        return " ".join(f"{word} {time.split()[4]}" for word, time in zip(("since", "modified"), times) if time)

    def head(self, status, fields, size=0):
        if self.site:
            self.servers.note(self.side, Request(self.site.server.name, self.path, status, size, self.via,
                                                 self.headers.get("User-Agent", ""),
                                                 "Authorization" in self.headers, self.headers.get("Cache-Control", ""),
                                                 self.servers.step, self.dates(fields)))
        self.send_response_only(status)
        for name, value in fields.items():
            self.send_header(name, value)
        self.end_headers()
        if status == 304:
            self.wfile.flush()


def hang_up(connection):
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass


def http_date(seconds):
    return email.utils.formatdate(seconds, usegmt=True)


def certificate_for(authority, network, numbers):
    """One certificate for all addresses of a world."""
    folder = pathlib.Path(authority.folder)
    stem = f"world-{network.number}"
    key, request, certificate, extra = (folder / f"{stem}.{end}" for end in ("key", "csr", "pem", "ext"))
    names = ",".join(f"IP:{network.address(side, number)}" for side in SIDES for number in numbers)
    extra.write_text(f"subjectAltName={names}\nextendedKeyUsage=serverAuth\n")
    authority._openssl("req", "-subj", f"/CN={stem}", "-keyout", key, "-out", request)
    from harness.processes import run
    run(["openssl", "x509", "-req", "-in", request, "-CA", authority.certificate, "-CAkey", folder / "ca.key",
         "-CAcreateserial", "-days", "2",
         "-extfile", extra, "-out", certificate])
    return certificate, key
