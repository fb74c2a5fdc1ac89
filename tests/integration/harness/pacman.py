"""pacman with a root, a database and a cache of its own."""
import pathlib
import shutil

from .debian import sha256


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

    def forget_packages(self):
        for file in self.cache.iterdir():
            file.unlink() if file.is_file() else shutil.rmtree(file)

    def wrong(self, packages):
        have = {sha256(file) for file in self.cache.glob("*.pkg.tar.zst")}
        return sorted(package.name for package in packages if package.sha256 not in have)
