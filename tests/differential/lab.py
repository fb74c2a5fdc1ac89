"""One world, lived: its servers stand, its steps run on the plain side and on ours, and what differs comes out."""
import pathlib
import shutil
import tempfile
import time

from agent_side import OURS_AT, PEER_AT, AgentSide
from apt_side import LIMIT, AptSide
from compare import Difference, careless_requests, differences, foreign_requests
from harness.agent import Agent
from harness.keys import pacman_keyring
from harness.network import Host
from harness.processes import Household
from packages import sha256
from pacman_publish import PacmanPublication
from pacman_side import PacmanSide
from publish import Publication, Snapshot
from servers import OURS, PEER, PLAIN, LoopbackNetwork, Servers, certificate_for

HANGS = 30  # seconds by which one side may end after the other


class Run:
    """What the worlds of one process share."""

    def __init__(self, programs, pool, authority):
        self.programs, self.pool, self.authority = programs, pool, authority
        self.network = LoopbackNetwork()
        self.certificate = certificate_for(authority, self.network, range(1, 20))

    def close(self):
        self.network.close()


class Lab:
    def __init__(self, world, run):
        self.world, self.run = world, run
        self.household = Household()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="packswarm-differential-"))
        self.folder.chmod(0o755)
        self.shut, self.apart = set(), False
        self.publications = {one.name: self._publication(one) for one in world.repositories}
        self.mounts = {server.name: self._mounts(server) for server in world.servers}
        self.servers = Servers(run.network, world, self.mounts, run.certificate)
        self.servers.node = Host(self.household, run.network.address(PLAIN, 1))
        self.sides = self.agent = self.peer = None
        self.seen = {}
        self.seconds = {PLAIN: 0.0, OURS: 0.0}
        self.times = []  # (step, side, seconds)

    def _publication(self, repository):
        kind = Publication if self.world.manager == "apt" else PacmanPublication
        return kind(repository, self.run.pool, int(time.time()))

    def _mounts(self, server):
        """What a server shows: its repositories, what another one sends on to it, and a snapshot of each as it began."""
        shown = {server.name, *(other.name for other in self.world.servers
                                if other.habits.get("redirect") == server.name)}
        mounts = [self.publications[one.name] for one in self.world.repositories if shown & set(one.servers)]
        return mounts + [Snapshot(mount) for mount in mounts]

    def is_published(self, digest):
        return any(digest in publication.digests for publication in self.publications.values())

    def is_shown(self, name, digest):
        """Whether a repository's servers show a file of this name with these bytes at this moment."""
        return any(f"/{path}".endswith(f"/{name}") and sha256(data) == digest for publication in self.publications.values()
                   for path, (data, _) in publication.tree.items())

    def beside(self, server):
        """The servers that a source names together with this one, and itself."""
        return {server, *(other for one in self.world.repositories if server in one.servers for other in one.servers)}

    def settle(self):
        """Both sides, the agent and the peer."""
        self.settle_apt() if self.world.manager == "apt" else self.settle_pacman()
        if self.peer:
            self.peer.event("start")
        self.agent.event("start")

    def settle_pacman(self):
        programs, socket, keyring = self.run.programs, self.folder / "agent/socket", self.run.pool.pacman_keyring
        self.sides = {side: PacmanSide(side, self.folder / name, self.world, self.servers, keyring, programs, socket,
                                       self.gateway)
                      for side, name in ((PLAIN, "plain"), (OURS, "ours"))}
        conf = self.sides[OURS].pacman.config
        told = self._configured_pacman() if self.world.agent["knows"] == "configured" else []
        self.agent = AgentSide(self.folder / "agent", self.world, self.servers, programs, None, told, OURS_AT,
                               self.run.pool)
        if self.world.agent["knows"] == "learned":
            self.agent.rewrite(lambda settings: settings.update(sources={"apt": False, "pacman": True,
                                                                         "pacman_conf": conf}))

    @property
    def gateway(self):
        return f"http://{self.servers.network.address(9, OURS_AT)}:{Agent.GATEWAY_PORT}"

    def _configured_pacman(self):
        return [{"format": "pacman", "suite": one.suite, "architectures": ["x86_64"],
                 "keyring": [self.run.pool.pacman_keyring],
                 "mirrors": [f"{self.servers.sites[server, OURS].url}{one.base}/{one.suite}/os/x86_64"
                             for server in one.servers],
                 "signed_database": one.signing in ("both", "inrelease")} for one in self.world.repositories
                if one.signing != "unsigned"]

    def settle_apt(self):
        programs, pool, authority = self.run.programs, self.run.pool, self.run.authority
        method = programs / "packswarm-apt-method"
        socket = self.folder / "agent/socket"
        if "door" in self.world.agent:
            method, socket = None, self.gateway
        self.sides = {PLAIN: AptSide(PLAIN, self.folder / "plain", self.world, self.servers, pool, authority=authority),
                      OURS: AptSide(OURS, self.folder / "ours", self.world, self.servers, pool, method, socket,
                                    authority)}
        self.agent = self._agent("agent", OURS, OURS_AT)
        if "peer" in self.world.agent:
            self.sides[PEER] = AptSide(PEER, self.folder / "peer", self.world, self.servers, pool, method,
                                       self.folder / "neighbour/socket", authority)
            self.peer = self._agent("neighbour", PEER, PEER_AT)

    def _agent(self, name, side, at):
        etc = self.sides[side].etc
        told = self._configured(side) if self.world.agent["knows"] == "configured" else []
        return AgentSide(self.folder / name, self.world, self.servers, self.run.programs, etc, told, at, self.run.pool,
                         self.run.authority)

    def _configured(self, side):
        out = []
        for one in self.world.repositories:
            if one.trust == "trusted" or one.layout != "suite":
                continue
            keyring = self.run.pool.keyring(self.folder / f"{one.name}.gpg", [one.key])
            out.append({"format": "debian", "suite": one.suite, "components": [one.component],
                        "architectures": ["amd64"], "keyring": [keyring],
                        "mirrors": [f"{self.servers.sites[server, side].url}{one.base}" for server in one.servers]})
        return out

    def live(self):
        """The first step that came out otherwise ends the world: what follows would follow from it."""
        self.settle()
        for step in self.world.steps:
            found = self.step(step)
            if found:
                break
        found = found or []
        crashed = self.agent.unexpected_end()
        found += [Difference("crash", step["number"], crashed)] if crashed else []
        return found + foreign_requests(self) + careless_requests(self)

    def step(self, step):
        self.servers.step = step["number"]
        for side in self.sides.values():
            side.number = step["number"]
        return getattr(self, f"step_{step['do']}")(step) or []

    def step_publish(self, step):
        self.publications[step["repository"]].change(step["change"])

    def step_turn(self, step):
        """The sources of a repository turn to its snapshot."""
        for side in self.sides.values():
            side.turned.add(step["repository"])

    def step_agent(self, step):
        self.agent.event(step["event"])

    def step_shut(self, step):
        if step["server"] in {server.name for server in self.world.servers} and step["server"] not in self.shut:
            self.shut.add(step["server"])
            self.servers.shut(step["server"])

    def step_open(self, _):
        for name in self.shut:
            for side in (PLAIN, OURS, PEER):
                self.servers.open(name, side)
        self.shut = set()

    def step_forget(self, _):
        for side in self.sides.values():
            side.forget_packages()

    def step_peer(self, step):
        """The other agent's machine updates and gets all it can; it is not judged."""
        names = sorted({package.name for one in self.world.repositories for package in one.packages
                        if self.sides[PEER].uses(one)})
        for words in ({"do": "update"}, {"do": "install", "names": names}):
            self.sides[PEER].write_sources()
            self.sides[PEER].start({**step, **words}).wait(LIMIT)

    def step_update(self, step):
        for side in self.sides.values():
            side.write_sources()
        return self.both(step)

    def step_install(self, step):
        names = {package.name for one in self.world.repositories for package in one.packages if not one.only_peer}
        return self.both({**step, "names": [name for name in step["names"] if name in names]})

    def step_upgrade(self, step):
        return self.both(step)

    def both(self, step):
        began = time.monotonic()
        children = {side: self.sides[side].start(step) for side in (PLAIN, OURS)}
        if "kill" in step:
            self.agent.kill_after(step["kill"])
        ended = {}
        while len(ended) < len(children):
            now = time.monotonic()
            for side, child in children.items():
                if side not in ended and not child.alive():
                    ended[side] = now
                    self.seconds[side] += now - began
                    self.times.append((step["number"], "plain" if side == PLAIN else "ours", round(now - began, 2)))
                elif side not in ended and (now - began > LIMIT or ended and now - max(ended.values()) > HANGS):
                    return self.hung(step, {side: child for side, child in children.items() if side not in ended})
            time.sleep(0.005)
        self.agent.after_step()
        seen = {side: self.sides[side].observe(child.process.returncode, child) for side, child in children.items()}
        self.seen = seen
        if self.apart and (step["do"] != "update" or self.shut):
            self.step_forget(step)
            return []
        found, right = differences(step["number"], seen[PLAIN], seen[OURS], self)
        self.apart = bool(right)
        if right:  # the sides are unlike now: compared again at the next update for which all servers are there
            self.step_forget(step)
        return found

    def hung(self, step, children):
        """Ends those that did not end by themselves. Where plain did not either, nothing is ours to answer for."""
        for child in children.values():
            child.kill()
        self.agent.after_step()
        self.apart = True
        self.step_forget(step)
        if PLAIN in children:
            return []
        return [Difference("hang", step["number"], f"ours: {children[OURS].text()[-1500:]}")]

    def transcript(self):
        """What both sides wrote in the last step, all requests, and the agent's log."""
        out = [f"--- {'plain' if side == PLAIN else 'ours'}\n{seen.output}" for side, seen in self.seen.items()]
        for side in (PLAIN, OURS):
            out.append(f"--- requests of {'plain' if side == PLAIN else 'ours'}")
            out += [f"{one.step} {one.server} {one.status} {one.sent} {one.path} {one.via} {one.agent} {one.dates}"
                    for one in self.servers.log[side]]
        out += ["--- seconds", *(f"step {number} {side} {seconds}" for number, side, seconds in self.times)]
        return "\n".join([*out, "--- agent", self.agent.agent.child.text() if self.agent.agent.child else ""])

    def close(self):
        try:
            for agent in (self.agent, self.peer):
                if agent:
                    agent.close()
        finally:
            self.household.close()
            self.servers.close()
            shutil.rmtree(self.folder, ignore_errors=True)


def lab_of(world, run):
    return Lab(world, run)
