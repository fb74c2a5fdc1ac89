"""A mirror with habits that real servers have and nginx has not. Run as a program it is the server: odd_mirror.py ADDRESS PORT PREFIX FOLDER HABITS."""
import dataclasses
import email.utils
import http.server
import json
import pathlib
import sys
import threading
import time
import urllib.parse

PAGE = b"<html><body>Please log in.</body></html>"


@dataclasses.dataclass
class Habits:
    parts: str = "all"        # of files: all, from_the_start, none, or unnamed (Content-Range without its unit)
    type: str = "application/octet-stream"
    page: bool = False        # an HTML page with 200 instead of every package
    absent: int = 404         # for what is not there
    chunked: bool = False     # no Content-Length
    dated: bool = True        # Last-Modified
    closes: bool = False      # the connection, after each answer
    encoding: str = ""        # Content-Encoding of .gz files
    at_once: int = 0          # answers at a time; 503 beyond
    rate: int = 0             # bytes a second of one answer
    slow: str = ""            # what ends so is answered after two seconds


class OddMirror:
    """Serves the folder `base` below `prefix` on one machine of the test network."""

    def __init__(self, world, name, base, prefix="/debian", node=None, **habits):
        self.node, self.prefix = node or world.network.node(name), prefix
        self.log = world.folder / f"{name}.odd"
        self.since = 0.0
        text = json.dumps(dataclasses.asdict(Habits(**habits)))
        self.child = self.node.child([sys.executable, pathlib.Path(__file__).resolve(), self.node.ip, 80, prefix, base, text], self.log)
        from .processes import wait_until  # not at the top: the program below stands alone
        wait_until(lambda: f"{self.node.ip}:80 " in self.node.run(["ss", "-Hltn"]).stdout, 15, lambda: f"the mirror listens: {self.child.text()}")

    @property
    def url(self):
        return f"http://{self.node.ip}{self.prefix}"

    def requests(self):
        """Every request that began after `forget`: path, status, sent (bytes of the body), range, agent, at_once, began."""
        every = [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [request for request in every if request["began"] >= self.since]

    def forget(self):
        self.since = time.time()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    habits, prefix, folder = Habits(), "", pathlib.Path()
    counting, open_answers = threading.Lock(), 0

    def do_GET(self):
        began = time.time()
        if self.habits.slow and self.path.endswith(self.habits.slow):
            time.sleep(2)
        with Handler.counting:
            Handler.open_answers += 1
            at_once = Handler.open_answers
        self.sent, self.status = 0, 0
        try:
            self.answer(at_once)
        except OSError:
            self.close_connection = True
        finally:
            with Handler.counting:
                Handler.open_answers -= 1
                print(json.dumps({"path": self.path, "status": self.status, "sent": self.sent, "range": self.headers.get("Range"),
                                  "agent": self.headers.get("User-Agent", ""), "at_once": at_once, "began": began}), flush=True)

    def begin(self, status, **headers):
        self.status = status
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))

    def give(self, body):
        step = max(1, self.habits.rate // 20) if self.habits.rate else 1 << 16
        for at in range(0, len(body), step):
            piece = body[at:at + step]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece) if self.habits.chunked else piece)
            self.sent += len(piece)
            if self.habits.rate:
                time.sleep(0.05)
        if self.habits.chunked:
            self.wfile.write(b"0\r\n\r\n")

    def whole(self, status, body, **headers):
        """The head's last lines, and the body."""
        if self.habits.chunked:
            headers["Transfer_Encoding"] = "chunked"
        else:
            headers["Content_Length"] = len(body)
        if self.habits.closes:
            headers["Connection"] = "close"
            self.close_connection = True
        self.begin(status, **headers)
        self.end_headers()
        self.give(body)

    def asked_part(self, size):
        """The range to be given; None: the whole file."""
        words = (self.headers.get("Range") or "").removeprefix("bytes=").split("-")
        if len(words) != 2 or self.habits.parts == "none":
            return None
        begin, end = int(words[0]), min(size, int(words[1]) + 1 if words[1] else size)
        return None if self.habits.parts == "from_the_start" and begin > 0 else (begin, end)

    def answer(self, at_once):
        if self.habits.at_once and at_once > self.habits.at_once:
            return self.whole(503, b"busy", Retry_After=1)
        path = urllib.parse.unquote(self.path.partition("?")[0])
        file = self.folder / path.removeprefix(self.prefix).lstrip("/")
        if not path.startswith(self.prefix) or not file.is_file():
            return self.whole(self.habits.absent, b"no such file", Content_Type="text/html")
        body, modified = file.read_bytes(), int(file.stat().st_mtime)
        headers = {"Content_Type": self.habits.type}
        if self.habits.dated:
            headers["Last_Modified"] = email.utils.formatdate(modified, usegmt=True)
            if self.headers.get("If-Modified-Since") == headers["Last_Modified"]:
                self.begin(304)
                return self.end_headers()
        if self.habits.page and path.endswith((".deb", ".zst")):
            return self.whole(200, PAGE, Content_Type="text/html")
        if self.habits.encoding and path.endswith(".gz"):
            headers["Content_Encoding"] = self.habits.encoding
        part = self.asked_part(len(body))
        if not part:
            return self.whole(200, body, **headers)
        begin, end = part
        if begin >= len(body):
            return self.whole(416, b"", Content_Range=f"bytes */{len(body)}")
        unit = "" if self.habits.parts == "unnamed" else "bytes "
        return self.whole(206, body[begin:end], Content_Range=f"{unit}{begin}-{end - 1}/{len(body)}", **headers)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size, daemon_threads = 256, True

    def handle_error(self, *_):
        pass


if __name__ == "__main__":
    address, port, Handler.prefix, folder, text = sys.argv[1:]
    Handler.folder, Handler.habits = pathlib.Path(folder), Habits(**json.loads(text))
    Server((address, int(port)), Handler).serve_forever()
