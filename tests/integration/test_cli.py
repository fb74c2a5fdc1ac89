"""The command line with a fake agent, without one, and with an agent that fails: files arrive, words and exit codes are right."""
import json
import os
import pathlib
import pty
import subprocess

import pytest
from apt_sandbox import Sandbox, Stock
from conftest import PROGRAMS

from harness.processes import run, wait_until

PROGRAM = PROGRAMS / "packswarm"


@pytest.fixture(scope="module")
def cli_stock():
    made = Stock()
    yield made
    made.household.close()


@pytest.fixture
def sandbox(cli_stock):
    assert PROGRAM.exists(), f"{PROGRAM} is not built; set PACKSWARM_BUILD"
    made = Sandbox(cli_stock, PROGRAM)
    yield made
    made.close()


def packswarm(sandbox, *words, **more):
    return run([PROGRAM, *words], env={"PACKSWARM_SOCKET": str(sandbox.socket), **more.pop("env", {})}, **more)


def package(sandbox, name="big00"):
    one = sandbox.stock.debian.packages[name]
    return f"{sandbox.mirror.url}/{one.path}", sandbox.stock.debian.base / one.path, sandbox.folder / f"{name}.deb"


def test_fetch_gets_a_file_through_the_agent_with_its_time(sandbox):
    sandbox.agent("good")
    url, source, out = package(sandbox)
    packswarm(sandbox, "fetch", url, out)
    assert out.read_bytes() == source.read_bytes() and out.stat().st_mtime == int(source.stat().st_mtime)
    assert sandbox.mirror.requests() == []


@pytest.mark.parametrize("mode", [None, "refuse", "absent", "die", "garbage", "unasked"])
def test_fetch_falls_back_to_the_server_itself(sandbox, mode):
    if mode:
        sandbox.agent(mode, after=1_000_000)
    url, source, out = package(sandbox)
    answer = packswarm(sandbox, "fetch", url, out)
    assert "packswarm: " in answer.stdout, "a person is told why"
    assert out.read_bytes() == source.read_bytes() and len(sandbox.mirror.requests()) == 1


def test_fetch_brings_a_database_with_the_signature_of_its_own_server_when_the_agent_dies_between_them(sandbox):
    agent = sandbox.agent("die_at_signature")
    base = sandbox.stock.debian.base
    for name, text in (("lab.db", "a database"), ("lab.db.sig", "its signature")):
        (base / name).write_text(text)
    packswarm(sandbox, "fetch", f"{sandbox.mirror.url}/lab.db", sandbox.folder / "lab.db.part")
    assert [command["url"].rpartition("/")[2] for command in agent.commands()] == ["lab.db", "lab.db.sig"]
    assert (sandbox.folder / "lab.db.part").read_text() == "a database"
    assert (sandbox.folder / "lab.db.sig").read_text() == "its signature"
    assert len(sandbox.mirror.requests()) == 2, "both from the server"


def test_fetch_gives_many_files_at_once(sandbox):
    agent = sandbox.agent("good")
    jobs = [package(sandbox, one.name) for one in sandbox.stock.packages]
    listing = sandbox.folder / "jobs"
    listing.write_text("".join(f"{url} {out}\n" for url, _, out in jobs))
    answer = json.loads(packswarm(sandbox, "fetch", "--json", "--input", listing).stdout)
    assert all(source.read_bytes() == out.read_bytes() for _, source, out in jobs)
    assert len(answer["files"]) == len(agent.commands()) == len(jobs) and all(one["ok"] and not one["direct"] for one in answer["files"])


def test_fetch_fails_when_nobody_has_the_file(sandbox):
    sandbox.agent("good")
    answer = packswarm(sandbox, "fetch", f"{sandbox.mirror.url}/pool/nothing.deb", sandbox.folder / "out", check=False)
    assert answer.returncode == 1 and "nothing.deb" in answer.stdout
    assert not (sandbox.folder / "out").exists()


def test_fetch_never_shows_credentials_to_the_agent(sandbox):
    agent = sandbox.agent("good")
    url, source, out = package(sandbox, "tiny01")
    packswarm(sandbox, "fetch", url.replace("http://", "http://user:secret@"), out)
    assert agent.commands() == [] and out.read_bytes() == source.read_bytes()


