"""Each row of docs/apt-options.md: apt runs by itself and through packswarm, against a server that shows whether the option was kept to."""
import dataclasses
import json
import pathlib
import re
import sys
import time
import typing

import pytest
from conftest import TREE

from harness.debian import DebianRepository
from harness.dns import serve_names
from harness.keys import Authority, SigningKey
from harness.processes import run, wait_until
from harness.world import World

DOCUMENT = TREE / "docs/apt-options.md"
SERVER = TREE / "tests/support/option_server.py"
PORT, TLS, TLS_CLIENTS, TLS_OTHER_NAME, TLS_UNKNOWN = 8080, 8443, 8444, 8445, 8446
HERE = f"http://127.0.0.1:{PORT}"
SECURE = "https://127.0.0.1"
PACKAGES = ("tool0", "tool1")


def rows(heading):
    """The rows of the table below a heading, by what stands in their first cell."""
    text = DOCUMENT.read_text().split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    table = [line for line in text.splitlines() if line.startswith("|")][2:]
    return {line.split("|")[1].strip().replace("`", ""): [cell.strip() for cell in line.split("|")[2:-1]] for line in table}


TAKEN, KEPT = rows("Taken by apt's own method when it is set"), rows("Kept to while the agent fetches")


@dataclasses.dataclass
class Request:
    target: str
    path: str
    status: int
    source: str
    side_by_side: int
    pipelined: int
    at: float
    headers: dict

    @property
    def is_package(self):
        return self.path.endswith(".deb")

    @property
    def is_ours(self):
        return (self.headers["user-agent"] or "").startswith("packswarm")


@dataclasses.dataclass
class Run:
    update: int = 0
    install: int = 0
    text: str = ""
    got: list = dataclasses.field(default_factory=list)  # packages with the right digest
    seconds: float = 0
    requests: list = dataclasses.field(default_factory=list)
    explained: list = dataclasses.field(default_factory=list)

    def indexes(self):
        return [one for one in self.requests if not one.is_package]

    def packages(self):
        return [one for one in self.requests if one.is_package]


@dataclasses.dataclass
class Case:
    conf: str = ""
    shows: typing.Callable = None   # of a run: whether the option was kept to
    url: str = f"{HERE}/debian"
    more: tuple = ()                # addresses of more sources
    env: dict = dataclasses.field(default_factory=dict)
    prepare: typing.Callable = None  # of an apt, before it runs
    key: str = ""                   # what explain names, when not the option of the row
    same_server: bool = True        # the server is asked the same things as by apt alone
    trusting: bool = True           # the machine trusts the authority of the https servers
    explains: bool = True


def all_requests(name, value):
    return lambda run: run.requests and all(one.headers[name] == value for one in run.requests)


