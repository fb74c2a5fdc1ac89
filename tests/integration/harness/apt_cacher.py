"""apt-cacher-ng on one machine of the test network, with nothing in its cache."""
import pathlib

from .processes import wait_until

PORT = 3142


class AptCacher:
    """To a package manager it is a mirror: `url` is where it serves what `upstream` serves."""

    def __init__(self, node, folder, upstream):
        self.node, self.folder = node, pathlib.Path(folder)
        for part in ("config", "cache", "log"):
            (self.folder / part).mkdir(parents=True)
        (self.folder / "config/acng.conf").write_text(f"""CacheDir: {self.folder}/cache
LogDir: {self.folder}/log
Port: {PORT}
BindAddress: {node.ip}
PidFile: {self.folder}/pid
ExThreshold: 4
SocketPath: {self.folder}/socket
ForeGround: 1
""")
        self.url = f"http://{node.ip}:{PORT}/{upstream.url.partition('://')[2]}"
        self.child = None

    def start(self):
        self.child = self.node.child(["apt-cacher-ng", "-c", self.folder / "config"], self.folder / "said")
        wait_until(lambda: f"{self.node.ip}:{PORT} " in self.node.run(["ss", "-Hltn"]).stdout, 20, lambda: f"apt-cacher-ng listens: {self.child.text()}")
        return self
