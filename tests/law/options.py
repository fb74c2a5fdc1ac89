"""What the programs' --help lists, their manual pages name, and the other way round. Needs built programs, in
$PACKSWARM_BUILD or build/."""
import os
import pathlib
import re
import subprocess

import build_commands

PAGES = {  # program: its page
    "packswarmd": "contrib/man/packswarmd.8",
    "packswarm": "contrib/man/packswarm.1",
    "packswarm-seed": "contrib/man/packswarm-seed.1",
    "packswarm-torrent": "contrib/man/packswarm-torrent.1",
}
OF_THE_FILE, CONFIGURATION = "\nOptions of the file:\n", "contrib/man/packswarm.toml.5"
WITH_OPTIONS = ("p2p/cli", "p2p/daemon", "seeder", "tracker-tools")
EVERY_PROGRAM = {"-h", "--help", "--version"}  # pages need not name them
OPTION = r"(?<![\w-])(?:--[a-z][\w-]*(?:\.\w+)?|-[a-zA-Z]\b(?!-))"


def build_of(tree):
    is_sample = tree != build_commands.TREE
    return tree / "build" if is_sample else pathlib.Path(os.environ.get("PACKSWARM_BUILD", tree / "build"))


def why_skipped(tree):
    absent = [program for program in PAGES if not (build_of(tree) / program).exists()]
    if absent:
        return f"{build_of(tree)} holds no {', '.join(absent)}"
    sources = [file for folder in WITH_OPTIONS for file in (tree / folder).rglob("*.cpp")]
    built = min((build_of(tree) / program).stat().st_mtime for program in PAGES)
    newer = [str(file.relative_to(tree)) for file in sources if file.stat().st_mtime > built]
    return f"{newer[0]} is newer than the built programs" if newer else None


def help_of(program, *words):
    return subprocess.run([program, *words, "--help"], capture_output=True, text=True, timeout=30).stdout


def commands_in(text):
    return re.findall(r"^  ([a-z][\w-]*)", text.partition("\nSubcommands:\n")[2], re.MULTILINE)


def options_in(text):
    """What stands first on the lines of --help."""
    listed = re.findall(rf"^  ({OPTION}(?:,{OPTION})*)", text, re.MULTILINE)
    return {option for group in listed for option in group.split(",")}


def plain(page):
    """A manual page without its marks; a line of one that begins a term keeps it."""
    text = re.sub(r"\\f[A-Z]|\\&", "", page).replace("\\-", "-")
    return re.sub(r"^\.(?:B|I|BI|BR|RB|RI|IR|IB) ", "", text, flags=re.MULTILINE).replace('"', "")


def named_by(text):
    return set(re.findall(OPTION, text))


def entries(text, commands):
    """{command: what the section COMMANDS says of it}: its terms of this name, up to the next one."""
    section = re.search(r"^\.SH COMMANDS\n(.*?)(?=^\.SH )", text, re.MULTILINE | re.DOTALL)
    out = {}
    for entry in re.split(r"^\.TP\n", section[1] if section else "", flags=re.MULTILINE):
        for command in commands & {entry.split(maxsplit=1)[0]} if entry.strip() else ():
            out[command] = out.get(command, "") + entry
    return out


def keys_of_configuration(page):
    """The options of packswarm.toml(5): the terms below each [section]; [[repository]] is no option."""
    out, section, before = set(), "", ""
    for line in page.splitlines():
        if line.startswith(".SS"):
            named = re.search(r"\[(\w+)\]", line)
            section = None if "[[" in line else f"{named[1]}." if named else ""
        elif before == ".TP" and section is not None:
            out |= {f"--{section}{key}" for key in re.findall(r"[a-z]\w+", re.sub(r"^\.BR?", "", line))}
        before = line
    return out


def differences(where, has, names):
    """Both ways, without what every program has."""
    yield from (f"{where}: {one} of --help is absent" for one in sorted(has - names - EVERY_PROGRAM))
    yield from (f"{where}: --help has no {one}" for one in sorted(names - has - EVERY_PROGRAM))


def faults_of(program, page, text):
    """A command's options stand in its entry, or in the page's section OPTIONS where several commands have them."""
    own = help_of(program).partition(OF_THE_FILE)[0]
    of_command = {command: options_in(help_of(program, command)) for command in commands_in(own)}
    entry_of = entries(text, set(of_command))
    outside = named_by("".join(re.findall(r"^\.SH OPTIONS\n(.*?)(?=^\.SH )", text, re.MULTILINE | re.DOTALL)))
    yield from differences(page, options_in(own).union(*of_command.values()), named_by(text))
    for command, has in of_command.items():
        if command not in entry_of:
            yield f"{page}: the command {command} is absent"
        else:
            names = named_by(entry_of[command])
            yield from differences(f"{page}: {command}", has, names | (outside & has))


def write_sample(tree):
    """A program whose page lacks an option and a command and has an option too many; one with another configuration."""
    build, pages = tree / "build", tree / "contrib/man"
    for folder in (build, pages):
        folder.mkdir(parents=True)
    of_get, of_none = "Options:\\n  -q,--quiet  x\\n  --new N\\n", "\\nSubcommands:\\n  get  x\\n  lose  x\\n"
    of_agent = "Options:\\n  --once\\n\\nOptions of the file:\\n  --a.here TEXT\\n"
    scripts = {"packswarm": f"case $1 in get) printf '{of_get}';; lose) ;; *) printf '{of_none}';; esac",
               "packswarmd": f"printf '{of_agent}'"}
    for name, said in scripts.items():
        (build / name).write_text(f"#!/bin/sh\n{said}\n")
        (build / name).chmod(0o755)
    (pages / "packswarm.1").write_text(
        ".SH COMMANDS\n.TP\n.B get\n\\fB\\-q\\fR, \\fB\\-\\-quiet\\fR, \\-\\-old\n.SH FILES\n")
    (pages / "packswarmd.8").write_text(".SH OPTIONS\n.TP\n.B \\-\\-once\nOnce.\n.SH FILES\n")
    (pages / "packswarm.toml.5").write_text('.SS "[a]"\n.TP\n.B gone\nGone.\n')
    return ["packswarm.1: --new of --help is absent", "packswarm.1: --help has no --old",
            "packswarm.1: get: --new of --help is absent", "packswarm.1: get: --help has no --old",
            "packswarm.1: the command lose is absent",
            "packswarm.toml.5: --a.here of --help is absent", "packswarm.toml.5: --help has no --a.gone"]


def faults(tree):
    out = []
    for program, page in PAGES.items():
        if (tree / page).exists():
            out += faults_of(build_of(tree) / program, page, plain((tree / page).read_text()))
        elif tree == build_commands.TREE:
            out.append(f"there is no {page}")
    in_file = options_in(help_of(build_of(tree) / "packswarmd").partition(OF_THE_FILE)[2])
    return [*out, *differences(CONFIGURATION, in_file, keys_of_configuration((tree / CONFIGURATION).read_text()))]
