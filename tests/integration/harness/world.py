"""One test's world: a network, mirrors, machines with agents and package managers, and the folder they live in."""
import pathlib
import tempfile

from . import agent as agents
from .apt import Apt
from .mirror import Mirror
from .network import Network
from .pacman import Pacman
from .processes import Household, remove_folder, run


class World:
    def __init__(self, programs, **network):
        self.programs = pathlib.Path(programs)
        self.household = Household()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="packswarm-test-"))
        self.folder.chmod(0o755)
        self.household.add(lambda: remove_folder(self.folder))
        self.network = Network(self.household, **network)
        self.machines = []

    def mirror(self, name, base, up=None, **more):
        return Mirror(self.network.node(name, up=up), self.folder / name, base, **more).start()

    def machine(self, name, up=None, down=None, node=None):
        """`node`: where it stands, when not on the bridge with the others."""
        self.machines.append(Machine(self, name, node or self.network.node(name, up, down)))
        return self.machines[-1]

    def tmpfs(self, path, mib, inodes=None):
        """A small disk of its own at `path`."""
        path = pathlib.Path(path)
        path.mkdir(parents=True, exist_ok=True)
        limit = f",nr_inodes={inodes}" if inodes else ""
        run(["mount", "-t", "tmpfs", "-o", f"size={mib}m,mode=755{limit}", "packswarm-test", path])
        self.household.add(lambda: run(["umount", "-l", path]))
        return path

    def close(self):
        self.household.close()


class Machine:
    """One machine: a namespace, at most one agent, package managers in folders of their own."""

    def __init__(self, world, name, node):
        self.world, self.name, self.node = world, name, node
        self.folder = world.folder / name
        self.folder.mkdir()
        self.folder.chmod(0o755)
        self.agent = None
        self.managers = 0

    def prepare_agent(self, repositories, change=None, env=None, **more):
        folder = self.folder / "agent"
        settings = agents.settings(folder, repositories, self.node.ip, **more)
        if change:
            change(settings)
        self.agent = agents.Agent(self.node, folder, self.world.programs, settings, env)
        return self.agent

    def start_agent(self, repositories, **more):
        return self.prepare_agent(repositories, **more).start()

    def socket(self):
        return self.folder / "agent" / "socket"

    def apt(self, sources, through_us=True, extra="", **more):
        method = self.world.programs / "packswarm-apt-method" if through_us else None
        extra += f'Packswarm::Socket "{self.socket()}";\n'
        return Apt(self.node, self._manager_folder("apt"), sources, method, extra, **more)

    def pacman(self, keyring, repositories, options=""):
        return Pacman(self.node, self._manager_folder("pacman"), keyring, repositories, options)

    def _manager_folder(self, name):
        self.managers += 1
        return self.folder / f"{name}{self.managers}"
