"""Agents of one world: packswarmd on a loopback address of its own, and what happens to it between and within steps."""
import threading

from harness.agent import Agent, document, settings

OURS_AT, PEER_AT = 1, 2  # the last part of 127.<network>.9.x


class AgentSide:
    def __init__(self, folder, world, servers, programs, etc, repositories=(), at=OURS_AT, pool=None, authority=None):
        """`etc`: apt's folder to learn from. `repositories`: what stands in its configuration."""
        self.servers, self.world = servers, world
        address = self.address(at)
        told = settings(folder, repositories, address, certificates=authority.certificate if "authority" in world.agent
                        else None)
        told["gateway"] = {"listen": f"{address}:{Agent.GATEWAY_PORT}"}
        told["swarm"]["enabled"] = "peer" in world.agent
        other = self.address(PEER_AT if at == OURS_AT else OURS_AT)
        told["swarm"]["peers"] = [f"{other}:{Agent.SWARM_PORT}"] if "peer" in world.agent else []
        if world.agent["knows"] == "learned" and etc:
            told["sources"] = {"apt": True, "pacman": False, "apt_dir": etc}
        if "peer" in world.agent:
            told["sharing"] = {"public_keyrings": [pool.keyring(etc / "public.gpg", range(pool.COUNT - 1))]}
        self.agent = Agent(servers.node, folder, programs, told, {"APT_CONFIG": str(etc.parent / "apt.conf")} if etc else None)
        self.crash = None
        self.ends = 0

    def address(self, at):
        return f"127.{self.servers.network.number}.9.{at}"

    @property
    def socket(self):
        return self.agent.socket

    @property
    def gateway(self):
        return f"http://{self.agent.settings['gateway']['listen']}"

    @property
    def wanted(self):
        return self.world.agent["knows"] != "absent"

    def runs(self):
        return self.agent.child is not None and self.agent.child.alive()

    def event(self, kind):
        if not self.wanted:
            return
        getattr(self, f"event_{kind}")()

    def event_start(self):
        if not self.runs():
            self.agent.start()

    def event_restart(self):
        if self.runs():
            self.agent.stop()
        self.agent.start()

    def event_reload(self):
        if self.runs():
            self.agent.reload()

    def event_kill(self):
        self.ends += 1
        if self.runs():
            self.agent.kill()

    def event_kill_and_start(self):
        self.event_kill()
        self.event_start()

    def kill_after(self, milliseconds):
        """Within a step; started again when the step is over, by after_step()."""
        if self.wanted and self.runs():
            self.crash = threading.Timer(milliseconds / 1000, self.event_kill)
            self.crash.start()

    def after_step(self):
        if self.crash:
            self.crash.cancel()
            self.crash.join()
            self.crash = None
            self.event_start()

    def unexpected_end(self):
        """The log of an agent that ended by itself."""
        child = self.agent.child
        if child is None or child.alive() or child.process.returncode in (0, -9, -15):
            return ""
        return child.text()[-3000:]

    def rewrite(self, change):
        change(self.agent.settings)
        self.agent.config.write_text(document(self.agent.settings))

    def close(self):
        self.after_step()
        if self.runs():
            self.agent.stop()
