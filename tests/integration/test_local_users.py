"""Other users of the machine at the control socket: what they say ends their question or their session, never the agent."""
import itertools
import json
import sys

import pytest

OPERATIONS = ("status", "explain", "mirrors", "peers", "doctor", "share", "import", "refresh", "bundle", "stored", "import_root")
WRONG = ('"package":5', '"package":null', '"package":["x"]', '"package":{}', '"package":true,"limit":2', '"limit":"x"', '"limit":-1',
         '"limit":1e300', '"path":7', '"path":{}', '"sha256":5', '"sha256":"short"', '"manifest":7', '"fd":"yes"')
ODD = ("", "null", "[]", "5", '"text"', "{}", '{"op":5,"id":1}', '{"op":"explain"}', '{"op":"explain","id":-1}', "\\u0000", "[" * 5000)
# Lines from its standard input, each in a session of its own; prints the last line of each answer.
SPEAK = """
import socket, sys
for line in sys.stdin:
    there = socket.socket(socket.AF_UNIX)
    there.connect(sys.argv[1])
    there.settimeout(10)
    there.sendall(b'{"op":"hello","asker":"cli","version":1}\\n' + line.encode())
    print(there.makefile().readline().strip(), flush=True)
"""


@pytest.fixture
def agent(world, stock):
    mirror = world.mirror("m1", stock.debian.base)
    return world.machine("c1").start_agent([stock.debian_repository(mirror)])


def answers_to_a_stranger(agent, lines):
    argv = ["setpriv", "--reuid=65533", "--regid=65533", "--clear-groups", sys.executable, "-c", SPEAK, agent.socket]
    said = agent.node.run(argv, stdin="".join(line + "\n" for line in lines)).stdout
    return [json.loads(line) for line in said.splitlines()]


def test_arguments_of_another_type_end_the_question(agent):
    lines = [f'{{"op":"{operation}","id":1,{wrong}}}' for operation, wrong in itertools.product(OPERATIONS, WRONG)]
    answers = answers_to_a_stranger(agent, lines)
    assert len(answers) == len(lines)
    assert {(answer["event"], answer["kind"]) for answer in answers} == {("failed", "refused")}
    assert agent.status()["mishaps"] == 0


def test_lines_that_are_no_command_end_the_session_at_most(agent):
    answers = answers_to_a_stranger(agent, ODD)
    assert {answer["event"] for answer in answers} == {"failed"} and len(answers) == len(ODD)
    assert agent.status()["mishaps"] == 0


def test_what_is_right_is_answered_beside_it(agent):
    answers = answers_to_a_stranger(agent, ['{"op":"explain","id":1,"package":5}', '{"op":"explain","id":1,"package":"tiny01","limit":3}'])
    assert [answer["event"] for answer in answers] == ["failed", "answer"]


# ---- what other users are told

def told_to_a_stranger(agent, *questions):
    return [answer["result"] for answer in
            answers_to_a_stranger(agent, [f'{{"op":"{one}","id":1}}' if isinstance(one, str) else json.dumps({"id": 1, **one})
                                          for one in questions])]


def test_other_users_see_nothing_of_private_repositories(world, stock, tmp_path):
    mirror, private = world.mirror("m1", stock.debian.base), world.mirror("m2", stock.arch.base)
    agent = world.machine("c1").start_agent([stock.debian_repository(mirror), stock.pacman_repository(private, public=False)])
    agent.ask("refresh")
    (stock.arch.base / "report.pdf").write_bytes(b"for few")
    agent.fetch(f"{private.url}/report.pdf?token=S3CRET", tmp_path / "out", check=False)
    listed = next(file for file in stock.arch.base.rglob("*.pkg.tar.zst"))
    agent.fetch(f"{private.url}/{listed.relative_to(stock.arch.base)}", tmp_path / "out2")
    answers = told_to_a_stranger(agent, "status", "mirrors", "doctor", {"op": "explain", "package": ""}, {"op": "explain", "package": "report"})
    text = json.dumps(answers)
    assert listed.name in json.dumps(agent.ask("explain", ""))
    for secret in ("S3CRET", "report.pdf", listed.name, private.url):
        assert secret not in text.replace('"query": "report"', "")
    assert answers[0]["hidden_repositories"] == 1
    assert [row["suite"] for row in answers[0]["repositories"]] == ["stable"]
    assert agent.status()["hidden_repositories"] == 0 and len(agent.status()["repositories"]) == 2
