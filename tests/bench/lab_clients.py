#!/usr/bin/python3
"""packswarm as a contestant in an external measuring lab, the folder named by $PACKSWARM_LAB (it has to offer modules lab, clients,
measure and runner). Defines two clients for it: "packswarm_apt" and "packswarm_pacman", warm agents behind the real package managers.

    PACKSWARM_LAB=FOLDER lab_clients.py [ROUNDS] [SET]      one client on three mirrors, beside the lab's own contestants
"""
import os
import pathlib
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
LAB = os.environ.get("PACKSWARM_LAB")
if not LAB:
    sys.exit("lab_clients.py: PACKSWARM_LAB does not name the lab's folder")
sys.path[:0] = [LAB, str(HERE.parent / "integration")]

import clients  # noqa: E402  (these four are the lab's)
import lab as lab_module  # noqa: E402
import measure  # noqa: E402
import runner  # noqa: E402

from harness import agent as agents  # noqa: E402
from harness.processes import environment  # noqa: E402

BUILD = pathlib.Path(os.environ.get("PACKSWARM_BUILD", HERE.parents[1] / "build")).resolve()
agents_cpu = []  # seconds of each agent that has ended: the lab counts all processes of a client in one
files_here = []  # when each client had its last byte, seconds after its start: what follows is the package manager's own work
GATEWAY = f"http://127.0.0.1:{agents.Agent.GATEWAY_PORT}"


class WarmAgent:
    """The part both clients share: the agent runs before the clock starts, and apt or pacman joins its group of measured processes."""

    def start_agent(self, table):
        folder = pathlib.Path(self.work) / "agent"
        (folder / "state").mkdir(parents=True)
        peers = [f"{self.lab.ip(node)}:{agents.Agent.SWARM_PORT}" for node in self.lab.clients() if node != self.node] if self.opt.get("peers") else []
        # A crowd's addresses are private ones, but its lines are those of strangers on the Internet.
        wan = {"lan_networks": ["127.0.0.0/8"], "upload_limit": 0} if self.opt.get("crowd") else {"lan": bool(self.opt.get("lan"))}
        settings = agents.settings(folder, [table], self.lab.ip(self.node), peers, **wan)
        (folder / "packswarm.toml").write_text(agents.document(settings))
        self.socket = folder / "socket"
        self.proc = measure.Proc(self.lab, self.node, [str(BUILD / "packswarmd"), "--config", str(folder / "packswarm.toml")], cwd=self.dest,
                                 log=f"{self.work}/agent.log")
        end = time.time() + 20
        while not self.socket.exists():
            if time.time() > end or not self.proc.alive():
                raise RuntimeError(pathlib.Path(f"{self.work}/agent.log").read_text()[-2000:])
            time.sleep(0.05)

    def launch(self, argv, extra=None):
        group = self.proc.cg

        def join():
            pathlib.Path(group, "cgroup.procs").write_text(str(os.getpid()))

        self.manager = subprocess.Popen(self.lab.inns(self.node, argv), cwd=self.dest, env=environment(extra), stdin=subprocess.DEVNULL, stdout=self.proc.log,
                                        stderr=self.proc.log, preexec_fn=join, start_new_session=True)
        self.began, self.all_here = time.monotonic(), None

    def done(self):
        if self.all_here is None and self.has_all():
            self.all_here = time.monotonic() - self.began
        return self.manager.poll() is not None

    def has_all(self):
        try:
            here = sum(entry.stat().st_size for entry in os.scandir(self.dest) if not entry.name.endswith((".sig", ".sig.part")))
        except FileNotFoundError:  # it has got its last name in this moment
            return False
        return here >= sum(entry["size"] for entry in self.entries)

    def stop(self):
        code = self.manager.poll()
        times = pathlib.Path(f"/proc/{self.proc.p.pid}/stat").read_text().rsplit(")", 1)[1].split()
        agents_cpu.append(sum(map(int, times[11:13])) / os.sysconf("SC_CLK_TCK"))
        if self.all_here is not None:
            files_here.append(self.all_here)
        result = self.proc.end()
        self.manager.wait()
        result["rc"] = code
        return result


class PackswarmApt(WarmAgent, clients.Apt):
    def prepare(self):
        self.start_agent({"format": "debian", "suite": "stable", "components": ["main"], "architectures": ["amd64"],
                          "mirrors": [f"{url}/debian" for url in self.urls], "keyring": [f"{clients.REPO}/key.gpg"], "public": True})
        method = BUILD / "packswarm-apt-method"
        self.opt["aptconf"] = (f'Dir::Bin::Methods::http "{method}";\nDir::Bin::Methods::https "{method}";\nPackswarm::Socket "{self.socket}";\n'
                               'Acquire::Max-Pipeline-Depth "200";\nAcquire::Retries::Delay "false";\nPackswarm::Retries::Delay "true";\n'  # as packswarm setup apt
                               '#clear Acquire::http::Proxy;\n')
        super().prepare()

    def start(self):
        self.launch(self.argv([entry["name"] for entry in self.entries]), {"APT_CONFIG": f"{self.work}/apt.conf"})


class PackswarmPacman(WarmAgent, clients.Pacman):
    def prepare(self):
        self.start_agent({"format": "pacman", "suite": "lab", "architectures": ["x86_64"], "public": True,
                          "mirrors": [f"{url}/arch/os/x86_64" for url in self.urls], "keyring": [f"{lab_module.BASE}/state/pacman-gnupg"]})
        self.opt["layout_servers"] = [f"{GATEWAY}/lab/os/x86_64"] + [f"{url}/arch/os/x86_64" for url in self.urls]
        super().prepare()

    def start(self):
        self.launch(self.argv([entry["name"] for entry in self.entries]))


def report():
    """What the lab's own line does not tell of the run that has just ended."""
    print(f"   of the CPU seconds {sum(agents_cpu):.2f} are the agents'; the last byte was there after {max(files_here, default=float('nan')):.1f} s", flush=True)
    agents_cpu.clear()
    files_here.clear()


clients.SYSTEMS.update(packswarm_apt=PackswarmApt, packswarm_pacman=PackswarmPacman)


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    content = sys.argv[2] if len(sys.argv) > 2 else "flash"
    lab = lab_module.Lab("single").up()
    try:
        for _ in range(rounds):
            for system in ("packswarm_apt", "packswarm_pacman", "aria2", "pacman", "curl"):
                mirrors = lab.mirrors() if system != "curl" else lab.mirrors()[:1]
                runner.run(lab, "one client", system, system, content, mirrors=mirrors)
    finally:
        lab_module.Lab.down_all()


if __name__ == "__main__":
    main()
