"""apt's download method with an agent that behaves, misbehaves, dies or is not there: apt gets the right files and exit status 0."""
import os
import pathlib
import time

import pytest
from apt_sandbox import Conversation, GuardedMirror, Sandbox, Stock
from conftest import PROGRAMS

from harness.debian import DebianRepository
from harness.processes import size_of, wait_until


@pytest.fixture(scope="module")
def method_stock():
    made = Stock()
    yield made
    made.household.close()


@pytest.fixture
def sandbox(method_stock):
    program = PROGRAMS / "packswarm-apt-method"
    assert program.exists(), f"{program} is not built; set PACKSWARM_BUILD"
    made = Sandbox(method_stock, program)
    yield made
    made.close()


def names(sandbox):
    return [package.name for package in sandbox.stock.packages]


def assert_right(sandbox, apt):
    assert apt.wrong(sandbox.stock.packages) == []
    assert list((apt.archives / "partial").iterdir()) == []


def test_update_and_install_come_from_the_agent_alone(sandbox):
    agent = sandbox.agent("good")
    apt = sandbox.apt()
    update = apt.update().stdout
    assert "Err:" not in update and "W:" not in update, update
    install = apt.install(names(sandbox)).stdout
    assert_right(sandbox, apt)
    assert install.count("Get:") == len(names(sandbox)) and "Fetched 12" in install, install
    assert sandbox.mirror.requests() == []
    asked = {command["url"].rsplit("/", 1)[1]: command for command in agent.commands()}
    for package in sandbox.stock.packages:
        command = asked[os.path.basename(package.path)]
        assert (command["sha256"], command["size"]) == (package.sha256, package.size)


def test_the_files_keep_the_time_that_the_mirror_gave(sandbox):
    sandbox.agent("good")
    apt = sandbox.apt()
    apt.update()
    apt.install(["tiny03"])
    package = sandbox.stock.debian.packages["tiny03"]
    there = (sandbox.stock.debian.base / package.path).stat().st_mtime
    assert next(apt.archives.glob("tiny03*.deb")).stat().st_mtime == int(there)


def test_an_unchanged_index_is_a_hit(sandbox):
    agent = sandbox.agent("good")
    apt = sandbox.apt()
    apt.update()
    assert "Hit:" in apt.update().stdout
    assert agent.commands()[-1]["since"] > 0
    assert sandbox.mirror.requests() == []


@pytest.mark.parametrize("mode", ["refuse", "absent", "silent", "wrong", "too_big", "garbage", "unasked"])
def test_apt_gets_its_files_from_an_agent_that_does_not_deliver(sandbox, mode):
    sandbox.agent(mode)
    apt = sandbox.apt()
    apt.update()
    apt.install(names(sandbox))
    assert_right(sandbox, apt)


def test_apt_gets_its_files_without_an_agent(sandbox):
    apt = sandbox.apt()
    apt.update()
    install = apt.install(names(sandbox)).stdout
    assert "W:" not in install, install
    assert_right(sandbox, apt)


@pytest.mark.parametrize("mode", ["die", "stall"])
def test_apt_gets_its_files_from_an_agent_that_stops_in_the_middle(sandbox, mode):
    agent = sandbox.agent("good")
    apt = sandbox.apt()
    apt.update()
    agent.child.kill()
    sandbox.socket.unlink()
    sandbox.agent(mode, after=3_000_000)
    apt.install(names(sandbox))
    assert_right(sandbox, apt)


def test_bytes_that_were_replaced_while_they_came_are_copied_again(sandbox):
    sandbox.agent("replaced")
    apt = sandbox.apt()
    apt.update()
    apt.install(names(sandbox))
    assert_right(sandbox, apt)
    assert sandbox.mirror.requests() == []


def test_apt_keeps_more_than_ten_files_in_flight(sandbox):
    agent = sandbox.agent("good")
    apt = sandbox.apt()
    apt.update()
    agent.child.kill()
    sandbox.socket.unlink()
    silent = sandbox.agent("silent")
    child = apt.child(*apt.install_argv(names(sandbox)))
    wait_until(lambda: len(silent.commands()) == len(names(sandbox)), 10, lambda: f"all is asked for at once: {len(silent.commands())}")
    assert child.wait(60) == 0


