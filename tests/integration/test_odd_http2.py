"""What a server may do with HTTP/2 and should not: each answer ends, in time and in little memory, and the agent goes on with others."""
import pathlib
import sys

from harness import odd_http2
from harness.keys import Authority
from harness.processes import wait_until

WITHIN = 90  # seconds; ten of silence, the agent's and then those of the program itself
MEMORY = 64 << 20
MAY_SUCCEED = {"endless", "trailers"}


def anonymous(agent):
    status = pathlib.Path(f"/proc/{agent.child.pid}/status").read_text()
    return int(status.split("RssAnon:")[1].split()[0]) * 1024


def test_no_oddity_of_http2_ends_or_fills_the_agent(world, stock):
    authority = Authority(world.folder / "authority")
    good = world.mirror("m1", stock.debian.base, authority=authority)
    node = world.network.node("odd")
    server = node.child([sys.executable, odd_http2.__file__, node.ip, *authority.issue(node.ip)], world.folder / "odd.log")
    wait_until(lambda: "ready" in server.text(), 20, lambda: f"the odd server listens: {server.text()}")
    machine = world.machine("c1")
    agent = machine.start_agent([stock.debian_repository(good)], change=lambda settings: settings.setdefault("web", {}).update(ca_file=str(authority.certificate)))
    fetch = [world.programs / "packswarm", "--socket", machine.socket(), "fetch"]
    before = anonymous(agent)
    asked = {name: machine.node.child([*fetch, f"https://{node.ip}:{port}/{name}.deb", machine.folder / name], world.folder / f"{name}.fetch")
             for name, port in odd_http2.PORTS.items()}
    package = stock.debian.packages["middle02"]
    machine.node.run([*fetch, f"{good.url}/{package.path}", machine.folder / "right"], timeout=30)
    assert (machine.folder / "right").read_bytes() == (stock.debian.base / package.path).read_bytes()
    codes = {name: child.wait(WITHIN) for name, child in asked.items()}
    assert {name for name, code in codes.items() if code == 0} <= MAY_SUCCEED, {name: asked[name].text() for name, code in codes.items() if code == 0}
    assert all(name in server.text() for name in odd_http2.ODDITIES), "each was asked"
    for name in (name for name, code in codes.items() if code != 0):
        said = asked[name].text()
        assert said.strip() and len(said.splitlines()) <= 4, (name, said)
    assert agent.child.alive() and agent.status()["mishaps"] == 0, agent.log()[-3000:]
    assert anonymous(agent) - before < MEMORY, f"{before >> 20} MiB, then {anonymous(agent) >> 20}"
    machine.node.run([*fetch, f"{good.url}/{package.path}", machine.folder / "again"], timeout=30)
