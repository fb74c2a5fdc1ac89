"""What lies in the agent's folder when it starts and is none of its own, or damaged; and how soon it ends whatever it is at."""
import json
import os
import pathlib
import re
import shutil
import socket
import threading

import pytest

from conftest import chosen
from harness.processes import Failed, size_of, wait_until

GIB = 1 << 30
LARGE = 9 * GIB
END = 10  # seconds that a busy machine may take; two are promised, and printed is what it was


class Somebody:
    """A folder that is none of the agent's, where links lead to. The agent could write to it."""

    def __init__(self, folder):
        self.folder = folder / "somebody"
        self.sub = self.folder / "sub"
        self.sub.mkdir(parents=True)
        for path in (self.folder / "precious", self.sub / "precious"):
            path.write_text("precious")
        self.file = self.folder / "precious"
        for path in (self.folder, *self.folder.rglob("*")):
            path.chmod(0o777)
            shutil.chown(path, "nobody", "nogroup")
        self.before = self.content()

    def content(self):
        return {path.relative_to(self.folder): path.read_bytes() if path.is_file() else None for path in self.folder.rglob("*")}

    def is_untouched(self):
        return self.content() == self.before


@pytest.fixture
def somebody(world):
    return Somebody(world.folder)


def busy_agent(world, stock, change=None):
    """One that has an index and a package of it."""
    mirror = world.mirror("m1", stock.arch.base)
    agent = world.machine("c1").start_agent([stock.pacman_repository(mirror)], change=change)
    agent.ask("refresh")
    package = chosen(stock.arch, "small")[0]
    agent.package_url = f"{mirror.url}/{package.path}"
    agent.fetch(agent.package_url, world.folder / "out")
    agent.bytes = (world.folder / "out").read_bytes()
    wait_until(lambda: stored(agent), 10, lambda: f"it is stored: {agent.log()}")
    return agent


@pytest.fixture
def used(world, stock):
    """One that has ended since."""
    agent = busy_agent(world, stock)
    agent.stop()
    return agent


def stored(agent):
    """Where its store has the package."""
    return next((path for path in (agent.state / "files").rglob("*") if path.is_file() and path.read_bytes() == agent.bytes), None)


def still_works(agent, world):
    agent.start()
    agent.fetch(agent.package_url, world.folder / "again")
    assert (world.folder / "again").read_bytes() == agent.bytes
    agent.stop()


def refusal(agent):
    """Starts it, and returns the error with which it ended."""
    with pytest.raises(Failed, match="the agent ended with 1"):
        agent.start()
    return agent.log().splitlines()[-1]


PLACES = ["files", "files/ab", "staging", "lock", "ledger.db", "ledger.db-wal", "ledger.db-shm", "artifacts.db", "artifacts.db-wal", "artifacts.db-shm"]


@pytest.mark.parametrize("place", PLACES)
def test_what_lies_in_the_place_of_its_own_is_refused_by_name_and_left_alone(world, used, somebody, place):
    path, kept = used.state / place, world.folder / "kept"
    is_folder = path.is_dir()
    if path.exists():
        path.rename(kept)
    stray = {
        "symbolic link": lambda: path.symlink_to(somebody.folder if is_folder else somebody.file),
        "symbolic link, which": lambda: path.symlink_to(world.folder / "nowhere"),
        "a file" if is_folder else "hard link": lambda: os.link(somebody.file, path),
        "named pipe": lambda: os.mkfifo(path),
        "socket": lambda: socket.socket(socket.AF_UNIX).bind(str(path)),
        "device": lambda: os.mknod(path, 0o666 | 0o020000, os.makedev(1, 3)),
    }
    if not is_folder:
        stray["a folder"] = path.mkdir
    for word, make in stray.items():
        make()
        said = refusal(used)
        assert f"{path} is " in said and word in said, said
        assert os.path.lexists(path) and somebody.is_untouched()
        path.rmdir() if word == "a folder" else path.unlink()
    assert not (world.folder / "nowhere").exists()
    if kept.exists():
        kept.rename(path)
    still_works(used, world)


def test_what_lies_in_the_place_of_the_socket_is_refused(world, used, somebody):
    for make in (lambda: used.socket.symlink_to(somebody.file), lambda: os.link(somebody.file, used.socket), used.socket.mkdir):
        make()
        assert f"{used.socket} is " in refusal(used)
        assert os.path.lexists(used.socket) and somebody.is_untouched()
        used.socket.rmdir() if used.socket.is_dir() else used.socket.unlink()
    still_works(used, world)


