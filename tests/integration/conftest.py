"""Fixtures of the integration tests. They need root (namespaces), and the programs in $PACKSWARM_BUILD or build/."""
import os
import pathlib
import signal
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from harness import agent  # noqa: E402
from harness.arch import PacmanRepository  # noqa: E402
from harness.debian import DebianRepository  # noqa: E402
from harness.keys import Authority, SigningKey, pacman_keyring  # noqa: E402
from harness.network import namespaces_work  # noqa: E402
from harness.processes import Household, remove_folder  # noqa: E402
from harness.world import World  # noqa: E402

TREE = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = pathlib.Path(os.environ.get("PACKSWARM_BUILD", TREE / "build")).resolve()
LIMIT = 120  # seconds for a test that does not say otherwise; sanitizer builds get three times as much


def pytest_configure(config):
    if sanitized():
        agent.LOOP_LIMIT_MS = "0"  # everything takes several times as long
    config.addinivalue_line("markers", "limit(seconds): the test may take this long")
    config.addinivalue_line("markers", "sanitizer: also runs on the address and undefined-behaviour sanitizer build")
    config.addinivalue_line("markers", "thread_sanitizer: also runs on the thread sanitizer build")
    config.addinivalue_line("markers", "xdist_group(name): not side by side with others of the group")
    config.addinivalue_line("markers", "real_archive: talks to the archive that this machine is configured for")


@pytest.hookimpl(tryfirst=True)  # before xdist looks at the marks
def pytest_collection_modifyitems(items):
    for item in items:
        item.add_marker(pytest.mark.xdist_group(group_of(item.path)))
    reason = why_impossible()
    for item in items if reason else []:
        item.add_marker(pytest.mark.skip(reason=reason))


def group_of(file):
    """Files of one group never run side by side: what runs without a namespace of its own shares the host's ports."""
    text = file.read_text()
    return file.stem if "world" in text and "Host(" not in text else "host"


def why_impossible():
    return None if namespaces_work() else "network namespaces need root, and a machine that gives them"


@pytest.fixture(autouse=True)
def deadline(request):
    marker = request.node.get_closest_marker("limit")
    seconds = (marker.args[0] if marker else LIMIT) * (3 if sanitized() else 1)

    def too_late(*_):
        raise TimeoutError(f"the test did not end within {seconds} s")

    previous = signal.signal(signal.SIGALRM, too_late)
    signal.alarm(seconds)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, previous)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_teardown():
    """No agent of the test has kept everybody waiting. Looked up before the fixtures take the logs away."""
    made, agent.Agent.made = agent.Agent.made, []
    stills = [line for one in made for line in one.stand_stills()]
    (yield).get_result()
    assert not stills, "an agent's loop stood still:\n" + "\n".join(stills[:20])


def sanitized():
    return any(name in os.environ for name in ("ASAN_OPTIONS", "TSAN_OPTIONS"))


@pytest.fixture(scope="session")
def programs():
    for name in agent.PROGRAMS:
        assert (PROGRAMS / name).exists(), f"{PROGRAMS / name} is not built; set PACKSWARM_BUILD"
    with tempfile.TemporaryDirectory(prefix="packswarm-programs-") as folder:
        pathlib.Path(folder).chmod(0o755)
        yield agent.staged(PROGRAMS, pathlib.Path(folder) / "bin")


@pytest.fixture(scope="session")
def stock():
    """Signed repositories that tests read and never change: a Debian one, and a pacman one, of some 40 packages each."""
    made = Stock()
    yield made
    made.household.close()


class Stock:
    def __init__(self):
        self.household = Household()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="packswarm-stock-"))
        self.folder.chmod(0o755)
        self.household.add(lambda: remove_folder(self.folder))
        self.key = SigningKey(self.folder / "key", "signer", self.household)
        self.public = self.key.export(self.folder / "signer.gpg")
        self.authority = Authority(self.folder / "authority")
        self.pacman_keyring = pacman_keyring(self.folder / "pacman-keyring", [self.key], self.household)
        self.debian = fill(DebianRepository(self.folder / "debian", self.key))
        self.arch = fill(PacmanRepository(self.folder / "arch", self.key))

    def debian_repository(self, *mirrors, public=True, **more):
        """The [[repository]] table for these mirrors."""
        return {"format": "debian", "suite": "stable", "components": ["main"], "architectures": ["amd64"], "mirrors": [mirror.url for mirror in mirrors],
                "keyring": [self.public], "public": public, **more}

    def pacman_repository(self, *mirrors, public=True, **more):
        return {"format": "pacman", "suite": "lab", "architectures": ["x86_64"], "mirrors": [f"{mirror.url}/lab/os/x86_64" for mirror in mirrors],
                "keyring": [self.pacman_keyring], "public": public, **more}

    def source(self, mirror, suite="stable"):
        return f"deb [signed-by={self.public} arch=amd64] {mirror.url} {suite} main"


def fill(repository):
    """Sizes as in a real upgrade: most small, most bytes in a few large ones."""
    for number in range(30):
        repository.add(f"small{number:02}", 1000 + 3000 * number)
    for number in range(8):
        repository.add(f"middle{number:02}", 300_000 + 100_000 * number)
    for number in range(4):
        repository.add(f"large{number:02}", 4_000_000 + 1_000_000 * number)
    for number in range(6):
        repository.add(f"bulk{number:02}", 5_000_000 + number)
    repository.add("huge64", 64 << 20)
    return repository.publish()


@pytest.fixture
def world(programs):
    made = World(programs)
    yield made
    made.close()


def chosen(repository, *beginnings):
    """Packages whose names begin so; by default 29 MB of all sizes."""
    return [package for name, package in repository.packages.items() if name.startswith(beginnings or ("small", "middle", "large"))]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """A failed test shows the end of every agent's log."""
    report = (yield).get_result()
    world = getattr(item, "funcargs", {}).get("world")
    if report.when == "call" and report.failed and world:
        for machine in world.machines:
            if machine.agent and machine.agent.child:
                report.sections.append((f"agent on {machine.name}", machine.agent.log()[-6000:]))