def test_fetch_draws_a_bar_on_a_terminal_only(sandbox):
    sandbox.agent("good", rate=6_000_000)
    url, _, out = package(sandbox)
    assert "\r" not in packswarm(sandbox, "fetch", url, out).stdout
    ours, theirs = pty.openpty()
    child = subprocess.Popen([PROGRAM, "--socket", sandbox.socket, "fetch", url, out], stderr=theirs, stdout=theirs)
    os.close(theirs)
    seen = b""
    try:
        while part := os.read(ours, 4096):
            seen += part
    except OSError:  # how a terminal ends
        pass
    assert child.wait(20) == 0 and b"big00.deb" in seen and b"%" in seen and b"#" in seen


def test_answers_are_shown_and_given_as_json(sandbox):
    answers = {"status": {"version": "9.9", "pid": 1, "uptime_s": 5, "repositories": []}, "mirrors": {"mirrors": []}, "peers": {"peers": []},
               "explain": {"query": "hello", "entries": [], "transfers": []}, "refresh": {"repositories": []}}
    (sandbox.folder / "answers").write_text(json.dumps(answers))
    agent = sandbox.agent("good", answers=sandbox.folder / "answers")
    for op, result in answers.items():
        words = [op, "hello"] if op == "explain" else [op]
        assert packswarm(sandbox, *words).stdout
        assert json.loads(packswarm(sandbox, *words, "--json").stdout) == result
    assert agent.commands("explain")[0]["package"] == "hello"


def test_without_an_agent_a_question_says_what_to_do(sandbox):
    answer = packswarm(sandbox, "status", check=False)
    assert answer.returncode == 1 and "no agent answers" in answer.stdout and "systemctl start packswarmd" in answer.stdout


def test_wrong_words_end_with_status_2(sandbox):
    for words in ([], ["nonsense"], ["fetch"], ["fetch", "http://a"], ["setup", "dnf"], ["explain"], ["import", "--from", "apt"], ["bundle"], ["import", "--bundle", "x", "--apt"]):
        assert packswarm(sandbox, *words, check=False).returncode == 2, words


def test_share_and_import_hand_over_open_files(sandbox):
    (sandbox.folder / "answers").write_text(json.dumps({"share": {"state": "shared", "size": 7}, "import": {"state": "taken"}}))
    agent = sandbox.agent("good", answers=sandbox.folder / "answers")
    _, source, _ = package(sandbox, "tiny01")
    assert "shared" in packswarm(sandbox, "share", source).stdout
    cache = sandbox.folder / "root/var/cache/apt/archives"
    cache.mkdir(parents=True)
    for name in ("a_1_all.deb", "b_1_all.deb", "lock"):
        (cache / name).write_text(name)
    given = json.loads(packswarm(sandbox, "import", "--json", "--apt", "--root", sandbox.folder / "root").stdout)["files"]
    assert {pathlib.Path(one["path"]).name for one in given} == {"a_1_all.deb", "b_1_all.deb"} and {one["state"] for one in given} == {"taken"}
    assert [command["fd"] for command in agent.commands("share") + agent.commands("import")] == [True] * 3


def test_import_in_the_background_returns_before_the_agent_has_answered(sandbox):
    agent = sandbox.agent("good")
    _, source, _ = package(sandbox, "tiny01")
    packswarm(sandbox, "import", "--quiet", "--background", "--stdin", stdin=f"{source}\nrelative\n")
    wait_until(lambda: agent.commands("import"), 10, "the agent is asked")
    assert agent.commands("import")[0]["path"] == str(source)


def test_import_for_a_package_manager_is_quiet_without_an_agent(sandbox):
    _, source, _ = package(sandbox, "tiny01")
    answer = packswarm(sandbox, "import", "--quiet", "--background", "--stdin", stdin=f"{source}\n")
    assert answer.stdout == ""


def test_setup_shows_makes_and_takes_back_its_change(sandbox):
    root = sandbox.folder / "root"
    (root / "etc").mkdir(parents=True)
    original = "[options]\nArchitecture = auto\n[core]\nInclude = /etc/pacman.d/mirrorlist\n"
    (root / "etc/pacman.conf").write_text(original)
    words = ["setup", "pacman", "--root", root, "--pacman-version", "6.1"]
    shown = packswarm(sandbox, *words, "--dry-run").stdout
    assert "+CacheServer = http://127.0.0.1:7878/$repo/os/$arch" in shown and (root / "etc/pacman.conf").read_text() == original
    packswarm(sandbox, *words)
    assert "CacheServer" in (root / "etc/pacman.conf").read_text() and (root / "etc/pacman.d/hooks/packswarm.hook").exists()
    assert "in place already" in packswarm(sandbox, *words).stdout
    packswarm(sandbox, "setup", "pacman", "--undo", "--root", root)
    assert (root / "etc/pacman.conf").read_text() == original and not (root / "etc/pacman.d/hooks/packswarm.hook").exists()


