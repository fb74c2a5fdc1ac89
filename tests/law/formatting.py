"""Sources are formatted as .clang-format says. unformatted.txt names those that are not yet; it only gets shorter."""
import re
import shutil
import subprocess

import build_commands
import extent

LIST = "tests/law/unformatted.txt"
FILES_AT_A_TIME = 40


def why_skipped(tree):
    return build_commands.why_not_clang("clang-format")


def unformatted(tree, names):
    groups = [names[at:at + FILES_AT_A_TIME] for at in range(0, len(names), FILES_AT_A_TIME)]
    def said_of(group):
        words = ["clang-format", "--style=file", "-n", *group]
        said = subprocess.run(words, cwd=tree, capture_output=True, text=True).stderr
        return re.findall(r"^([^\s:]+):\d+:\d+: (?:warning|error):", said, re.MULTILINE)
    return {name for found in build_commands.side_by_side(said_of, groups) for name in found}


def listed(lines):
    return [line for line in lines if line and not line.startswith("#")]


def longer_list(tree, now):
    base = extent.base_of(tree)
    lines = extent.git(tree, "show", f"{base}:{LIST}") if base else None
    before = listed(lines) if lines is not None else now
    if len(now) > len(before):
        yield f"{LIST}: {len(now)} files, {len(before)} before this change: it only gets shorter"


def write_sample(tree):
    """A file that is not formatted, one that is and stands on the list, and a name on the list that is no file."""
    shutil.copy(build_commands.TREE / ".clang-format", tree / ".clang-format")
    files = {"p2p/core/bad.cpp": "int  f( );\n", "p2p/core/good.cpp": "int f();\n",
             LIST: "p2p/core/good.cpp\np2p/core/gone.cpp\n"}
    for name, text in files.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(text)
    return ["p2p/core/bad.cpp: not formatted", f"{LIST}: p2p/core/good.cpp is formatted",
            f"{LIST}: there is no p2p/core/gone.cpp"]


def faults(tree):
    names = build_commands.sources_and_headers(tree)
    known = listed((tree / LIST).read_text().splitlines()) if (tree / LIST).exists() else []
    found = unformatted(tree, names)
    out = [f"{name}: not formatted; clang-format -i {name}" for name in sorted(found - set(known))]
    out += [f"{LIST}: there is no {name}" for name in known if name not in names]
    out += [f"{LIST}: {name} is formatted, take it off" for name in known if name in names and name not in found]
    return [*out, *longer_list(tree, known)]
