"""pacman with a root, a database and a cache of its own, and the ways by which it comes to the agent."""
import ctypes
import functools
import pathlib
import re
import shutil

from .agent import Agent
from .debian import sha256
from .processes import run

GATEWAY = f"http://127.0.0.1:{Agent.GATEWAY_PORT}"
DOWNLOAD_USER = "daemon"  # neither root nor the agent's user


class Pacman:
    def __init__(self, node, folder, keyring, repositories, options=""):
        """`repositories`: {name: lines below [name]}. `options`: more lines of [options]."""
        self.node, self.folder = node, pathlib.Path(folder)
        for part in ("root/var/lib", "db", "cache", "hooks"):
            (self.folder / part).mkdir(parents=True)
        shutil.copytree(keyring, self.folder / "gnupg")
        (self.folder / "gnupg").chmod(0o755)
        self.config = self.folder / "pacman.conf"
        sections = "".join(f"\n[{name}]\n" + "\n".join(lines) + "\n" for name, lines in repositories.items())
        self.config.write_text(f"""[options]
RootDir = {self.folder}/root
DBPath = {self.folder}/db
CacheDir = {self.folder}/cache
GPGDir = {self.folder}/gnupg
LogFile = {self.folder}/pacman.log
HookDir = {self.folder}/hooks
Architecture = x86_64
ParallelDownloads = 5
SigLevel = Required
RemoteFileSigLevel = Required
{options}
{sections}""")

    @property
    def cache(self):
        return self.folder / "cache"

    def argv(self, *args):
        return ["pacman", "--config", self.config, "--noconfirm", "--noprogressbar", *args]

    def run(self, *args, timeout=90, check=True):
        return self.node.run(self.argv(*args), timeout=timeout, check=check)

    def child(self, *args, log="pacman.out"):
        return self.node.child(self.argv(*args), self.folder / log)

    def one_file_at_a_time(self):
        text = self.config.read_text()
        self.config.write_text(text.replace("ParallelDownloads = 5", "ParallelDownloads = 1"))

    def forget_packages(self):
        for file in self.cache.iterdir():
            file.unlink() if file.is_file() else shutil.rmtree(file)

    def wrong(self, packages):
        have = {sha256(file) for file in self.cache.glob("*.pkg.tar.zst")}
        return sorted(package.name for package in packages if package.sha256 not in have)


@functools.cache
def installed_version():
    """(7, 0)"""
    return tuple(int(part) for part in re.search(r"Pacman v(\d+)\.(\d+)", run(["pacman", "--version"]).stdout).groups())


def landlock_works():
    return ctypes.CDLL(None).syscall(444, None, 0, 1) > 0  # landlock_create_ruleset(2): the version that the kernel knows


def sandbox():
    """pacman 7's own user for downloads, confined where the kernel can."""
    if installed_version() < (7, 0):
        return ""
    return f"DownloadUser = {DOWNLOAD_USER}" + ("" if landlock_works() else "\nDisableSandbox")


def by_server(machine, stock, mirror):
    """The hook for pacman 6.0: our Server line first, the mirror's behind it."""
    return machine.pacman(stock.pacman_keyring, {"lab": [f"Server = {GATEWAY}/$repo/os/$arch", f"Server = {mirror.url}/$repo/os/$arch"]})


def by_cache_server(machine, stock, mirror):
    """From 6.1 on: asked for packages before any server is, never for databases; those the gateway gives when no mirror does."""
    lines = [f"CacheServer = {GATEWAY}/$repo/os/$arch", f"Server = {mirror.url}/$repo/os/$arch", f"Server = {GATEWAY}/$repo/os/$arch"]
    return machine.pacman(stock.pacman_keyring, {"lab": lines}, sandbox())


def by_xfer_command(machine, stock, mirror):
    command = f"{machine.world.programs}/packswarm --socket {machine.socket()} fetch %u %o"
    return machine.pacman(stock.pacman_keyring, {"lab": [f"Server = {mirror.url}/$repo/os/$arch"]}, f"XferCommand = {command}")


def ways():
    """{name: way} for the pacman that is installed."""
    made = {"gateway": by_server, "xfer_command": by_xfer_command}
    if shutil.which("pacman") and installed_version() >= (6, 1):
        made["cache_server"] = by_cache_server
    return made