@pytest.mark.parametrize("asks_why", [True, False])
def test_with_no_source_at_all_apt_says_its_own_error_and_we_ours_where_that_is_asked_for(sandbox, asks_why):
    agent = sandbox.agent("good")
    apt = sandbox.apt('Debug::Packswarm "true";\n' if asks_why else "")
    apt.update()
    agent.child.kill()
    sandbox.mirror.stop()
    answer = apt.install(["tiny01"], check=False)
    assert answer.returncode == 100 and "E: Failed to fetch" in answer.stdout, answer.stdout
    assert ("packswarm: no agent answers" in answer.stdout) == asks_why, answer.stdout


def test_credentials_in_the_address_are_never_shown_to_the_agent(sandbox):
    agent, guarded = sandbox.agent("good"), GuardedMirror(sandbox)
    apt = sandbox.apt(url=f"http://user:secret@{guarded.place}")
    apt.update()
    apt.install(["tiny01"])
    assert agent.commands() == []


def test_logins_that_only_root_may_read_work_and_are_never_shown_to_the_agent(sandbox):
    agent, guarded = sandbox.agent("good"), GuardedMirror(sandbox)
    apt = sandbox.apt(url=f"http://{guarded.place}")
    (apt.folder / "etc/auth.conf.d").mkdir()
    login = apt.folder / "etc/auth.conf.d/lab.conf"
    login.write_text(f"machine http://{guarded.place}\nlogin user\npassword secret\n")
    login.chmod(0o600)
    apt.update()
    apt.install(["tiny01"])
    assert agent.commands() == [] and guarded.refused == []


@pytest.mark.parametrize("setting", ["Acquire::http::Proxy", "Acquire::http::Proxy::127.0.0.9"])
def test_a_proxy_that_is_set_is_used_without_us(sandbox, setting):
    agent = sandbox.agent("good")
    apt = sandbox.apt(f'{setting} "http://127.0.0.9:{sandbox.mirror.port}";\n', url="http://127.0.0.9:1/debian")
    apt.update()
    assert agent.commands() == []


def test_a_direct_connection_that_is_set_goes_through_the_agent(sandbox):
    agent = sandbox.agent("good")
    apt = sandbox.apt('Acquire::http::Proxy "http://127.0.0.1:1"; Acquire::http::Proxy::127.0.0.9 "DIRECT";\n')
    apt.update()
    assert agent.commands() and sandbox.mirror.requests() == []


def test_a_methods_folder_that_holds_this_very_program_is_not_used(sandbox):
    loop = sandbox.folder / "loop"
    loop.mkdir()
    (loop / "http").symlink_to(sandbox.program)
    apt = sandbox.apt(f'Packswarm::Methods "{loop}";\n')
    apt.update()
    apt.install(["tiny01"])


def test_it_says_what_it_can_do_at_once(sandbox):
    begin = time.monotonic()
    talk = Conversation(sandbox)
    assert time.monotonic() - begin < 0.5
    wanted = {"Pipeline": "true", "Send-Config": "true", "Send-URI-Encoded": "true"}
    assert talk.greeting["code"] == 100 and wanted.items() <= talk.greeting.items()
    assert "Single-Instance" not in talk.greeting, "one host's failure would hold up the others in apt's queue"


def address(sandbox, package):
    return f"{sandbox.mirror.url}/{package.path}"


def test_the_file_grows_while_it_is_on_its_way(sandbox):
    sandbox.agent("good", rate=3_000_000)
    package = sandbox.stock.debian.packages["big00"]
    talk, target = Conversation(sandbox), sandbox.folder / "target.deb"
    talk.acquire(address(sandbox, package), target, Expected_SHA256=package.sha256, Expected_Checksum_FileSize=package.size)
    start = talk.hear_until(200)
    assert int(start["Size"]) == package.size and "Last-Modified" in start
    wait_until(lambda: size_of(target) > 0, 5, "the first bytes")
    first = size_of(target)
    wait_until(lambda: first < size_of(target) < package.size, 5, "more bytes, and not yet all")
    done = talk.hear_until(201)
    assert done["SHA256-Hash"] == package.sha256 and int(done["Checksum-FileSize-Hash"]) == int(done["Size"]) == package.size


