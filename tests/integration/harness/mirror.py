"""An nginx mirror on one machine of the test network, with the faults that real mirrors show."""
import json
import os
import pathlib
import time

from .processes import wait_until

PACKAGES = r"\.(deb|pkg\.tar\.zst)$"
EVEN = r"/[a-z]+[0-9]*[02468][-_][^/]*\.(deb|pkg\.tar\.zst)$"  # about half of the names that tests use
HTML = "<html><body><h1>It works!</h1></body></html>"


def spoiled_copy(base, target):
    """The same tree, every package of the right length with wrong bytes in it."""
    base, target = pathlib.Path(base), pathlib.Path(target)
    for file in base.rglob("*"):
        copy = target / file.relative_to(base)
        if file.is_dir():
            continue
        copy.parent.mkdir(parents=True, exist_ok=True)
        if file.suffix in (".deb", ".zst"):
            data = bytearray(file.read_bytes())
            for place in range(len(data) // 2, len(data), 50_000):
                data[place] ^= 0x55
            copy.write_bytes(data)
        else:
            os.link(file, copy)
    for path in (target, *target.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return target


class Mirror:
    """Serves the folder `base` below `prefix`; start(fault) may be called again with another fault."""

    def __init__(self, node, folder, base, prefix="/debian", authority=None, port=None, extra=None, rate=None, unchanged="exact",
                 max_ranges=None):
        self.node, self.folder, self.base, self.prefix, self.authority = node, pathlib.Path(folder), pathlib.Path(base), prefix, authority
        self.folder.mkdir(parents=True)
        self.extra = extra  # one more (prefix, folder) to serve
        self.unchanged = unchanged  # when it says 304: to its own date only ("exact"), to every later one too ("before"), never ("off")
        self.rate = f"limit_rate {rate};" if rate else ""  # of each connection, in bytes a second
        self.max_ranges = "" if max_ranges is None else f"max_ranges {max_ranges};"  # 0: every Range is answered with the whole file
        self.port = port or (443 if authority else 80)
        self.spoiled = None
        self.since = 0.0
        self.child = None
        self.tls = authority.issue(node.ip) if authority else None

    @property
    def url(self):
        port = "" if self.port in (80, 443) else f":{self.port}"
        return f"{'https' if self.tls else 'http'}://{self.node.ip}{port}{self.prefix}"

    def start(self, fault=None):
        self.stop()
        config = self.folder / "nginx.conf"
        config.write_text(self._config(fault))
        self.child = self.node.child(["nginx", "-c", config], self.folder / "nginx.log")
        wait_until(lambda: self._listens(), 10, lambda: f"nginx listens: {self.child.text()}")
        return self

    def stop(self):
        if self.child and self.child.alive():
            self.child.end()

    def _listens(self):
        return f"{self.node.ip}:{self.port} " in self.node.run(["ss", "-Hltn"]).stdout

    def _config(self, fault):
        place, folder = f"location {self.prefix}/", self.folder
        places = {
            None: "",
            "html": f"location ~ {PACKAGES} {{ default_type text/html; return 200 '{HTML}'; }}",
            "wrong_bytes": f"location ~ ^{self.prefix}/(.*{PACKAGES[:-1]})$ {{ alias {self.spoiled}/$1; }}",
            "no_dates": 'add_header Last-Modified ""; etag off;',
            "half_missing": f"location ~ {EVEN} {{ return 404; }}",
            "plus_is_a_blank": "if ($request_uri ~ [+]) { return 403; }",  # as object stores read it
            "other_layout": f"location ~ {PACKAGES} {{ return 404; }} location /elsewhere/ {{ alias {self.base}/; }}",
        }[fault]
        tls = f" ssl http2; ssl_certificate {self.tls[0]}; ssl_certificate_key {self.tls[1]}" if self.tls else " backlog=1024"
        listen = f"{self.node.ip}:{self.port}{tls}"
        more = f"location {self.extra[0]}/ {{ alias {self.extra[1]}/; }}" if self.extra else ""
        scratch = "".join(f"{kind}_temp_path {folder}/{kind}; " for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        return f"""
user root; worker_processes 1; daemon off; pid {folder}/pid; error_log stderr warn;
events {{ worker_connections 2048; }}
http {{
  log_format lines escape=json '{{"status": $status, "sent": $bytes_sent, "body": $body_bytes_sent, "uri": "$uri", "asked": "$request_uri", "range": "$http_range", "if_range": "$http_if_range", "cache_control": "$http_cache_control", "agent": "$http_user_agent", "method": "$request_method", "ended": $msec, "took": $request_time}}';
  access_log {folder}/access.log lines; sendfile on; tcp_nopush on; keepalive_requests 10000; {scratch}
  server {{ listen {listen}; if_modified_since {self.unchanged}; {self.rate} {self.max_ranges} {places} {more} {place} {{ alias {self.base}/; }} }}
}}
"""

    def requests(self):
        """Every request that began after `forget`: status, sent, body, uri, asked (the path as it was spelled), range, if_range,
        cache_control, agent, method, ended (seconds since 1970), took (seconds)."""
        log = self.folder / "access.log"
        every = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
        return [request for request in every if request["ended"] - request["took"] >= self.since]

    def package_bytes(self):
        return sum(request["body"] for request in self.requests() if request["uri"].endswith((".deb", ".zst")))

    def forget(self):
        """All requests so far, also those that were cut off and of which nginx writes only when it notices."""
        self.since = time.time()

    def spoil(self):
        self.spoiled = self.spoiled or spoiled_copy(self.base, self.folder / "spoiled")
        return self
