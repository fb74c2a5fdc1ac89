"""The demonstration of contrib/quickstart, on the archive of this machine and on a repository of its own."""
import pathlib
import subprocess
import time

import pytest
from conftest import PROGRAMS, TREE

from harness.debian import DebianRepository
from harness.keys import SigningKey
from harness.mirror import Mirror
from harness.network import Host, free_port

DEMONSTRATION = TREE / "tests/support/three_machines.py"


def demonstrate(*options):
    """Not in a namespace: it makes its own, and needs this machine's way to its archive."""
    began = set(pathlib.Path("/tmp").glob("packswarm-demo-*"))
    answer = subprocess.run(["/usr/bin/python3", DEMONSTRATION, *options, PROGRAMS], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=500,
                            check=False)
    print(answer.stdout)
    assert set(pathlib.Path("/tmp").glob("packswarm-demo-*")) <= began, "a temporary folder is left"
    return answer


def system_lists():
    return {file.name: file.stat().st_mtime_ns for file in pathlib.Path("/var/lib/apt/lists").rglob("*")}


@pytest.mark.real_archive
@pytest.mark.limit(600)
def test_three_machines_share_a_download_from_the_real_archive(programs):
    before = system_lists()
    answer = demonstrate()
    if "No archive can be reached" in answer.stdout:
        pytest.skip("the archive that this machine is configured for does not answer")
    assert answer.returncode == 0, answer.stdout[-3000:]
    assert system_lists() == before, "the system's own apt state was touched"


@pytest.mark.limit(600)
def test_three_machines_share_a_download_from_a_repository_of_their_own(programs):
    answer = demonstrate("--own")
    assert answer.returncode == 0, answer.stdout[-3000:]


@pytest.mark.limit(600)
def test_an_archive_that_cannot_be_shared_is_named_and_not_used(world):
    """Its index expired long ago; this machine's apt is content with it, others are not."""
    key, now = SigningKey(world.folder / "key", "expired", world.household), time.time()
    repository = DebianRepository(world.folder / "repository", key)
    repository.add("tool", 20_000)
    repository.publish(date=now - 30 * 86400, valid_until=now - 20 * 86400)
    node = Host(world.household)
    mirror = Mirror(node, world.folder / "nginx", repository.base, port=free_port(node.ip)).start()
    apt = world.folder / "etc-apt"
    apt.mkdir()
    public = key.export(world.folder / "signer.gpg")
    (apt / "sources.list").write_text(f"deb [signed-by={public} check-valid-until=no] {mirror.url} stable main\n")
    answer = demonstrate("--apt", apt)
    assert answer.returncode == 0, answer.stdout[-3000:]
    assert f"This archive is not used: {mirror.url} stable: " in answer.stdout and "expired on" in answer.stdout, answer.stdout