def test_hashes_are_computed_and_not_repeated_from_what_apt_expects(sandbox):
    """No hash is expected: the reply still names the right ones; a wrong one is expected: no 201 with it ever comes."""
    sandbox.agent("good")
    package = sandbox.stock.debian.packages["tiny00"]
    talk, target = Conversation(sandbox), sandbox.folder / "target.deb"
    talk.acquire(address(sandbox, package), target)
    assert talk.hear_until(201)["SHA256-Hash"] == package.sha256
    talk.acquire(address(sandbox, package), target, Expected_SHA256="0" * 64)
    answer = talk.hear_until(201)  # apt's own method's, which apt itself will compare
    assert answer["SHA256-Hash"] == package.sha256 and len(sandbox.mirror.requests()) == 1


def test_more_than_apt_allows_is_never_taken(sandbox):
    sandbox.agent("good")
    package = sandbox.stock.debian.packages["big00"]
    talk, target = Conversation(sandbox), sandbox.folder / "target.deb"
    talk.acquire(address(sandbox, package), target, Maximum_Size=1000)
    assert talk.hear_until(400)["FailReason"] == "MaximumSizeExceeded"
    assert size_of(target) <= 1000


def test_what_the_agent_says_cannot_become_a_message_to_apt(sandbox):
    sandbox.agent("unasked")
    sandbox.mirror.stop()
    talk = Conversation(sandbox, **{"Debug::Packswarm": "true"})
    talk.acquire(f"{sandbox.mirror.url}/x.deb", sandbox.folder / "x.deb")
    warning, failure = talk.hear_until(104), talk.hear_until(400)
    assert warning["Message"].startswith("packswarm: one") and failure["URI"].endswith("x.deb")


def fetched(sandbox, package, target, seen=3_000_000):
    """Asks for the package, whose agent dies later than `seen` bytes of it have come; gives the 200s and the 201."""
    talk = Conversation(sandbox)
    talk.acquire(address(sandbox, package), target, Expected_SHA256=package.sha256, Expected_Checksum_FileSize=package.size)
    heard = [talk.hear()]
    while heard[-1]["code"] != 201:
        heard.append(talk.hear())
    return [message for message in heard if message["code"] == 200], heard[-1]


def test_apts_own_method_goes_on_from_what_an_agent_that_died_has_left(sandbox):
    sandbox.agent("die", after=3_000_000, rate=4_000_000)
    package = sandbox.stock.debian.packages["big00"]
    begun, done = fetched(sandbox, package, sandbox.folder / "target.deb")
    assert done["SHA256-Hash"] == package.sha256
    [request] = sandbox.mirror.requests()
    begin = int(request["range"].removeprefix("bytes=").removesuffix("-"))
    assert request["status"] == 206 and begin > 0 and request["body"] == package.size - begin, request
    assert len(begun) == 1 and int(begun[0]["Size"]) == package.size, begun


def test_a_wrong_beginning_that_was_left_is_fetched_again_and_apt_hears_nothing_of_it(sandbox):
    sandbox.agent("die_wrong", after=3_000_000, rate=4_000_000)
    package = sandbox.stock.debian.packages["big00"]
    begun, done = fetched(sandbox, package, sandbox.folder / "target.deb")
    assert done["SHA256-Hash"] == package.sha256
    assert [(request["status"], request["range"] == "") for request in sandbox.mirror.requests()] == [(206, False), (200, True)]
    assert len(begun) == 1


def test_what_has_no_hash_is_fetched_from_its_start_after_us(sandbox):
    """Nobody could tell whether the beginning is right."""
    sandbox.agent("die", after=3_000_000)
    package = sandbox.stock.debian.packages["big00"]
    talk, target = Conversation(sandbox), sandbox.folder / "target.deb"
    talk.acquire(address(sandbox, package), target)
    assert talk.hear_until(201)["SHA256-Hash"] == package.sha256
    assert [request["range"] for request in sandbox.mirror.requests()] == [""]


