"""Tests that others wrote: a source package of the distribution, fetched from the mirror that this machine's apt is configured with and
unpacked in a work folder (nothing of it is kept in the tree), and the judgement of what came out otherwise with ours."""
import os
import re
import subprocess
import sys
from pathlib import Path

SKIPPED = 77  # exit status of a tool whose tests cannot be run here


class Unavailable(Exception):
    """The tests cannot be run here, and why."""


def sh(*argv, **more):
    done = subprocess.run([str(a) for a in argv], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, **more)
    if done.returncode != 0:
        raise Unavailable(f"{argv[0]}: {done.stdout.strip()[-400:]}")
    return done.stdout


def need(*packages):
    lacking = [p for p in packages if subprocess.run(["dpkg", "-s", p], capture_output=True, check=False).returncode != 0]
    if lacking:
        raise Unavailable("packages are lacking: apt-get install " + " ".join(lacking))


def configured_mirror(variable):
    """Of the distribution itself, as apt has it; an environment variable stands before it."""
    if os.environ.get(variable):
        return os.environ[variable]
    for line in sh("apt-get", "indextargets", "--format", "$(REPO_URI) $(ORIGIN) $(LABEL)", "Created-By: Packages").splitlines():
        uri, *names = line.split(" ")
        if names == ["Debian", "Debian"]:
            return uri
    raise Unavailable(f"apt here has no source of Debian itself (or was never updated): set {variable}")


def version_codename():
    found = re.search(r"^VERSION_CODENAME=\"?(\w+)", Path("/etc/os-release").read_text(), re.MULTILINE)
    return found.group(1) if found else "stable"


def unpack(package, work, mirror):
    """The package's source of this machine's release, in a folder of its own below `work`."""
    need("dpkg-dev")
    for name in ("lists/partial", "cache"):
        (work / name).mkdir(parents=True, exist_ok=True)
    sources = work / "sources.list"
    sources.write_text(f"deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] {mirror} {version_codename()} main\n")
    options = ["-o", f"Dir::Etc::sourcelist={sources}", "-o", "Dir::Etc::sourceparts=-", "-o", f"Dir::State::Lists={work}/lists",
               "-o", f"Dir::Cache={work}/cache", "-o", "APT::Sandbox::User=root"]
    sh("apt-get", "-qq", *options, "update")
    try:
        sh("apt-get", "-qq", *options, "source", package, cwd=work)
    except Unavailable as all_of_it:  # a mirror may have the authors' archive without the distribution's changes
        if not list(work.glob("*.orig.tar.*")):
            try:
                sh("apt-get", "-qq", *options, "source", "--tar-only", package, cwd=work)
            except Unavailable:
                raise all_of_it from None
        for archive in work.glob("*.orig.tar.*"):
            sh("tar", "xf", archive, cwd=work)


def known_differences(document, forms):
    """From the table under the heading of this release: {(test, form)}; a form of "all" stands for all."""
    known, section, codename = set(), "", version_codename()
    for line in document.read_text().splitlines():
        if line.startswith("## "):
            section = line
        cells = [c.strip() for c in line.strip("|").split("|")]
        if line.startswith("|") and cells[0].startswith("`") and codename in section.lower():
            named = forms if cells[1] == "all" else [f.strip() for f in cells[1].split(",")]
            known |= {(cells[0].strip("`"), form) for form in named}
    return known


def judge(results, known, plain_name="apt's method", passes=lambda outcome: outcome == 0):
    """`results`: {(test, form): (plain outcome, ours)}. Prints what differs, whether the table says so, and what the table says in vain.
    True: nothing unexpected, and plain passes some."""
    same, unexpected, expected = 0, [], []
    for (name, form), (plain, ours) in sorted(results.items()):
        if plain == ours:
            same += 1
        else:
            (expected if (name, form) in known else unexpected).append((name, form, plain, ours))
    for title, rows in (("differs as the table says", expected), ("DIFFERS", unexpected)):
        for name, form, plain, ours in rows:
            print(f"{title}: {name}, {form}: {plain} with {plain_name}, {ours} with ours")
    for name, form in sorted(k for k in known if k in results and results[k][0] == results[k][1]):
        print(f"the table names {name} ({form}), which no longer differs")
    print(f"{same} the same, {len(expected)} differ as the table says, {len(unexpected)} differ otherwise")
    passing = len({name for (name, _), (plain, _) in results.items() if passes(plain)})
    print(f"{passing} of {len({name for name, _ in results})} tests pass with {plain_name}")
    if not passing:
        print(f"where {plain_name} passes none, the tests do not run here at all: read what they wrote", file=sys.stderr)
    return passing > 0 and not unexpected
