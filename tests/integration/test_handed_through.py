"""Files that no index vouches for: what a client says of the part it wants and of caches reaches the server, and the
answer is the server's, as without the gateway."""
import pathlib

import pytest

from harness.processes import wait_until

SIZE = 3_000_000
TOLD = ("range", "if_range", "cache_control")
TERMS = {
    "whole": [],
    "rest": ["Range: bytes=1000000-"],
    "part": ["Range: bytes=5-1000"],
    "first bytes": ["Range: bytes=0-9"],
    "to beyond the end": ["Range: bytes=2999999-9999999"],
    "beyond the end": ["Range: bytes=3000000-"],
    "of this file": ["Range: bytes=10-", "If-Range: {date}"],
    "of another file": ["Range: bytes=10-", "If-Range: Sun, 06 Nov 1994 08:49:37 GMT"],
    "of a tag": ["Range: bytes=10-", "If-Range: {tag}"],
    "of another tag": ["Range: bytes=10-", 'If-Range: "other"'],
    "past caches": ["Cache-Control: no-cache"],
    "a part past caches": ["Range: bytes=10-20", "Cache-Control: no-cache, no-store"],
    "by age": ["Cache-Control: max-age=60"],
}


@pytest.fixture
def place(world, stock, tmp_path):
    folder = tmp_path / "extra"
    folder.mkdir()
    (folder / "notes.bin").write_bytes(bytes(index * 7 % 251 for index in range(SIZE)))
    mirror = world.mirror("m1", stock.debian.base, extra=("/extra", folder))
    machine = world.machine("c1")
    machine.start_agent([stock.debian_repository(mirror)])
    return machine, mirror, mirror.url.replace("/debian", "/extra/notes.bin")


def heard(mirror, count):
    """What the mirror was asked for; nginx writes a line after its answer."""
    wait_until(lambda: len(mirror.requests()) >= count, 5, lambda: f"{count} requests: {mirror.requests()}")
    return mirror.requests()


def ask(machine, url, terms, out, proxy=None):
    argv = ["curl", "-sS", "--max-time", "30", "--dump-header", f"{out}.head", "--output", out, "--write-out", "%{http_code}"]
    argv += [word for line in terms for word in ("--header", line)] + (["--proxy", proxy] if proxy else ["--noproxy", "*"])
    status = machine.node.run([*argv, url]).stdout
    lines = (line.split(": ", 1) for line in pathlib.Path(f"{out}.head").read_text().splitlines() if ": " in line)
    head = {name.lower(): value for name, value in lines}
    body = out.read_bytes() if status.startswith("2") else b""
    return {"status": status, "body": body, "content-range": head.get("content-range")}, head


@pytest.mark.parametrize("name", TERMS)
def test_the_server_hears_what_the_client_says_and_its_answer_comes_back(place, tmp_path, name):
    machine, mirror, url = place
    _, head = ask(machine, url, [], tmp_path / "first")
    heard(mirror, 1)
    terms = [line.format(date=head["last-modified"], tag=head["etag"]) for line in TERMS[name]]
    mirror.forget()
    plain, _ = ask(machine, url, terms, tmp_path / "plain")
    told = [{key: one[key] for key in TOLD} for one in heard(mirror, 1)]
    mirror.forget()
    ours, _ = ask(machine, url, terms, tmp_path / "ours", machine.agent.gateway)
    assert ours == plain
    asked = heard(mirror, 1)
    assert [{key: one[key] for key in TOLD} for one in asked] == told
    assert sum(one["body"] for one in asked) <= len(plain["body"]) + 1000, "no more moves than without us"


def test_the_last_bytes_are_the_last_bytes(place, tmp_path):
    machine, _, url = place
    plain, _ = ask(machine, url, ["Range: bytes=-7"], tmp_path / "plain")
    assert ask(machine, url, ["Range: bytes=-7"], tmp_path / "ours", machine.agent.gateway)[0] == plain


def test_a_server_without_ranges_gives_the_whole(world, stock, tmp_path):
    folder = tmp_path / "extra"
    folder.mkdir()
    (folder / "notes.bin").write_bytes(bytes(index * 7 % 251 for index in range(SIZE)))
    mirror = world.mirror("m1", stock.debian.base, extra=("/extra", folder), max_ranges=0)
    machine = world.machine("c1")
    machine.start_agent([stock.debian_repository(mirror)])
    url = mirror.url.replace("/debian", "/extra/notes.bin")
    ours, _ = ask(machine, url, ["Range: bytes=100-199"], tmp_path / "ours", machine.agent.gateway)
    whole = (folder / "notes.bin").read_bytes()
    assert (ours["status"], ours["body"]) in [("200", whole), ("206", whole[100:200])]


def test_curl_goes_on_from_where_it_was_interrupted(place, tmp_path):
    machine, mirror, url = place
    out = tmp_path / "out"
    ask(machine, url, [], tmp_path / "whole")
    heard(mirror, 1)
    whole = (tmp_path / "whole").read_bytes()
    out.write_bytes(whole[:2_000_000])
    mirror.forget()
    machine.node.run(["curl", "-sS", "--fail", "--continue-at", "-", "--proxy", machine.agent.gateway, "--output", out, url])
    assert out.read_bytes() == whole
    assert sum(one["body"] for one in heard(mirror, 1)) == 1_000_000
