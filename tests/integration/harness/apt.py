"""apt with folders of its own: real apt-get, real methods, the system's state untouched."""
import pathlib
import shutil

from .debian import sha256


# What "packswarm setup apt" writes besides the method.
AS_SET_UP = 'Acquire::Max-Pipeline-Depth "200";\nAcquire::Retries::Delay "false";\nPackswarm::Retries::Delay "true";\n'


class Apt:
    def __init__(self, node, folder, sources, method=None, extra="", certificates=None):
        """`sources`: lines of sources.list. `method`: packswarm-apt-method, or None for apt's own. `extra`: lines of apt.conf."""
        self.node, self.folder = node, pathlib.Path(folder)
        for part in ("state/lists/partial", "cache/archives/partial", "etc/apt.conf.d", "etc/preferences.d", "etc/sources.list.d", "etc/trusted.gpg.d", "got"):
            (self.folder / part).mkdir(parents=True)
        (self.folder / "status").touch()
        (self.folder / "etc/sources.list").write_text("\n".join(sources) + "\n")
        methods = "".join(f'Dir::Bin::Methods::{scheme} "{method}";\n' for scheme in ("http", "https") if method) + (AS_SET_UP if method else "")
        authority = f'Acquire::https::CAInfo "{certificates}";\n' if certificates else ""
        self.config = self.folder / "apt.conf"
        self.config.write_text(f"""Dir::State "{self.folder}/state";
Dir::State::status "{self.folder}/status";
Dir::Cache "{self.folder}/cache";
Dir::Etc "{self.folder}/etc";
APT::Architecture "amd64"; APT::Architectures {{ "amd64"; }};
Acquire::Languages "none"; Debug::NoLocking "1";
{methods}{authority}{extra}""")
        for writable in ("state/lists", "cache/archives", "got"):  # apt's methods give up root for _apt
            for path in (self.folder / writable, *(self.folder / writable).rglob("*")):
                shutil.chown(path, "_apt")

    @property
    def archives(self):
        return self.folder / "cache/archives"

    def get(self, *args, timeout=90, check=True):
        return self.node.run(["apt-get", "-q", *args], env=self.env(), timeout=timeout, check=check, cwd=self.folder / "got")

    def child(self, *args, log="apt.log"):
        return self.node.child(["apt-get", "-q", *args], self.folder / log, env=self.env(), cwd=self.folder / "got")

    def env(self):
        return {"APT_CONFIG": str(self.config), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive"}

    def update(self, **more):
        return self.get("update", **more)

    def install_argv(self, names):
        return ["install", "--download-only", "--yes", "--no-install-recommends", *names]

    def install(self, names, **more):
        return self.get(*self.install_argv(names), **more)

    def forget_packages(self):
        for file in self.archives.glob("*.deb"):
            file.unlink()

    def wrong(self, packages):
        """Names of the packages that are not in the archives folder with the right digest."""
        have = {sha256(file) for file in self.archives.glob("*.deb")}
        return sorted(package.name for package in packages if package.sha256 not in have)
