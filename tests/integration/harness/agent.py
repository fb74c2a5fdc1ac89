"""packswarmd on one machine of the test network: its configuration, readiness, questions through the command line, its end."""
import json
import os
import pathlib
import shutil
import signal
import socket
import sqlite3

from .processes import Failed, wait_until

PROGRAMS = ("packswarmd", "packswarm", "packswarm-apt-method")
# A loop that stands still for longer is a fault (daemon/loop_watch.hpp). Whatever waits for a descriptor, a disk or a name takes
# seconds; a busy machine with two cores alone was seen to take 50 ms.
LOOP_LIMIT_MS = os.environ.get("PACKSWARM_LOOP_LIMIT_MS", "250")
READY_WITHIN = 30  # seconds; sanitizer builds are slow


def staged(build, folder):
    """Copies the programs where every user can run them: a checkout may lie in somebody's private folder."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True)
    folder.chmod(0o755)
    for name in PROGRAMS:
        shutil.copy(pathlib.Path(build) / name, folder / name)
        (folder / name).chmod(0o755)
    return folder


def toml(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(toml(part) for part in value) + "]"
    return json.dumps(str(value))


def document(settings):
    """{"": {...}, "swarm": {...}, "repository": [{...}]} as TOML."""
    lines = [f"{name} = {toml(value)}" for name, value in settings.get("", {}).items()]
    for section, content in settings.items():
        if section:
            for table in content if isinstance(content, list) else [content]:
                lines.append(f"\n[[{section}]]" if isinstance(content, list) else f"\n[{section}]")
                lines += [f"{name} = {toml(value)}" for name, value in table.items()]
    return "\n".join(lines) + "\n"


class Agent:
    """One agent; start() returns when it is ready, whoever made its node ends it."""

    GATEWAY_PORT, SWARM_PORT = 7878, 6881
    made = []  # in the test that runs

    def __init__(self, node, folder, programs, settings, env=None):
        self.node, self.folder, self.programs, self.env = node, pathlib.Path(folder), programs, env or {}
        self.state, self.socket = self.folder / "state", self.folder / "socket"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.state.mkdir(exist_ok=True)
        for path in (self.folder, self.state):  # the agent runs as nobody
            shutil.chown(path, "nobody", "nogroup")
            path.chmod(0o755)
        self.settings = settings
        self.config = self.folder / "packswarm.toml"
        self.config.write_text(document(settings))
        self.child = None
        Agent.made.append(self)

    def start(self):
        """Starts it and returns when it says READY=1."""
        with self._ear() as ready:
            unprivileged = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
            self.child = self.node.child([*unprivileged, self.programs / "packswarmd", "--config", self.config], self.folder / "log",
                                         env={"NOTIFY_SOCKET": str(self.folder / "notify"),
                                              "PACKSWARM_LOOP_LIMIT_MS": LOOP_LIMIT_MS, **self.env})
            wait_until(lambda: self._said_ready(ready), READY_WITHIN, lambda: f"the agent is ready:\n{self.child.text()[-3000:]}")
        return self

    def reload(self):
        """Sends SIGHUP and returns when it says READY=1 again."""
        with self._ear() as ready:
            os.kill(self.child.pid, signal.SIGHUP)
            wait_until(lambda: self._said_ready(ready), READY_WITHIN, lambda: f"the agent has reloaded:\n{self.child.text()[-3000:]}")

    def _ear(self):
        """Where systemd would listen."""
        notify = self.folder / "notify"
        notify.unlink(missing_ok=True)
        ready = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        ready.bind(str(notify))
        notify.chmod(0o777)
        ready.setblocking(False)
        return ready

    def _said_ready(self, ready):
        if not self.child.alive():
            raise Failed(f"the agent ended with {self.child.process.returncode}:\n{self.child.text()[-3000:]}")
        try:
            return b"READY=1" in ready.recv(4096)
        except BlockingIOError:
            return False

    def stop(self):
        code, seconds = self.child.end()
        if code:
            raise Failed(f"the agent ended with {code}:\n{self.child.text()[-3000:]}")
        return seconds

    def stand_stills(self):
        """Lines of its log: when its loop did nothing for too long."""
        text = self.child.text() if self.child and self.child.log.exists() else ""
        return [line for line in text.splitlines() if "stood still" in line]

    def kill(self):
        os.kill(self.child.pid, 9)
        self.child.process.wait()

    def ask(self, *words, check=True):
        """What `packswarm ... --json` prints."""
        answer = self.node.run([self.programs / "packswarm", "--socket", self.socket, *words, "--json"], check=check, timeout=30)
        return json.loads(answer.stdout)

    def status(self):
        return self.ask("status")

    def gave(self):
        """Bytes by kind of source so far: mirror, peer, cache, wasted, sent."""
        return self.status()["bytes"]

    def discovery(self):
        return self.status()["discovery"]

    def peers(self):
        """Where the connected peers listen, as the agent sees it."""
        return [peer["endpoint"] for peer in self.ask("peers")["peers"]]

    def forget_peers(self):
        """Wipes its memory of peers met; only while it does not run."""
        ledger = sqlite3.connect(self.state / "ledger.db")
        ledger.execute("DELETE FROM peers")
        ledger.commit()
        ledger.close()

    def change(self, change):
        """Rewrites its configuration."""
        change(self.settings)
        self.config.write_text(document(self.settings))

    def repository(self, suite):
        return next(one for one in self.status()["repositories"] if one["suite"] == suite)

    def wait_for_peer(self, seconds=20):
        return wait_until(lambda: self.ask("peers")["peers"], seconds, lambda: f"a peer is connected:\n{self.child.text()[-2000:]}")

    def log(self):
        return self.child.text()

    @property
    def endpoint(self):
        return f"{self.node.ip}:{self.SWARM_PORT}"

    @property
    def gateway(self):
        return f"http://127.0.0.1:{self.GATEWAY_PORT}"

    def fetch(self, url, out, **more):
        return self.node.run([self.programs / "packswarm", "--socket", self.socket, "fetch", url, out], **more)


def settings(agent_folder, repositories, listen, peers=(), lan=False, certificates=None, **swarm):
    """The settings that tests share; each may change what it likes before the agent starts."""
    folder = pathlib.Path(agent_folder)
    web = {"ca_file": certificates} if certificates else {}
    return {
        "": {"state_dir": folder / "state", "socket": folder / "socket"},
        "gateway": {"listen": f"127.0.0.1:{Agent.GATEWAY_PORT}"},
        "swarm": {"listen": f"{listen}:{Agent.SWARM_PORT}", "peers": list(peers), "lan_discovery": lan, **swarm},
        "store": {"reserve": 0},
        "web": web,
        "sources": {"apt": False, "pacman": False},
        "repository": list(repositories),
    }


def learning(apt):
    """The change to an agent's settings by which it learns its repositories from that apt's folder."""
    return lambda settings: settings.update(sources={"apt": True, "pacman": False, "apt_dir": apt.folder / "etc"})


def own_memory(pid):
    """Peak resident bytes of a process."""
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith("VmHWM"))


def own_cpu(pid):
    """CPU seconds of a process and its threads so far."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