def test_doctor_finds_an_apt_that_would_fail(sandbox):
    folder = sandbox.folder / "root/etc/apt/apt.conf.d"
    folder.mkdir(parents=True)
    (sandbox.folder / "answers").write_text(json.dumps({"status": {}, "doctor": {"checks": [{"name": "store", "state": "ok", "message": "free"}]}}))
    sandbox.agent("good", answers=sandbox.folder / "answers")
    healthy = packswarm(sandbox, "doctor", "--root", sandbox.folder / "root")
    assert "ok    agent" in healthy.stdout and "apt does not come to the agent" in healthy.stdout and "ok    store" in healthy.stdout
    (folder / "90packswarm").write_text('Dir::Bin::Methods::http "/gone/method";\n')
    broken = packswarm(sandbox, "doctor", "--root", sandbox.folder / "root", check=False)
    assert broken.returncode == 1 and "fail  apt" in broken.stdout and "rm " in broken.stdout
    checks = json.loads(packswarm(sandbox, "doctor", "--json", "--root", sandbox.folder / "root", check=False).stdout)["checks"]
    assert [check["state"] for check in checks if check["name"] == "apt"] == ["fail"]


def test_apt_gives_its_packages_to_the_agent_before_dpkg_runs(sandbox):
    """A real transaction through the file that setup writes; dpkg itself is played by true."""
    agent = sandbox.agent("good")
    root = sandbox.folder / "root"
    method = root / str(PROGRAMS / "packswarm-apt-method").lstrip("/")
    method.parent.mkdir(parents=True)
    method.touch()
    packswarm(sandbox, "setup", "apt", "--root", root)
    apt = sandbox.apt((root / "etc/apt/apt.conf.d/90packswarm").read_text() + 'Dir::Bin::dpkg "/bin/true"; APT::Install-Recommends "0";\n')
    apt.update()
    apt.get("install", "--yes", "tiny01", "tiny02")
    wait_until(lambda: len(agent.commands("import")) == 2, 10, lambda: f"both are offered: {agent.child.text()[-500:]}")
    assert {pathlib.Path(one["path"]).parent for one in agent.commands("import")} == {apt.archives}


def test_pacman_gives_its_packages_to_the_agent_after_a_transaction(sandbox):
    """Real pacman runs the hook that setup writes, in a root folder of its own, where hooks find /usr and the command line."""
    sandbox.agent("good")
    root = sandbox.folder / "root"
    for part in ("usr", "dev", "etc", "tmp", "var/lib/pacman", "var/cache/pacman/pkg", str(PROGRAMS).lstrip("/"), str(sandbox.folder).lstrip("/")):
        (root / part).mkdir(parents=True, exist_ok=True)
    for name in ("bin", "lib", "lib64"):
        (root / name).symlink_to(f"usr/{name}")
    (root / "etc/pacman.conf").write_text("[options]\nSigLevel = Never\n[lab]\nServer = http://127.0.0.1:1\n")
    packswarm(sandbox, "setup", "pacman", "--root", root, "--pacman-version", "6.0")
    tree = sandbox.folder / "tree"
    (tree / "opt").mkdir(parents=True)
    (tree / ".PKGINFO").write_text("pkgname = hooked\npkgver = 1-1\npkgdesc = x\nurl = x\nbuilddate = 1700000000\npackager = x\nsize = 1\narch = any\n")
    cached = root / "var/cache/pacman/pkg/hooked-1-1-any.pkg.tar"
    run(["bsdtar", "-cf", cached, ".PKGINFO", "opt"], cwd=tree)
    binds = "".join(f"mount --bind {folder} {root}{folder}; " for folder in ("/usr", "/dev", PROGRAMS, sandbox.folder))
    run(["unshare", "-m", "sh", "-ec", f"{binds} exec pacman --root {root} --config {root}/etc/pacman.conf --dbpath {root}/var/lib/pacman "
         f"--hookdir {root}/etc/pacman.d/hooks --noconfirm -U {cached}"])
    log = sandbox.folder / "agent1.log"
    wait_until(lambda: '"op": "import"' in log.read_text() and "hooked-1-1" in log.read_text(), 10, lambda: log.read_text())