def test_a_half_file_is_gone_on_with_after_we_were_interrupted_too(sandbox):
    sandbox.agent("good", rate=1_000_000)
    package = sandbox.stock.debian.packages["big00"]
    talk, target = Conversation(sandbox), sandbox.folder / "target.deb"
    talk.acquire(address(sandbox, package), target, Expected_SHA256=package.sha256, Expected_Checksum_FileSize=package.size)
    wait_until(lambda: size_of(target) > 0, 20, "the first bytes")
    talk.process.kill()
    talk.process.wait()
    source = sandbox.stock.debian.base / package.path
    assert int(target.stat().st_mtime) == int(source.stat().st_mtime), "apt's own method asks for the rest of a file of that date only"
    assert source.read_bytes().startswith(target.read_bytes())


def test_an_unfinished_file_of_an_earlier_run_is_resumed_by_apts_own_method(sandbox):
    sandbox.agent("refuse")
    package = sandbox.stock.debian.packages["big00"]
    source, target = sandbox.stock.debian.base / package.path, sandbox.folder / "target.deb"
    target.write_bytes(source.read_bytes()[:1_000_000])
    os.utime(target, (source.stat().st_mtime, int(source.stat().st_mtime)))
    talk = Conversation(sandbox)
    talk.acquire(address(sandbox, package), target, Expected_SHA256=package.sha256, Expected_Checksum_FileSize=package.size)
    assert talk.hear_until(201)["SHA256-Hash"] == package.sha256
    assert [request["range"] for request in sandbox.mirror.requests()] == ["bytes=1000000-"]


def test_it_ends_when_apt_goes_away_and_takes_its_children_along(sandbox):
    talk = Conversation(sandbox)
    talk.acquire(f"{sandbox.mirror.url}/dists/stable/InRelease", sandbox.folder / "InRelease")
    talk.hear_until(201)
    children = pathlib.Path(f"/proc/{talk.process.pid}/task/{talk.process.pid}/children").read_text().split()
    assert len(children) == 1
    talk.close()
    assert talk.process.returncode == 0 and not pathlib.Path(f"/proc/{children[0]}").exists()


def test_an_own_method_that_dies_is_a_passing_failure_and_started_again(sandbox):
    methods = sandbox.folder / "methods"
    methods.mkdir()
    (methods / "http").write_text("#!/bin/sh\nprintf '100 Capabilities\\nVersion: 1.0\\n\\n'\nread line\nexit 1\n")
    (methods / "http").chmod(0o755)
    talk = Conversation(sandbox, **{"Packswarm::Methods": methods})
    for _ in range(2):
        talk.acquire(f"{sandbox.mirror.url}/x.deb", sandbox.folder / "x.deb")
        assert talk.hear_until(400)["Transient-Failure"] == "true"


def newer(sandbox):
    repository = DebianRepository(sandbox.folder / "newer", sandbox.stock.key)
    repository.add("tiny00", 5_000, "2.0")
    return repository.publish().base


def test_a_list_that_the_agent_did_not_live_to_give_fails_no_update_where_the_server_is_behind(sandbox):
    """Of several mirrors of one repository the agent gives the newest root to all; this one has the former."""
    apt = sandbox.apt()
    apt.update()
    before = {file.name: file.read_bytes() for file in (apt.folder / "state/lists").glob("*_*")}
    sandbox.agent("die_at_list", folder=newer(sandbox))
    update = apt.update().stdout
    assert "Mirror sync in progress?" in update and "old ones used instead" in update, update
    assert {file.name: file.read_bytes() for file in (apt.folder / "state/lists").glob("*_*")} == before
    assert "Err:" not in apt.update().stdout, "the next one has the server's own root"


def test_a_list_that_fails_where_the_root_came_from_stays_an_error(sandbox):
    apt = sandbox.apt()
    apt.update()
    sandbox.agent("die_at_list", folder=newer(sandbox), source=sandbox.mirror.url)
    update = apt.update(check=False)
    assert update.returncode == 100 and "Mirror sync in progress?" in update.stdout, update.stdout
