"""opentracker on one machine of the test network. Debian's build admits only the swarms of a list."""
import pathlib

from .processes import Failed, wait_until

PORT = 6969


class Tracker:
    def __init__(self, node, folder, infohashes):
        self.node, self.folder = node, pathlib.Path(folder)
        self.folder.mkdir()
        self.folder.chmod(0o755)
        (self.folder / "list").write_text("".join(f"{infohash}\n" for infohash in infohashes))
        self.child = None

    def start(self):
        """It gives up root for nobody and sees its folder as the root of the file system."""
        argv = ["opentracker", "-i", self.node.ip, "-p", PORT, "-P", PORT, "-d", self.folder, "-w", "list", "-u", "nobody"]
        self.child = self.node.child(argv, self.folder.parent / f"{self.folder.name}.log")
        wait_until(lambda: self.answers("/stats"), 20, lambda: f"opentracker answers: {self.child.text()}")
        return self

    def answers(self, path):
        """Whether it answers a GET, from its own machine."""
        if not self.child.alive():
            raise Failed(f"opentracker ended: {self.child.text()}")
        return self.node.run(["curl", "-s", "--max-time", "2", f"http://{self.node.ip}:{PORT}{path}"], check=False).returncode == 0

    def url(self, scheme):
        return f"{scheme}://{self.node.ip}:{PORT}" + ("/announce" if scheme == "http" else "")
