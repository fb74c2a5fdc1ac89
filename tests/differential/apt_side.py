"""One side of an apt world: real apt-get in a root folder of its own, with apt's own methods or with ours.

What it shows after each step is an Observation."""
import collections
import dataclasses
import hashlib
import re
import shutil
import subprocess

from harness.apt import Apt
from harness.debian import sha256
from publish import Snapshot
from servers import LOGIN, PEER, PROXY

LIMIT = 90  # seconds after which apt-get counts as hanging
STRANGER_FREE = 4  # the keys that keyrings hold


@dataclasses.dataclass
class Observation:
    """What the owner of the machine has after one step."""
    exit_code: int = 0
    lists: dict = dataclasses.field(default_factory=dict)  # name: digest
    candidates: dict = dataclasses.field(default_factory=dict)
    files: dict = dataclasses.field(default_factory=dict)
    failed: set = dataclasses.field(default_factory=set)  # what is told as "Err:", less addresses: a redirect's may be told
    output: str = ""


class AptSide:
    def __init__(self, side, folder, world, servers, pool, method=None, socket=None, authority=None):
        self.side, self.world, self.servers, self.pool, self.authority = side, world, servers, pool, authority
        self.number, self.turned = 0, set()  # of the step; repositories whose sources have turned to their snapshot
        node = servers.node
        self.apt = Apt(node, folder, [], method, self._options(method, socket))
        self.etc = self.apt.folder / "etc"
        self._trust()
        self.write_sources()
        self._installed()

    # ---- its configuration

    def url(self, server):
        return self.servers.sites[server, self.side].url

    def base_url(self, server, repository):
        return self.url(server) + (Snapshot.PATH if repository.name in self.turned else "") + repository.base

    def _options(self, method, socket):
        proxy = f"http://{self.servers.network.address(self.side, PROXY)}:3128"
        lines = [f'Packswarm::Socket "{socket}";'] if method else []
        if socket and not method:  # the agent's gateway as apt's proxy
            lines.append(f'Acquire::http::Proxy "{socket}"; Acquire::https::Proxy "DIRECT"; Acquire::Retries::Delay "false";')
        for name, value in self.world.options.items():
            if name == "Proxy":
                lines.append(f'Acquire::http::Proxy "{proxy}";')
            elif name == "Proxy-Host":
                number = self.world.server(value).number if self.has_server(value) else 1
                host = self.servers.network.address(self.side, number)
                lines.append(f'Acquire::http::Proxy "{proxy}";\nAcquire::http::Proxy::{host} "DIRECT";')
            elif name == "CAInfo":
                lines.append(f'Acquire::https::CAInfo "{self.authority.certificate}";')
            else:
                lines.append(f'{name} "{value}";')
        return "\n".join(lines) + "\n"

    def uses(self, repository):
        return repository.name in self.world.agent.get("peer", []) if self.side == PEER else not repository.only_peer

    def has_server(self, name):
        return any(server.name == name for server in self.world.servers)

    def _trust(self):
        for repository in self.world.repositories:
            if repository.trust == "folder":
                self.pool.keyring(self.etc / f"trusted.gpg.d/{repository.name}.gpg", [repository.key])
            if repository.trust == "file":
                self.pool.keyring(self.etc / f"{repository.name}.gpg", [repository.key])
        self.pool.keyring(self.etc / "shared.gpg", range(STRANGER_FREE))
        name, password = LOGIN.split(":")
        logins = [f"machine {self.url(server.name)} login {name} password {password}\n" for server in self.world.servers
                  if "login" in server.habits]
        if logins:
            (self.etc / "auth.conf").write_text("".join(logins))

    def write_sources(self):
        """Sources of this step; those that are not there any more go."""
        one_line = []
        for old in (self.etc / "sources.list.d").iterdir():
            old.unlink()
        for repository in self.world.repositories:
            if repository.added_in_step > self.number or not self.uses(repository):
                continue
            if repository.form == "one-line":
                one_line += self._one_line(repository)
            else:
                (self.etc / f"sources.list.d/{repository.name}.sources").write_text(self._stanza(repository))
        (self.etc / "sources.list").write_text("\n".join(one_line) + "\n")

    def _signed_by(self, repository):
        return {"file": self.etc / f"{repository.name}.gpg", "shared": self.etc / "shared.gpg"}.get(repository.trust)

    @staticmethod
    def _suite(repository):
        return {"suite": repository.suite, "flat": f"{repository.suite}/", "dot": "./"}[repository.layout]

    def _one_line(self, repository):
        options = {**repository.source_options, "arch": "amd64"}
        if self._signed_by(repository):
            options["signed-by"] = self._signed_by(repository)
        if repository.trust == "trusted":
            options["trusted"] = "yes"
        told = " ".join(f"{name}={value}" for name, value in options.items())
        component = f" {repository.component}" if repository.layout == "suite" else ""
        return [f"deb [{told}] {self.base_url(server, repository)} {self._suite(repository)}{component}"
                for server in repository.servers]

    def _stanza(self, repository):
        fields = {"Types": "deb", "URIs": " ".join(self.base_url(server, repository) for server in repository.servers),
                  "Suites": self._suite(repository)}
        if repository.layout == "suite":
            fields["Components"] = repository.component
        fields["Architectures"] = "amd64"
        if self._signed_by(repository):
            fields["Signed-By"] = self._signed_by(repository)
        if repository.trust == "trusted":
            fields["Trusted"] = "yes"
        fields.update({name.title(): value for name, value in repository.source_options.items()})
        return "".join(f"{name}: {value}\n" for name, value in fields.items())

    def _installed(self):
        """Older versions stand in dpkg's status, so that there is something to upgrade."""
        names = {package.name for repository in self.world.repositories for package in repository.packages}
        (self.apt.folder / "status").write_text("\n".join(
            f"Package: {name}\nStatus: install ok installed\nVersion: 0.1\nArchitecture: amd64\n"
            f"Maintainer: packswarm tests <tests@packswarm.invalid>\n"
            f"Description: seeded\n" for name in sorted(names)[::2]))

    # ---- what it does

    def start(self, step):
        """Begins a step's apt-get; the child of it, or None where there is nothing to run."""
        argv = {"update": ["update"], "upgrade": ["dist-upgrade", "--download-only", "--yes"],
                "install": ["install", "--download-only", "--yes", "--no-install-recommends",
                            *step.get("names", [])]}[step["do"]]
        return self.apt.child(*argv, log=f"step{step['number']}.log")

    def observe(self, code, child):
        names = sorted({package.name for repository in self.world.repositories for package in repository.packages})
        output = self.normal(child.text())
        seen = Observation(code, output=output)
        for file in (self.apt.folder / "state/lists").iterdir():
            if file.is_file() and file.name != "lock":
                seen.lists[self.normal(file.name)] = self.content_of(file)
        policy = self.apt.node.run(["apt-cache", "policy", *names], env=self.apt.env(), check=False).stdout
        name = ""
        for line in policy.splitlines():
            if line and not line.startswith(" "):
                name = line.rstrip(":")
            elif line.startswith("  Candidate:"):
                seen.candidates[name] = line.split()[1]
        seen.files = {file.name: sha256(file) for file in self.apt.archives.glob("*.deb")}
        failed = collections.Counter(re.sub(r"^Err:\d+ \S+ ", "", line) for line in output.splitlines()
                                     if line.startswith("Err:"))
        seen.failed = {f"{item} ({number})" for item, count in failed.items() for number in range(1, count + 1)}
        return seen

    def content_of(self, file):
        """Digest of a list as it was published: with Acquire::GzipIndexes apt keeps it in a compression of its own."""
        if file.suffix != ".lz4":
            return sha256(file)
        text = subprocess.run(["/usr/lib/apt/apt-helper", "cat-file", file], stdout=subprocess.PIPE, check=True).stdout
        return hashlib.sha256(text).hexdigest()

    def normal(self, text):
        """Without the side in it."""
        return text.replace(f"127.{self.servers.network.number}.{self.side}.", "127.lab.").replace(str(self.apt.folder),
                                                                                                   "FOLDER")

    def forget_packages(self):
        for file in self.apt.archives.iterdir():
            if file.is_file() and file.name != "lock":
                file.unlink()
        shutil.rmtree(self.apt.archives / "partial")
        (self.apt.archives / "partial").mkdir()
        shutil.chown(self.apt.archives / "partial", "_apt")
