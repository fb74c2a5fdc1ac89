"""One side of a pacman world: real pacman in a root folder of its own, alone, or with the gateway or `packswarm fetch`."""
from apt_side import Observation
from harness.debian import sha256
from harness.pacman import Pacman
from servers import OURS

SIG_LEVEL = {"both": "Required", "inrelease": "Required", "detached": "Required DatabaseOptional",
             "unsigned": "Optional TrustAll"}


class PacmanSide:
    def __init__(self, side, folder, world, servers, keyring, programs, socket=None, gateway=None):
        """`gateway`: where the agent listens for pacman; with `socket` and the way "xfer" packswarm fetches instead."""
        self.side, self.world, self.servers = side, world, servers
        self.number = 0  # of the step
        ours = side == OURS
        way = world.options["way"]
        options = f"XferCommand = {programs}/packswarm --socket {socket} fetch %u %o" if ours and way == "xfer" else ""
        sections = {one.suite: self._section(one, gateway if ours and way == "gateway" else None)
                    for one in world.repositories}
        self.pacman = Pacman(servers.node, folder, keyring, sections, options)
        self._installed()

    @property
    def etc(self):
        return self.pacman.folder

    def _section(self, one, gateway):
        lines = [f"SigLevel = {SIG_LEVEL[one.signing]}"]
        lines += [f"Server = {gateway}/$repo/os/$arch"] if gateway else []
        return lines + [f"Server = {self.servers.sites[server, self.side].url}{one.base}/$repo/os/$arch"
                        for server in one.servers]

    def _installed(self):
        local = self.pacman.folder / "db/local"
        local.mkdir()
        (local / "ALPM_DB_VERSION").write_text("9\n")
        names = {package.name for repository in self.world.repositories for package in repository.packages}
        for name in sorted(names)[::2]:
            folder = local / f"{name}-0.1-1"
            folder.mkdir()
            fields = {"NAME": name, "VERSION": "0.1-1", "DESC": "seeded", "ARCH": "x86_64", "VALIDATION": "pgp"}
            (folder / "desc").write_text("".join(f"%{field}%\n{value}\n\n" for field, value in fields.items()))
            (folder / "files").write_text("%FILES%\n\n")

    def write_sources(self):
        """pacman's sources stay as they are."""

    def start(self, step):
        argv = {"update": ["-Sy"], "upgrade": ["-Suw"], "install": ["-Sw", *step.get("names", [])]}[step["do"]]
        return self.pacman.child(*argv, log=f"step{step['number']}.log")

    def observe(self, code, child):
        seen = Observation(code, output=self.normal(child.text()))
        sync = self.pacman.folder / "db/sync"
        seen.lists = {file.name: sha256(file) for file in sync.iterdir()
                      if not file.name.endswith(".part")} if sync.exists() else {}
        listed = self.pacman.run("-Sl", check=False).stdout
        seen.candidates = {" ".join(line.split()[:2]): line.split()[2] for line in listed.splitlines()
                           if len(line.split()) >= 3}
        seen.files = {file.name: sha256(file) for file in self.pacman.cache.iterdir()
                      if not file.name.endswith(".part")}
        return seen

    def normal(self, text):
        return text.replace(f"127.{self.servers.network.number}.{self.side}.",
                            "127.lab.").replace(str(self.pacman.folder), "FOLDER")

    def forget_packages(self):
        self.pacman.forget_packages()
