"""Heads that say where they end, or whom they mean, in a way that others may read otherwise: refused, and the connection closed."""
import json
import sys

import pytest

SAY = """
import json, socket, sys
answers = []
for head in json.load(sys.stdin):
    line = socket.create_connection(("127.0.0.1", 7878), timeout=20)
    line.sendall(head.encode("latin-1"))
    text = b""
    try:
        while more := line.recv(65536): text += more
        answers.append([text.decode("latin-1"), True])
    except TimeoutError:
        answers.append([text.decode("latin-1"), False])
print(json.dumps(answers))
"""


@pytest.fixture
def shop(world, stock):
    mirror = world.mirror("m1", stock.arch.base)
    machine = world.machine("c1")
    agent = machine.start_agent([stock.pacman_repository(mirror)])
    agent.ask("refresh")
    agent.mirror = mirror
    return agent


def told(agent, heads):
    """(status, text, whether the agent closed) for each."""
    answers = json.loads(agent.node.run([sys.executable, "-c", SAY], stdin=json.dumps(heads), timeout=110).stdout)
    return [(int(text.split(" ")[1]) if text else 0, text, closed) for text, closed in answers]


def head(target, host="127.0.0.1:7878", more="", version="1.1"):
    return f"GET {target} HTTP/{version}\r\n" + ("" if host is None else f"Host: {host}\r\n") + more + "\r\n"


def test_odd_heads_are_refused_and_the_connection_is_closed(shop):
    path, url = "/lab/os/x86_64/lab.db", f"{shop.mirror.url}/lab/os/x86_64/lab.db"
    name = shop.mirror.node.ip
    bodies = ["Transfer-Encoding: chunked\r\n", "transfer-ENCODING: xchunked\r\n", "Transfer-Encoding:\tchunked\t\r\n", "Transfer-Encoding:\r\n",
              "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n", "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n",
              "Transfer-Encoding : chunked\r\n", "Content-Length: 0\r\nContent-Length: 0\r\n", "Content-Length: 0, 0\r\n",
              "Content-Length: +0\r\n", "Content-Length: -1\r\n", "Content-Length:\r\n", "Content-Length: 5\r\n"]
    hosts = ["", "u@127.0.0.1", "127.0.0.1 evil", "127.0.0.1,evil", "127.0.0.1/evil", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:x", "caf\xe9", "[::1", "::1",
             "127.0.0.1\r\nHost: 127.0.0.1", None]
    heads = [head(path, more=more) for more in bodies] + [head(url, name, more) for more in bodies]
    heads += [head(path, host) for host in hosts] + [head(url, host) for host in hosts]
    heads += [head(url, host) for host in ("other.example", f"{name}:81", "127.0.0.1:7878")]
    heads = [one + "GET / HTTP/1.1\r\n\r\n" for one in heads]  # what comes behind one of them is not answered
    for sent, (status, text, closed) in zip(heads, told(shop, heads)):
        assert status == 400 and closed and text.count("HTTP/1.1") == 1, (sent, text, closed)
        assert len(text.split("\r\n\r\n")[1]) < 200 and "Connection: close" in text, text


def test_plain_heads_are_answered(shop):
    path, url, name = "/lab/os/x86_64/lab.db", f"{shop.mirror.url}/lab/os/x86_64/lab.db", shop.mirror.node.ip
    close = "Connection: close\r\n"
    heads = [head(path, host, close) for host in ("127.0.0.1", "127.0.0.1:7878", "LOCALHOST:7878", "localhost.", "[::1]:7878")]
    heads += [head(path, None, version="1.0"), head(url, None, version="1.0"), head(path, more=close + "Content-Length: 0\r\n")]
    heads += [head(url, host, close) for host in (name, f"{name}:80")]
    for sent, (status, text, closed) in zip(heads, told(shop, heads)):
        assert status == 200 and closed, (sent, text)


@pytest.mark.parametrize("host", ["deb.example", "DEB.Example", "deb.example.", "deb.example:8080", "deb.example:80", "[2001:db8::1]", "[2001:db8::1]:8080"])
def test_curl_and_wget_send_no_head_that_is_refused(shop, host):
    """Nobody is there: what the agent says then is that, and not that it does not understand."""
    for program in (["curl", "-sv", "-m", "60", "-x", "http://127.0.0.1:7878"], ["wget", "-t1", "-T60", "-SO-", "-e", "use_proxy=on", "-e", "http_proxy=http://127.0.0.1:7878"]):
        said = shop.node.run([*program, f"http://{host}/pool/x.deb"], check=False, timeout=70).stdout
        assert "HTTP/1.1 " in said and "HTTP/1.1 400" not in said, said
