"""A swarm in which three of ten peers lie: every file is right, little is fetched twice, the liars are banned and nobody else is."""
import pytest
from conftest import chosen

from harness import bad_peer
from harness.processes import wait_until

HONEST = 7
EXTRA = 0.10  # of the bytes needed
BANNED_WITHIN = 30  # seconds
MIRROR_RATES = (40, 20)  # Mbit/s: peers are worth asking


@pytest.fixture
def mirrors(world, stock):
    return [world.mirror(f"m{number}", stock.debian.base, up=rate) for number, rate in enumerate(MIRROR_RATES)]


def strangers(settings):
    """The test's network counts as the Internet."""
    settings["swarm"]["lan_networks"] = ["127.0.0.0/8"]
    settings["swarm"]["upload_limit"] = 0


def start_liars(world, stock, packages, modes, node=None):
    """One liar per mode, on a machine of its own or all on `node`: (child, endpoint) each."""
    out = []
    for number, mode in enumerate(modes):
        place = node or world.network.node(f"liar{len(world.network.nodes)}")
        port = 6881 + (number if node else 0)
        log = world.folder / f"liar-{place.name}-{port}.log"
        child = place.child(["/usr/bin/python3", bad_peer.__file__, mode, place.ip, port, *[stock.debian.base / package.path for package in packages]], log)
        out.append((child, f"{place.ip}:{port}"))
    for child, _ in out:
        wait_until(lambda: "ready" in child.text(), 30, lambda: f"the liar listens: {child.text()}")
    return out


class Fetcher:
    def __init__(self, world, stock, mirrors, name, peers=()):
        self.machine = world.machine(name)
        self.agent = self.machine.start_agent([stock.debian_repository(*mirrors)], change=strangers, peers=peers)
        self.apt = self.machine.apt([stock.source(mirrors[0])])
        self.apt.update()
        self.before = self.agent.gave()

    def wait_for_peers(self, count):
        wait_until(lambda: len(self.agent.ask("peers")["peers"]) >= count, 30, lambda: f"{count} peers: {self.agent.ask('peers')}\n{self.agent.log()[-2000:]}")
        return self

    def argv(self, packages):
        return self.apt.install_argv([package.name for package in packages])

    def install(self, packages):
        self.apt.get(*self.argv(packages), timeout=200)
        self.check(packages)

    def check(self, packages):
        assert self.apt.wrong(packages) == []

    def extra(self, packages):
        """Bytes received beyond those needed, and how many came from peers at all."""
        now = self.agent.gave()
        got = {kind: now[kind] - self.before[kind] for kind in ("mirror", "peer", "wasted")}
        print(f"{self.machine.name}: {got}, needed {sum(package.size for package in packages)}")
        return max(got["wasted"], got["mirror"] + got["peer"] - sum(package.size for package in packages)), got["peer"]

    def peers(self):
        return {peer["endpoint"] for peer in self.agent.ask("peers")["peers"]}

    def expect_banned(self, liars):
        for child, endpoint in liars:
            wait_until(lambda: endpoint not in self.peers() and f"{endpoint} is dropped" in self.agent.log(), BANNED_WITHIN,
                       lambda: f"{endpoint} is banned: {child.text()[:300]}\n{self.agent.log()[-3000:]}")

    def expect_not_blamed(self, endpoints):
        for endpoint in endpoints:
            assert f"{endpoint} is dropped" not in self.agent.log(), self.agent.log()[-3000:]
        corrupt = {mirror["base"]: mirror["corrupt"] for mirror in self.agent.ask("mirrors")["mirrors"]}
        assert set(corrupt.values()) <= {0}, corrupt


def seeders(world, stock, mirrors, packages, count=HONEST):
    """Honest agents that have it all."""
    out = []
    for number in range(count):
        out.append(Fetcher(world, stock, mirrors, f"honest{number}", [out[-1].agent.endpoint] if out else []))
        out[-1].install(packages)
    return out


