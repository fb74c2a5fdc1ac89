"""Differences: what came out otherwise through packswarm than with plain apt or pacman, and the few that are right."""
import dataclasses
import re
import urllib.parse

from servers import OURS, PLAIN


@dataclasses.dataclass
class Difference:
    kind: str  # exit, lists, candidates, files, failed, asked, login, header, hang, crash, machine
    step: int
    text: str

    def __str__(self):
        return f"step {self.step}: {self.kind}: {self.text}"


# ---- right differences, each with its reason; a rule takes a difference and the world and says whether it explains it

def group_that_stands_together(difference, plain, ours, lab):
    """Two addresses in one stanza are one repository to the agent: it answers with the newest verified state that either
    shows, also where plain apt fails at one of them. Only with what its owner published, and with no failure of ours."""
    groups = [one for one in lab.world.repositories if len(one.servers) > 1]
    # A base that still has the old form of the root is answered with the new form of another: one name for all forms.
    names = [{re.sub(r"_(InRelease|Release|Release\.gpg)$", "_Release", name) for name in seen.lists
              if not name.endswith(".diff_Index")} for seen in (plain, ours)]
    return bool(groups) and names[0] <= names[1] and ours.exit_code <= plain.exit_code and \
        all(lab.is_published(digest) for digest in ours.lists.values()) and not ours.failed - plain.failed


def verified_content_when_a_server_is_silent(difference, plain, ours, lab):
    """While a server refuses connections, or says that it has too many, what the agent verified before or has from a peer
    may be used, and it asks again: plain fails there, we do not. Our failures are fewer, and each list and file is one
    that its owner published."""
    turned_away = any(one.step == difference.step and one.status in (429, 503) for one in lab.servers.log[PLAIN])
    return (bool(lab.shut) or turned_away) and not ours.failed - plain.failed and ours.exit_code <= plain.exit_code and \
        all(lab.is_published(digest) for digest in [*ours.lists.values(), *ours.files.values()])


def database_that_pacman_alone_would_not_look_at(difference, plain, ours, lab):
    """pacman's own downloader (libcurl) takes a file with an older Last-Modified than its own for unchanged, whatever the
    server says. An XferCommand is not told a date: it brings what the server shows now."""
    asked = lab.world.manager == "pacman" and lab.world.options["way"] == "xfer"
    return asked and difference.kind in ("lists", "candidates", "files") and \
        all(lab.is_shown(name, ours.lists[name]) for name in ours.lists if plain.lists.get(name) != ours.lists[name])


def partial_file_of_another_publication(difference, plain, ours, lab):
    """apt asks to go on with a partial root that an earlier update left. A server whose new file bears the date of the
    former says that there is no more of it (416), or gives the rest of another file (206), and plain takes the former for
    the new one, or a mix for nothing. We bring what is shown."""
    root = re.compile(r"/(InRelease|Release|Release\.gpg)$")
    misled = any(one.step == difference.step and (one.status == 416 or one.status == 206 and root.search(one.path))
                 for one in lab.servers.log[PLAIN])
    return misled and ours.exit_code <= plain.exit_code and not ours.failed - plain.failed and \
        all(lab.is_published(digest) for name, digest in ours.lists.items() if name.endswith("Release"))


def package_that_its_server_does_not_give(difference, plain, ours, lab):
    """A package that is listed, and for which its server answers that it is absent, or another upload of that name when plain asks for it: the
    agent has it since it was there, or found it under the other spelling of its name. What we have is what its owner published."""
    replaced = bool(re.search(r"Hash Sum mismatch|unexpected size|invalid or corrupted package", plain.output))
    missed = replaced or any(one.step == difference.step and one.status in (403, 404, 410) and re.search(r"\.(deb|pkg\.tar\.\w+)$", one.path)
                 for one in lab.servers.log[PLAIN])
    return missed and difference.kind in ("exit", "files", "failed") and not ours.failed - plain.failed and \
        ours.exit_code <= plain.exit_code and plain.files.items() <= ours.files.items() and \
        all(lab.is_published(digest) for digest in ours.files.values())


def own_connections_at_a_limit(difference, plain, ours, lab):
    """The package manager's own connections, without us, were one more than its server takes: chance decides. pacman keeps the
    former of a database that it was turned away for."""
    own = [one for one in lab.servers.log[OURS] if one.step == difference.step and not one.agent.startswith("packswarm")]
    turned_away = {one.path.rpartition("/")[2] for one in own if one.status in (429, 503)}
    if lab.world.manager == "pacman" and difference.kind in ("lists", "candidates"):
        other = {name for name in {*plain.lists, *ours.lists} if plain.lists.get(name) != ours.lists.get(name)}
        return bool(other) and {name.removesuffix(".sig") for name in other} <= turned_away and \
            all(lab.is_published(ours.lists[name]) for name in other & set(ours.lists))
    return bool(turned_away) and difference.kind in ("exit", "files", "failed")