def partial_package(apt):
    """Half of a package is here from before: apt would ask for the rest of it."""
    package = apt.lab.repository.packages["tool0"]
    data = (apt.lab.repository.base / package.path).read_bytes()
    part = apt.archives / "partial" / pathlib.Path(package.path).name
    part.write_bytes(data[:len(data) // 2])
    run(["chown", "_apt", part])
    run(["touch", "--reference", apt.lab.repository.base / package.path, part])


def auth_conf(apt):
    (apt.folder / "etc/auth.conf").write_text(f"machine {HERE}\nlogin user\npassword secret\n")


def detector(apt):
    program = apt.folder / "detect"
    program.write_text(f"#!/bin/sh\necho {HERE}/\n")
    program.chmod(0o755)
    apt.config.write_text(apt.config.read_text().replace("DETECTOR", str(program)))


def proxied(run):
    return run.install == 0 and run.requests and all(one.target.startswith("http://192.0.2.7/") for one in run.requests)


def fails_with(words):
    return lambda run: run.install != 0 and not run.got and words in run.text


def succeeds(run):
    return (run.update, run.install, len(run.got)) == (0, 0, len(PACKAGES))


def alone(run):
    """Never two requests at once, whatever the number of hosts."""
    return succeeds(run) and max(one.side_by_side for one in run.requests) == 1


AWAY = "http://192.0.2.7/debian"  # nobody is there
LOCALHOST = f"http://localhost:{PORT}/debian"

CASES = {
    # 170,000 bytes at 40 KiB/s take four seconds; more time than that proves nothing, less would
    "Acquire::http::Dl-Limit": Case('Acquire::http::Dl-Limit "40";', lambda run: succeeds(run) and run.seconds > 2.5, more=(LOCALHOST,)),
    "Acquire::http::AllowRedirect": Case('Acquire::http::AllowRedirect "false";', lambda run: {one.status for one in run.requests} == {302}, f"{HERE}/moved"),
    "Acquire::http::AllowRanges": Case('Acquire::http::AllowRanges "false";', lambda run: run.packages() and all(not one.headers["range"] for one in run.packages()),
                                       prepare=partial_package),
    "Acquire::http::No-Cache": Case('Acquire::http::No-Cache "true";', all_requests("cache-control", "no-cache")),
    "Acquire::http::Max-Age": Case('Acquire::http::Max-Age "3600";', lambda run: run.indexes() and all(
        one.headers["cache-control"] == "max-age=3600" for one in run.indexes())),
    "Acquire::http::No-Store": Case('Acquire::http::No-Store "true";', lambda run: len(run.packages()) == len(PACKAGES) and all(
        one.headers["cache-control"] == "no-store" for one in run.packages())),
    "Acquire::http::SendAccept": Case('Acquire::http::SendAccept "false";', lambda run: all(one.headers["accept"] != "text/*" for one in run.requests)),
    "Acquire::http::User-Agent": Case('Acquire::http::User-Agent "lab";', all_requests("user-agent", "lab")),
    "Acquire::http::Referer": Case('Acquire::http::Referer "http://lab/";', all_requests("referer", "http://lab/")),
    "Acquire::http::ConnectionAttemptDelayMsec": Case('Acquire::http::ConnectionAttemptDelayMsec "100";', succeeds),
    "Acquire::http::Proxy": Case(f'Acquire::http::Proxy "{HERE}/";', proxied, AWAY),
    "Acquire::http::Proxy::HOST": Case(f'Acquire::http::Proxy::192.0.2.7 "{HERE}/";', proxied, AWAY, key="Acquire::http::Proxy::192.0.2.7"),
    "Acquire::http::Proxy-Auto-Detect": Case('Acquire::http::Proxy-Auto-Detect "DETECTOR";', proxied, AWAY, prepare=detector),
    "Acquire::http::ProxyAutoDetect": Case('Acquire::http::ProxyAutoDetect "DETECTOR";', proxied, AWAY, prepare=detector),
    "http_proxy": Case(shows=proxied, url=AWAY, env={"http_proxy": f"{HERE}/"}),
    "https_proxy": Case(shows=fails_with("Could not connect to 127.0.0.1:1"), url=f"{SECURE}:{TLS}/debian", env={"https_proxy": "http://127.0.0.1:1/"}, same_server=False),
    "Acquire::https::CAInfo": Case('Acquire::https::CAInfo "STRANGER";', fails_with("ertificate"), f"{SECURE}:{TLS}/debian"),
    "Acquire::https::CRLFile": Case('Acquire::https::CRLFile "REVOKED";', fails_with("revoked"), f"{SECURE}:{TLS}/debian"),
    "Acquire::https::IssuerCert": Case('Acquire::https::IssuerCert "STRANGER";', fails_with("IssuerCert"), f"{SECURE}:{TLS}/debian"),
    "Acquire::https::SslForceVersion": Case('Acquire::https::SslForceVersion "TLSv1";', fails_with("SslForceVersion"), f"{SECURE}:{TLS}/debian"),
    "Acquire::https::SslCert": Case('Acquire::https::SslCert "CLIENT";', succeeds, f"{SECURE}:{TLS_CLIENTS}/debian"),
    "Acquire::https::SslKey": Case('Acquire::https::127.0.0.1::SslKey "/nonexistent"; Acquire::https::127.0.0.1::SslCert "CLIENT";', fails_with("SslKey"),
                                   f"{SECURE}:{TLS_CLIENTS}/debian", key="Acquire::https::127.0.0.1::SslCert"),
    "Acquire::https::Verify-Peer": Case('Acquire::https::127.0.0.1::Verify-Peer "false";', succeeds, f"{SECURE}:{TLS_UNKNOWN}/debian",
                                        key="Acquire::https::127.0.0.1::Verify-Peer"),
    "Acquire::https::Verify-Host": Case('Acquire::https::Verify-Host "false";', succeeds, f"{SECURE}:{TLS_OTHER_NAME}/debian"),
    "SSL_CERT_FILE": Case(shows=lambda run: True, url=f"{SECURE}:{TLS}/debian", env={"SSL_CERT_FILE": "STRANGER"}),
    "Acquire::AllowTLS": Case('Acquire::AllowTLS "false";', fails_with("AllowTLS"), f"{SECURE}:{TLS}/debian"),
    "Acquire::ForceIPv4": Case('Acquire::ForceIPv4 "true";', lambda run: succeeds(run) and {one.source for one in run.requests} == {"::ffff:127.0.0.1"}, LOCALHOST),
    "Acquire::ForceIPv6": Case('Acquire::ForceIPv6 "true";', lambda run: succeeds(run) and {one.source for one in run.requests} == {"::1"}, LOCALHOST),
    "Acquire::Connect::IDN": Case('Acquire::Connect::IDN "false";', succeeds, LOCALHOST),
    "Acquire::Connect::AddrConfig": Case('Acquire::Connect::AddrConfig "false";', succeeds, LOCALHOST),
    "Acquire::Queue-Mode": Case('Acquire::Queue-Mode "access";', alone, more=(LOCALHOST,)),
    "Acquire::QueueHost::Limit": Case('Acquire::QueueHost::Limit "0";', alone, more=(LOCALHOST,)),
    "Acquire::ForceHash": Case('Acquire::ForceHash "sha512";', lambda run: not run.got and "weak security information" in run.text),
    "auth.conf": Case(shows=all_requests("authorization", "Basic dXNlcjpzZWNyZXQ="), url=f"{HERE}/private", prepare=auth_conf, same_server=False),
    "user:password@ in the address": Case(shows=all_requests("authorization", "Basic dXNlcjpzZWNyZXQ="), url=f"http://user:secret@127.0.0.1:{PORT}/private",
                                          explains=False, same_server=False),

    "Acquire::http::Timeout": Case('Acquire::http::Timeout "2"; Packswarm::Timeout "3600";', fails_with("Connection"), f"{HERE}/silent"),
    "Acquire::http::Pipeline-Depth": Case('Acquire::http::Pipeline-Depth "0";', lambda run: succeeds(run) and not any(one.pipelined for one in run.requests)),
    "Acquire::http::Proxy as DIRECT": Case('Acquire::http::Proxy "http://127.0.0.1:1/"; Acquire::http::Proxy::127.0.0.1 "DIRECT";', succeeds),
    "Acquire::Retries": Case('Acquire::Retries "2"; Acquire::Retries::Delay "false";', lambda run: run.install != 0 and sum(
        not one.is_ours for one in run.packages()) == 3 * len(PACKAGES), f"{HERE}/busy"),
    # one second, then two, before the next tries
    "Acquire::Retries::Delay": Case('Acquire::Retries "2";', lambda run: run.seconds > 2.9 and sum(not one.is_ours for one in run.packages()) == 3 * len(PACKAGES), f"{HERE}/busy"),
    "Acquire::EnableSrvRecords": Case(shows=succeeds, url="http://srv.lab/debian"),
    "Acquire::BlockDotOnion": Case(shows=fails_with(".onion"), url="http://lab.onion/debian"),
    "Acquire::MaxReleaseFileSize": Case('Acquire::MaxReleaseFileSize "100";', lambda run: not run.got and not run.packages()),
    "Acquire::By-Hash": Case('Acquire::By-Hash "no";', lambda run: succeeds(run) and not any("by-hash" in one.path for one in run.requests)),
    "Acquire::http::User-Agent-Non-Interactive": Case('Acquire::http::User-Agent-Non-Interactive "true";', succeeds),
}


class Lab:
    """One machine with the server on its own loopback, so that names, addresses and certificates can be what a case wants."""

    def __init__(self, programs):
        self.world = World(programs)
        self.node = self.world.network.node("lab")
        self.runs = 0
        folder = self.world.folder
        self.key = SigningKey(folder / "key", "options", self.world.household)
        self.public = self.key.export(folder / "signer.gpg")
        self.repository = DebianRepository(folder / "repository", self.key)
        for name in PACKAGES:
            self.repository.add(name, 80_000)
        self.repository.publish()
        self._certificates(folder)
        self._names()
        self.log = folder / "server.log"
        listeners = [{"port": PORT}, {"port": 80}, self._tls(TLS, "127.0.0.1"), {**self._tls(TLS_CLIENTS, "127.0.0.1"), "clients": str(self.authority.certificate)},
                     self._tls(TLS_OTHER_NAME, "192.0.2.9"), self._tls(TLS_UNKNOWN, "127.0.0.1", self.stranger)]
        self.node.child([sys.executable, SERVER, self.repository.base, json.dumps(listeners)], self.log)
        wait_until(lambda: all(f":{one['port']} " in self.node.run(["ss", "-Hltn"]).stdout for one in listeners), 20, "the server listens")
        serve_names(self.node, folder / "dns.log")

    def _certificates(self, folder):
        self.authority, self.stranger = Authority(folder / "authority"), Authority(folder / "stranger")
        self.client = folder / "client.pem"
        self.client.write_text("".join(file.read_text() for file in self.authority.issue("192.0.2.1")))
        self.client.chmod(0o644)
        self.revoked = self.authority.revoke("127.0.0.1", folder / "revoked.pem")

    def _tls(self, port, name, authority=None):
        certificate, key = (authority or self.authority).issued(name)
        return {"port": port, "certificate": str(certificate), "key": str(key)}

    def _names(self):
        """This machine's own /etc/hosts, /etc/resolv.conf and trusted authorities: `ip netns exec` lays them over the host's."""
        own = pathlib.Path("/etc/netns") / self.node.namespace
        (own / "ssl/certs").mkdir(parents=True)
        self.world.household.add(lambda: run(["rm", "-r", own]))
        (own / "hosts").write_text("127.0.0.1 localhost\n::1 localhost\n")
        (own / "resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
        (own / "ssl/certs/ca-certificates.crt").write_text(self.authority.certificate.read_text())
        for link in ("addr add fd00::1/64 dev eth0 nodad", "link set lo up"):  # else nobody asks for IPv6 addresses
            run(["ip", "-n", self.node.namespace, *link.split()])

    def requests(self):
        found = [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]
        names = ("target", "path", "status", "side_by_side", "pipelined", "at")
        return [Request(**{name: one[name] for name in names}, source=one["from"],
                        headers={name: value for name, value in one.items() if name not in names}) for one in found]

    def filled_in(self, text):
        return text.replace("STRANGER", str(self.stranger.certificate)).replace("REVOKED", str(self.revoked)).replace("CLIENT", str(self.client))

    def run(self, case, through_us):
        self.runs += 1
        machine = self.world.machine(f"run{self.runs}", node=self.node)
        sources = [f"deb [signed-by={self.public} arch=amd64] {url} stable main" for url in (case.url, *case.more)]
        extra = 'Acquire::Retries "0";\n' if "Retries" not in case.conf else ""
        apt = machine.apt(sources, through_us, extra + self.filled_in(case.conf) + "\n")
        apt.lab = self
        if case.prepare:
            case.prepare(apt)
        env = {name: self.filled_in(value) for name, value in case.env.items()}
        if through_us:
            machine.start_agent([], change=lambda settings: settings.update(sources={"apt": True, "pacman": False, "apt_dir": apt.folder / "etc"}))
        before = len(self.requests())
        out = Run()
        began = time.monotonic()
        update = self.node.run(["apt-get", "-q", "update"], env={**apt.env(), **env}, check=False)
        if not case.prepare or update.returncode == 0:
            install = self.node.run(["apt-get", "-q", *apt.install_argv(PACKAGES)], env={**apt.env(), **env}, check=False)
        out.seconds = time.monotonic() - began
        out.update, out.install, out.text = update.returncode, install.returncode, update.stdout + install.stdout
        wrong = apt.wrong(self.repository.packages.values())
        out.got = [name for name in PACKAGES if name not in wrong]
        out.requests = self.requests()[before:]
        if through_us:
            words = [self.world.programs / "packswarm", "--socket", machine.socket(), "explain", "tool0", "--json"]
            out.explained = json.loads(self.node.run(words, env={**apt.env(), **env}).stdout).get("apt", [])
            machine.agent.stop()
        return out


@pytest.fixture(scope="module")
def lab(programs):
    made = Lab(programs)
    yield made
    made.world.close()


def asked(run):
    return sorted(one.target for one in run.requests)


def compared(lab, case):
    plain, ours = lab.run(case, False), lab.run(case, True)
    assert case.shows(plain), f"apt by itself does not show the option:\n{plain.text}\n{plain.requests}"
    assert case.shows(ours), f"through packswarm it is otherwise:\n{ours.text}\n{ours.requests}\napt by itself:\n{plain.text}"
    assert (ours.update, ours.install, ours.got) == (plain.update, plain.install, plain.got), ours.text
    return plain, ours


def test_the_document_and_the_cases_name_the_same_options():
    assert sorted([*TAKEN, *KEPT]) == sorted(CASES)


def test_without_any_option_the_agent_fetches_with_the_headers_that_apt_would_send(lab):
    plain, ours = compared(lab, Case(shows=succeeds))
    assert ours.explained == [] and all(one.is_ours for one in ours.requests)
    for run in (plain, ours):
        assert {one.headers["accept"] for one in run.requests if one.path.endswith("InRelease")} == {"text/*"}


@pytest.mark.parametrize("option", TAKEN)
def test_apts_own_method_takes_what_the_option_is_about_and_asks_once(lab, option):
    case, about = CASES[option], TAKEN[option][1]
    plain, ours = compared(lab, case)
    of = {"indexes": Run.indexes, "packages": Run.packages}.get(re.match("[a-z]*", about)[0], lambda run: run.requests)
    assert not any(one.is_ours for one in of(ours)), ours.requests
    assert sorted(one.target for one in of(ours)) == sorted(one.target for one in of(plain)) or not case.same_server
    assert ours.text.count("Get:") == plain.text.count("Get:"), f"{ours.text}\napt by itself:\n{plain.text}"
    if case.explains:
        named = case.key or {"auth.conf": "auth.conf", "SSL_CERT_FILE": "SSL_CERT_FILE"}.get(option, option)
        assert any(named in one["reason"] for one in ours.explained), ours.explained


@pytest.mark.parametrize("option", KEPT)
def test_an_option_is_kept_to_while_the_agent_fetches(lab, option):
    compared(lab, CASES[option])


def test_a_server_that_turned_the_agent_away_is_left_alone_before_apts_own_method_asks(lab):
    plain, ours = compared(lab, Case('Acquire::Retries "3";', succeeds, f"{HERE}/resting"))
    for run in (plain, ours):
        of_one = [one for one in run.packages() if "tool0" in one.path]
        assert of_one[0].status == 429 and of_one[-1].status == 200, run.requests
        assert all(after.at - before.at > 0.9 for before, after in zip(of_one, of_one[1:])), [(one.at - of_one[0].at, one.status, one.is_ours) for one in of_one]