def test_links_among_files_and_staged_files_lead_nowhere(world, used, somebody):
    place = stored(used)
    place.unlink()
    place.symlink_to(somebody.file)
    (used.state / "files" / "more").symlink_to(somebody.folder)
    (used.state / "files" / "00" / "strange").symlink_to(somebody.folder)
    staging = used.state / "staging"
    (staging / "1").symlink_to(somebody.file)
    (staging / "1.note").write_text("a note")
    os.link(somebody.file, staging / "2")
    (staging / "2.note").symlink_to(somebody.file)
    os.mkfifo(staging / "3")
    os.mkfifo(staging / "3.note")
    (staging / "sub").symlink_to(somebody.folder)
    still_works(used, world)
    assert somebody.is_untouched()
    assert list(staging.iterdir()) == []
    assert place.is_file() and not place.is_symlink()


@pytest.mark.parametrize("kind", ["link", "pipe", "folder", "hard link"])
def test_a_dht_state_that_is_no_file_of_ours_is_set_aside(world, stock, somebody, kind):
    mirror = world.mirror("m1", stock.debian.base)
    agent = world.machine("c1").prepare_agent([stock.debian_repository(mirror)], dht=True)
    path = agent.state / "dht.state"
    {"link": lambda: path.symlink_to(somebody.file), "pipe": lambda: os.mkfifo(path), "folder": path.mkdir,
     "hard link": lambda: os.link(somebody.file, path)}[kind]()
    agent.start()
    assert f"{path} is " in agent.log() and os.path.lexists(f"{path}.damaged")
    agent.stop()
    assert somebody.is_untouched()


def test_the_folder_itself_may_be_a_link(world, used):
    elsewhere = world.folder / "elsewhere"
    used.state.rename(elsewhere)
    used.state.symlink_to(elsewhere)
    still_works(used, world)


# ---- Floors