def gateway_that_died_in_between(difference, plain, ours, lab):
    """The agent was killed in the middle of a transaction, and pacman goes on as when a server of its own ends like that: it
    gives up where the next one has no ranges for the rest of a file, and asks for a signature where the package came from and
    nowhere else."""
    told = r"doesn't seem to support byte ranges|\.sig' from \S+ : (Empty reply|Recv failure|Failed to connect|transfer closed)"
    died = lab.agent.ends > 0 and lab.world.manager == "pacman" and lab.world.options["way"] == "gateway" and \
        bool(re.search(told, ours.output))
    if difference.kind in ("lists", "candidates"):  # a database whose signature it asked of nobody else: the next -Sy brings it
        other = {name for name in {*plain.lists, *ours.lists} if plain.lists.get(name) != ours.lists.get(name)}
        return died and bool(other) and all(re.search(rf"'{name}' from", ours.output) for name in other if name.endswith(".db.sig")) and \
            all(name.endswith(".db.sig") for name in other)
    return died and difference.kind in ("exit", "files") and all(lab.is_published(digest) for digest in ours.files.values())


def later_file_of_a_server_that_is_gone(difference, plain, ours, lab):
    """The agent answered for the root at the address of a server that is gone, and was killed before what it lists; or at one
    whose certificate apt refuses, and no other of its stanza has what it lists. apt keeps its former lists of that address as
    it does without us (what an earlier update brought there), and names another file of it."""
    refused = re.compile(r"^Err:\d+ (https://\S+) .*\n +Certificate verification failed", re.MULTILINE)
    bases = [set(refused.findall(one.output)) for one in (plain, ours)]
    is_refused = bool(bases[1]) and bases[1] <= bases[0]
    kept = plain.lists.items() <= ours.lists.items() and all(lab.is_published(digest) for digest in ours.lists.values())
    return (is_refused or lab.agent.ends > 0 and bool(lab.shut)) and kept and difference.kind in ("failed", "lists") and \
        bool(plain.failed) and plain.exit_code == ours.exit_code


def newer_root_of_a_group_whose_agent_died(difference, plain, ours, lab):
    """At the address of one that lags behind its stanza the agent gave the newer root of another, and was killed before the
    list: apt's own method finds the older one there, as in the middle of a mirror's sync. What it used before stays, and the
    update does not fail."""
    groups = [one for one in lab.world.repositories if len(one.servers) > 1]
    own = [one for one in lab.servers.log[OURS] if one.step == difference.step and not one.agent.startswith("packswarm")]
    alone = any("/Packages" in one.path or "/by-hash/" in one.path for one in own)
    return bool(groups) and lab.agent.ends > 0 and alone and "Mirror sync in progress?" in ours.output and \
        difference.kind in ("lists", "candidates", "failed") and ours.exit_code <= plain.exit_code and \
        all(name.partition(" ")[2].endswith(("Packages", "Packages (1)")) for name in ours.failed - plain.failed) and \
        all(lab.is_published(digest) for digest in ours.lists.values())


def content_that_its_date_hides(difference, plain, ours, lab):
    """Another publication under the file time of the former: its server says "not modified" to plain. The agent, which had not
    seen the former, was shown the new one and hands it on. Once the agent is killed the server hides the next publication from both."""
    other = {name: digest for name, digest in ours.lists.items() if plain.lists.get(name) != digest}
    hidden, ours_too = (any(one.step == difference.step and one.status == 304 for one in lab.servers.log[side]) for side in (PLAIN, OURS))
    is_kept = ours_too and lab.agent.ends > 0
    roots = {name: digest for name, digest in other.items() if re.search(r"_(In)?Release$", name)}
    return hidden and difference.kind in ("lists", "candidates") and bool(roots) and ours.exit_code == plain.exit_code and \
        all(is_kept or lab.is_shown(name.rpartition("_")[2], digest) for name, digest in roots.items()) and \
        all(lab.is_published(digest) for digest in other.values())


def redirect_that_apt_may_not_follow(difference, plain, ours, lab):
    """A proxy is not told of Acquire::http::AllowRedirect: it brings what stands where the server sends it."""
    sent_on = any(one.step == difference.step and one.status in (301, 302, 303, 307, 308) for one in lab.servers.log[PLAIN])
    return sent_on and lab.world.agent.get("door") == "proxy" and \
        lab.world.options.get("Acquire::http::AllowRedirect") == "false" and not ours.failed - plain.failed and \
        ours.exit_code <= plain.exit_code and all(lab.is_published(digest) for digest in ours.lists.values())


def page_in_place_of_a_signature(difference, plain, ours, lab):
    """A server that answers 200 and a page for what it does not have: plain takes the page for a database's signature and fails
    at it. We say that there is none."""
    pages = {name for name, digest in plain.lists.items() if name.endswith(".db.sig") and not lab.is_published(digest)}
    return bool(pages) and not pages & set(ours.lists) and ours.exit_code <= plain.exit_code and \
        all(lab.is_published(digest) for digest in ours.lists.values())


def downloads_beside_the_one_that_failed(difference, plain, ours, lab):
    """pacman gets five files at a time and begins no other once one has failed at its last server: what it had begun by then is
    chance, without us too."""
    failed = [set(re.findall(r"failed retrieving file '([^']+)' from (127\.lab\.\S+) : The requested URL returned error: 404", one.output))
              for one in (plain, ours)]
    return lab.world.manager == "pacman" and difference.kind == "files" and plain.exit_code == ours.exit_code != 0 and \
        bool(failed[0] & failed[1]) and all(lab.is_published(digest) for digest in ours.files.values())


