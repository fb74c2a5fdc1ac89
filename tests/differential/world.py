"""World: everything that one seed decides, as plain data: told in words, kept as JSON, told again with less in it."""
import copy
import dataclasses
import json


@dataclasses.dataclass
class Package:
    name: str
    version: str
    size: int
    mark: int = 0  # another mark, other bytes under the same name and version


@dataclasses.dataclass
class Repository:
    name: str
    owner: str
    servers: list  # names; several stand together in one stanza
    base: str  # the path that a source names
    suite: str
    codename: str
    label: str
    component: str
    layout: str  # suite, flat (a folder), dot (`./`)
    key: int
    signing: str  # inrelease, both, detached, unsigned
    by_hash: bool
    compressions: list
    hashes: list
    pdiffs: bool
    valid_until: str  # none, future, past
    spelling: str  # of Filename: plain, dot, percent
    packages: list
    form: str  # of its source: one-line, deb822
    trust: str  # file, shared (one keyring file for all repositories), folder (trusted.gpg.d), trusted ([trusted=yes])
    source_options: dict
    only_peer: bool = False  # this machine does not use it, the other agent's does
    added_in_step: int = 0  # the step before which its source appears; 0: there from the start

    def describe(self):
        parts = [f"{self.name} of {self.owner} at {'+'.join(self.servers)}{self.base}: {self.layout} {self.suite}/{self.codename} {self.component}",
                 f"label {self.label}", f"key {self.key}", self.signing, "by-hash" if self.by_hash else "no by-hash",
                 "+".join(ending or "plain" for ending in self.compressions), "+".join(self.hashes),
                 f"names {self.spelling}"]
        parts += ["pdiffs"] if self.pdiffs else []
        parts += [f"valid until {self.valid_until}"] if self.valid_until != "none" else []
        parts += [f"source {self.form}", f"trust {self.trust}",
                  *([words(self.source_options)] if self.source_options else [])]
        parts += [f"added in step {self.added_in_step}"] if self.added_in_step else []
        parts += ["the peer's alone"] if self.only_peer else []
        packages = ", ".join(f"{package.name} {package.version} ({package.size} bytes)" for package in self.packages)
        return f"{', '.join(parts)}\n    {packages}"


@dataclasses.dataclass
class Server:
    name: str
    owner: str
    scheme: str
    number: int  # the last part of its address
    port: int
    habits: dict

    def describe(self):
        habits = f", {words(self.habits)}" if self.habits else ""
        return f"{self.name} of {self.owner}: {self.scheme}, port {self.port}{habits}"


@dataclasses.dataclass
class World:
    seed: int
    manager: str  # apt, pacman
    repositories: list
    servers: list
    options: dict  # of apt.conf; of pacman: the way to the agent
    agent: dict  # knows: learned, configured, nothing, absent; peer
    steps: list
    taken: list = dataclasses.field(default_factory=list)  # what was taken from it, by name

    def repository(self, name):
        return next(one for one in self.repositories if one.name == name)

    def server(self, name):
        return next(one for one in self.servers if one.name == name)

    def to_json(self):
        return json.dumps(dataclasses.asdict(self), sort_keys=True)

    @staticmethod
    def from_json(text):
        fields = json.loads(text)
        fields["repositories"] = [Repository(**{**one, "packages": [Package(**package) for package in one["packages"]]})
                                  for one in fields["repositories"]]
        fields["servers"] = [Server(**one) for one in fields["servers"]]
        return World(**fields)

    def parts(self):
        """Names of what the world could do without."""
        names = [f"step{step['number']}" for step in reversed(self.steps)]
        names += [repository.name for repository in self.repositories] if len(self.repositories) > 1 else []
        names += [f"{server.name}:{habit}" for server in self.servers for habit in server.habits]
        names += [f"option:{option}" for option in self.options]
        names += [f"agent:{trait}" for trait in self.agent if trait != "knows"]
        for repository in self.repositories:
            names += [f"{repository.name}:second" for _ in repository.servers[1:]]
            names += [f"{repository.name}:pdiffs"] if repository.pdiffs else []
            names += [f"{repository.name}:source:{option}" for option in repository.source_options]
            names += [f"{repository.name}:{package.name}"
                      for package in repository.packages] if len(repository.packages) > 1 else []
        names += [f"step{step['number']}:kill" for step in self.steps if "kill" in step]
        return names

    def without(self, name):
        """The same world, less one part."""
        other = copy.deepcopy(self)
        other.taken.append(name)
        head, _, tail = name.partition(":")
        if head == "option":
            other.options.pop(tail, None)
        elif head == "agent":
            other.agent.pop(tail, None)
        elif head.startswith("step"):
            other._without_step(int(head[4:]), tail)
        elif head.startswith("s"):
            for server in other.servers:
                if server.name == head:
                    server.habits.pop(tail, None)
        else:
            other._without_repository(head, tail)
        return other

    def _without_step(self, number, trait):
        for step in [step for step in self.steps if step["number"] == number]:
            if trait:
                step.pop(trait, None)
            else:
                self.steps.remove(step)

    def _without_repository(self, name, trait):
        found = [one for one in self.repositories if one.name == name]
        if not found:
            return
        repository = found[0]
        if not trait:
            self.repositories.remove(repository)
            self.steps = [step for step in self.steps if step.get("repository") != name]
            used = {server for one in self.repositories for server in one.servers}
            used |= {server.habits.get("redirect") for server in self.servers if server.name in used}
            self.servers = [server for server in self.servers if server.name in used]
        elif trait == "second":
            dropped = repository.servers.pop()
            if not any(dropped in one.servers for one in self.repositories):
                self.servers = [server for server in self.servers if server.name != dropped]
        elif trait == "pdiffs":
            repository.pdiffs = False
        elif trait.startswith("source:"):
            repository.source_options.pop(trait[7:], None)
        else:
            repository.packages = [package for package in repository.packages if package.name != trait]

    def describe(self):
        lines = [f"seed {self.seed}: {self.manager}, agent {words(self.agent)}"]
        lines += [f"  without {', '.join(self.taken)}"] if self.taken else []
        lines += [f"  server {server.describe()}" for server in self.servers]
        lines += [f"  repository {repository.describe()}" for repository in self.repositories]
        lines += [f"  option {words({name: value})}" for name, value in self.options.items()]
        for step in self.steps:
            lines.append(f"  step {step['number']}: {words({name: step[name] for name in step if name != 'number'})}")
        return "\n".join(lines)


def words(mapping):
    return ", ".join(f"{name} {' '.join(value) if isinstance(value, list) else value}" for name,
                     value in mapping.items())