def spoil(text, kind, somebody):
    good = text.read_text()
    text.unlink()
    if kind == "garbage":
        text.write_bytes(bytes(range(256)) * 20)
    elif kind == "cut off":
        text.write_text(good[:len(good) // 2])
    elif kind == "another date":
        text.write_text(re.sub(r"^(\d)(\d+ )", r"9\2", good, flags=re.M))
    elif kind == "empty":
        text.write_text("")
    elif kind == "folder":
        text.mkdir()
    elif kind == "link":
        text.symlink_to(somebody.file)
    elif kind == "pipe":
        os.mkfifo(text)
    elif kind == "huge":
        text.touch()
        os.truncate(text, LARGE)
    elif kind == "not to be read":
        text.write_text(good)
        text.chmod(0)
    return good


DAMAGES = ["garbage", "cut off", "another date", "empty", "folder", "link", "pipe", "huge", "not to be read"]


@pytest.mark.parametrize("kind", DAMAGES)
def test_damaged_floors_beside_a_good_ledger_are_set_aside(used, somebody, kind):
    text = used.state / "floors.txt"
    good = spoil(text, kind, somebody)
    begin = len(used.log())
    used.start()
    said = [line for line in used.log()[begin:].splitlines() if "floors" in line]
    assert len(said) == 1 and "floors.txt.damaged" in said[0] and "those of the ledger count" in said[0], said
    assert os.path.lexists(f"{text}.damaged") and somebody.is_untouched()
    assert text.read_text() == good
    checks = {check["name"]: check for check in used.ask("doctor", check=False)["checks"]}
    assert checks["ledger"]["state"] == "warn" and "floors.txt.damaged" in checks["ledger"]["message"], checks
    refreshed = used.ask("refresh")["repositories"]
    # "updated": the kept index is still being read, or the agent before this one had ended before it was kept.
    assert [row["state"] for row in refreshed] in (["unchanged"], ["updated"]), "a date that damage made up refuses no index"
    used.stop()
    begin = len(used.log())
    used.start()
    assert "floors" not in used.log()[begin:], "said once"


def test_when_both_copies_of_the_floors_are_damaged_it_starts_without_any(world, used):
    (used.state / "floors.txt").write_bytes(bytes(range(256)) * 20)
    (used.state / "ledger.db").write_bytes(b"SQLite format 3\0" + os.urandom(9000))
    begin = len(used.log())
    used.start()
    said = [line for line in used.log()[begin:].splitlines() if ".damaged" in line]
    assert len(said) == 2 and all(line.startswith("error") for line in said), said
    assert (used.state / "floors.txt.damaged").exists() and (used.state / "ledger.db.damaged").exists()
    used.stop()
    begin = len(used.log())
    still_works(used, world)
    assert ".damaged" not in used.log()[begin:]


# ---- The end


def ended(agent, what):
    code, seconds = agent.child.end(within=60)
    print(f"SIGTERM in the middle of {what}: ended after {seconds:.2f} s")
    assert code == 0, agent.log()[-2000:]
    assert seconds < END
    return seconds


def read_so_far(agent):
    text = pathlib.Path(f"/proc/{agent.child.pid}/io").read_text()
    return int(re.search(r"rchar: (\d+)", text)[1])


def sparse(path, owner):
    """Takes no room itself; what is copied of it does, for a moment."""
    if shutil.disk_usage(path.parent).free < 4 * GIB:
        pytest.skip("less than 4 GiB are free on the disk of the test")
    try:
        with open(path, "wb") as file:
            file.truncate(LARGE)
    except OSError as error:
        pytest.skip(f"no sparse file of 9 GiB can be made: {error}")
    shutil.chown(path, owner)
    return path


@pytest.fixture
def roomy(world, stock):
    """An agent whose store has room for a large file."""
    return busy_agent(world, stock, lambda settings: settings["store"].update(quota="20GiB"))


def nothing_is_left(agent):
    return wait_until(lambda: not list((agent.state / "staging").iterdir()), 5, "the staged file is gone")


@pytest.mark.limit(180)
@pytest.mark.parametrize("question", ["import", "share"])
@pytest.mark.parametrize("step", ["hashing", "copying"])
def test_it_ends_in_time_in_the_middle_of_taking_a_large_file(world, roomy, question, step):
    large = sparse(world.folder / "large.deb", "nobody" if step == "hashing" else "root")  # its own it links, others' it copies
    before = read_so_far(roomy)
    asker = roomy.node.child([roomy.programs / "packswarm", "--socket", roomy.socket, question, large], world.folder / "asker.log")
    staged = roomy.state / "staging"

    def in_the_middle():
        assert asker.alive(), asker.text()
        if step == "hashing":
            return read_so_far(roomy) - before > 100 << 20
        return any(size_of(file, allocated=True) > 100 << 20 for file in staged.iterdir())

    wait_until(in_the_middle, 60, lambda: f"it is at it: {roomy.log()[-1000:]}")
    if step == "copying":
        assert read_so_far(roomy) - before < GIB
    ended(roomy, f"{step} for {question}")
    assert asker.wait(20) != 0, "an answer for a file that was not taken"
    assert large.stat().st_size == LARGE
    nothing_is_left(roomy)
    still_works(roomy, world)


@pytest.mark.limit(180)
def test_it_ends_in_time_with_thousands_of_requests_open(world, stock):
    mirror = world.mirror("m1", stock.debian.base, rate=1)  # a byte a second
    agent = world.machine("c1").start_agent([stock.debian_repository(mirror)])
    links = []
    for client in range(8):
        link = socket.socket(socket.AF_UNIX)
        link.connect(str(agent.socket))
        questions = [{"op": "hello", "asker": "cli", "version": 1}]
        questions += [{"op": "get", "id": one + 1, "url": f"{mirror.url}/none/{client}/{one}"} for one in range(250)]
        threading.Thread(target=link.sendall, args=["".join(json.dumps(question) + "\n" for question in questions).encode()], daemon=True).start()
        links.append(link)
    wait_until(lambda: sum(agent.status()["requests"].values()) >= 2000, 60, "they are all asked")
    ended(agent, "thousands of requests")
    for link in links:
        link.close()


@pytest.mark.limit(180)
@pytest.mark.parametrize("already", ["starting", "running"])
def test_it_ends_in_time_while_the_sources_cannot_be_read(world, stock, already):
    """A file system that does not answer, by a pipe that nobody writes to."""
    mirror = world.mirror("m1", stock.debian.base)
    machine = world.machine("c1")
    apt = world.folder / "etc-apt"
    apt.mkdir()
    agent = machine.prepare_agent([stock.debian_repository(mirror)],
                                  change=lambda settings: settings.update(sources={"apt": True, "pacman": False, "apt_dir": apt}))
    if already == "running":
        agent.start()
        os.mkfifo(apt / "sources.list")
        os.kill(agent.child.pid, 1)
        wait_until(lambda: any("pipe" in wait or "fifo" in wait for wait in waits(agent)), 20, lambda: f"it waits for the pipe: {waits(agent)}")
    else:
        os.mkfifo(apt / "sources.list")
        with pytest.raises(Failed, match="not within"):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("harness.agent.READY_WITHIN", 3)
                agent.start()
    ended(agent, f"{already} with sources that cannot be read")
    (apt / "sources.list").unlink()
    agent.start()


def waits(agent):
    """What each of its threads waits for in the kernel."""
    return [path.read_text() for path in pathlib.Path(f"/proc/{agent.child.pid}/task").glob("*/wchan")]