RIGHT = (gateway_that_died_in_between, later_file_of_a_server_that_is_gone, newer_root_of_a_group_whose_agent_died, own_connections_at_a_limit,
         package_that_its_server_does_not_give, partial_file_of_another_publication,
         database_that_pacman_alone_would_not_look_at, content_that_its_date_hides, redirect_that_apt_may_not_follow, page_in_place_of_a_signature,
         downloads_beside_the_one_that_failed, group_that_stands_together,
         verified_content_when_a_server_is_silent)


# ---- comparison

def unlike(plain, ours):
    """"name: plain has a, ours b" for each key that differs."""
    return [f"{name}: plain {str(plain.get(name, 'nothing'))[:12]}, ours {str(ours.get(name, 'nothing'))[:12]}"
            for name in sorted({*plain, *ours}) if plain.get(name) != ours.get(name)]


def differences(number, plain, ours, lab):
    """(what is wrong, what is right)."""
    found = []
    if plain.exit_code != ours.exit_code:
        found.append(Difference("exit", number, f"plain {plain.exit_code}, ours {ours.exit_code}"))
    for kind in ("lists", "candidates", "files"):
        unequal = unlike(getattr(plain, kind), getattr(ours, kind))
        if unequal:
            found.append(Difference(kind, number, "; ".join(unequal)))
    for only, items in (("ours", ours.failed - plain.failed), ("plain", plain.failed - ours.failed)):
        if items:
            found.append(Difference("failed", number, f"only {only}: {'; '.join(sorted(items))}"))
    right = [one for one in found if any(rule(one, plain, ours, lab) for rule in RIGHT)]
    return [one for one in found if one not in right], right


# ---- who was asked for what

def spelled(path):
    """One spelling of a path, whatever was encoded in it."""
    return re.sub(r"/(\./)+", "/", urllib.parse.unquote(path.partition("?")[0].removeprefix("/real")))


def foreign_requests(lab):
    """Requests of ours that plain would not have made of another owner's server: for what neither its owner ever published
    there nor plain asked there. Names of packages and digests are each owner's own, so that what leaks is recognised.
    The names of a root belong to every base of its owner, a signature's to what it signs."""
    plain = {(server, spelled(request.path)) for request in lab.servers.log[PLAIN]
             for server in lab.beside(request.server)}
    known = {}
    for server, mounts in lab.mounts.items():
        known[server] = {f"{mount.prefix}/{path}" for mount in mounts for path in mount.ever}
        known[server] |= {f"{mount.prefix}/{folder}{root}" for mount in mounts for folder in mount.root_folders()
                          for root in mount.root_names}
    out = {}
    for request in lab.servers.log[OURS]:
        path = spelled(request.path)
        if path.removesuffix(".sig") not in known.get(request.server, ()) and (request.server, path) not in plain:
            out.setdefault((request.server, path), request)
    return [Difference("asked", request.step, f"{server} was asked for {path} ({request.status}, {request.agent})")
            for (server, path), request in out.items()]


def other_headers(server, lab, plain, ours):
    """What the owner told apt to say, where plain said it for the same file."""
    if "door" in lab.world.agent:  # a proxy says what it is told
        return []
    found = []
    for field in ("agent", "cache"):
        said = {spelled(request.path): getattr(request, field) for request in plain}
        option = {"agent": "Acquire::http::User-Agent", "cache": "Acquire::http::No-Cache"}[field]
        other = [request for request in ours if option in lab.world.options
                 and getattr(request, field) != said.get(spelled(request.path), getattr(request, field))]
        found += [Difference("header", one.step,
                             f"{server} was told \"{getattr(one, field)}\" with {one.path}, {option} is not obeyed")
                  for one in other[:1]]
    return found


def careless_requests(lab):
    """Passwords where plain sends none, and requests that pass by the proxy or go to it where plain's do not."""
    found = []
    for server in {request.server for request in lab.servers.log[PLAIN]}:
        plain = [request for request in lab.servers.log[PLAIN] if request.server == server]
        ours = [request for request in lab.servers.log[OURS] if request.server == server]
        if any(request.login for request in ours) and not any(request.login for request in plain):
            found.append(Difference("login", ours[0].step, f"{server} was sent a password"))
        other = [request for request in ours if request.via not in {one.via for one in plain}]
        if other:
            found.append(Difference("asked", other[0].step,
                                    f"{server} was asked {other[0].via} for {other[0].path}, plain never does"))
        found += other_headers(server, lab, plain, ours)
    unasked = {request.server for request in lab.servers.log[OURS]} - {request.server
                                                                       for request in lab.servers.log[PLAIN]}
    asked_at_all = {server for repository in lab.world.repositories if not repository.only_peer
                    for server in repository.servers}
    found += [Difference("asked", 0, f"{server} was asked, plain never does") for server in unasked - asked_at_all]
    return found