def had_a_chance(liar, mode):
    """To show what it is; who was asked for little may turn out to be merely slow."""
    said = liar[0].text().split()
    return {"lying_hashes": "told" in said and "request" in said, "wrong_blocks": "get" in said}.get(mode, mode in ("flood", "malformed"))


@pytest.mark.limit(400)
@pytest.mark.parametrize("modes", [("lying_hashes", "wrong_blocks", "silent"), ("lying_hashes", "flood", "drip"), ("wrong_blocks", "malformed", "mute")], ids="-".join)
def test_liars_among_holders_cost_little_and_are_banned(world, stock, mirrors, modes):
    fast = world.mirror("fast", stock.debian.base)
    packages = chosen(stock.debian)
    honest = seeders(world, stock, [fast], packages)
    liars = start_liars(world, stock, packages, modes)
    one = Fetcher(world, stock, mirrors, "c1", [endpoint for _, endpoint in liars] + [one.agent.endpoint for one in honest])
    one.wait_for_peers(HONEST)
    one.install(packages)
    extra, from_peers = one.extra(packages)
    needed = sum(package.size for package in packages)
    assert from_peers > 0.2 * needed, "peers gave next to nothing: this shows nothing"
    assert extra <= EXTRA * needed
    one.expect_banned([liar for liar, mode in zip(liars, modes) if had_a_chance(liar, mode)])
    one.expect_not_blamed([one.agent.endpoint for one in honest])


@pytest.mark.limit(400)
@pytest.mark.parametrize("allies", [2, 0])
def test_many_liars_at_one_address_are_one_voice(world, stock, mirrors, allies):
    """Twelve of them give the same wrong piece hashes, against honest agents and against the mirrors alone."""
    fast = world.mirror("fast", stock.debian.base)
    packages = chosen(stock.debian, "large", "bulk")
    honest = seeders(world, stock, [fast], packages, allies)
    liars = start_liars(world, stock, packages, ["lying_hashes"] * 12, node=world.network.node("liars"))
    one = Fetcher(world, stock, mirrors, "c1", [endpoint for _, endpoint in liars] + [one.agent.endpoint for one in honest])
    one.wait_for_peers(1 + allies)
    one.install(packages)
    extra, _ = one.extra(packages)
    assert extra <= EXTRA * sum(package.size for package in packages)
    assert allies or f"{liars[0][1]} is dropped".split(":")[0] in one.agent.log()
    one.expect_not_blamed([one.agent.endpoint for one in honest])


@pytest.mark.limit(400)
@pytest.mark.parametrize("mode", ["lends_garbage", "lends_garbage_later"])
def test_a_crowd_finds_out_who_lends_garbage(world, stock, mirrors, mode):
    """Seven agents fetch the same large files at the same time, three strangers say that they do so too."""
    packages = chosen(stock.debian, "huge", "bulk")
    liars = start_liars(world, stock, packages, [mode] * 3)
    crowd = []
    for number in range(HONEST):
        crowd.append(Fetcher(world, stock, mirrors, f"c{number}", [endpoint for _, endpoint in liars] + [one.agent.endpoint for one in crowd]))
    for one in crowd:
        one.wait_for_peers(HONEST - 1)
    children = [one.apt.child(*one.argv(packages)) for one in crowd]
    for one, child in zip(crowd, children):
        wait_until(lambda: not child.alive(), 300, lambda: f"apt ends: {child.text()[-1000:]}")
        one.check(packages)
    needed = sum(package.size for package in packages)
    extras = [one.extra(packages) for one in crowd]
    assert sum(extra for extra, _ in extras) <= EXTRA * needed * HONEST
    assert sum(peer for _, peer in extras) > 0.2 * needed * HONEST
    assert any("get" in child.text().split() for child, _ in liars), "nobody borrowed from the liars: this shows nothing"
    for one in crowd:
        one.expect_not_blamed([other.agent.endpoint for other in crowd])
    blamed = sum(f"{endpoint} is dropped: wrong bytes" in one.agent.log() for one in crowd for _, endpoint in liars)
    assert blamed > 0
