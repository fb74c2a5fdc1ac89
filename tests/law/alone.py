"""Each header compiles with nothing before it, and each source without the others of its unity build. A run takes what
a change touches, and of the rest a part that moves on."""
import subprocess

import build_commands
import extent

MOST_TOUCHED, PART = 6, 10


def why_skipped(tree):
    return build_commands.why_not(tree)


def units(tree, known):
    """{file: what is compiled to see it alone}: a header that a source includes first is seen with that source."""
    names = build_commands.sources_and_headers(tree)
    seen_by = {build_commands.first_include(tree / name): name for name in names if name in known}
    return {name: seen_by.get(name, name) for name in names if name in known or name.endswith(".hpp")}


def fault_of(name, tree, known):
    text = f'#include "{name}"\n'
    command = [*build_commands.command_for(name, tree, known), "-fsyntax-only", "-fdiagnostics-color=never"]
    command += [name] if name in known else ["-x", "c++", "-"]
    try:
        done = subprocess.run(command, cwd=tree, input=text, capture_output=True, text=True,
                              timeout=build_commands.MOST_SECONDS)
    except subprocess.TimeoutExpired:
        return f"{name}: its compiler takes more than {build_commands.MOST_SECONDS} s"
    if done.returncode == 0:
        return None
    said = [line for line in done.stderr.splitlines() if "error:" in line] or [done.stderr.strip()[-300:]]
    return f"{name}: does not compile alone: {said[0]}"


def write_sample(tree):
    """A header and a source that lean on what others include, and a pair that does not."""
    build_commands.write_commands(tree, ["p2p/core/leans.cpp", "p2p/core/stands.cpp"], "-Wall", "-Werror")
    files = {"stands.hpp": "#pragma once\n#include <string>\nstd::string f();\n",
             "stands.cpp": '#include "p2p/core/stands.hpp"\nstd::string f() { return {}; }\n',
             "leans.hpp": "#pragma once\nstd::string g();\n",
             "leans.cpp": "int h() { return f().empty(); }\n"}
    (tree / "p2p/core").mkdir(parents=True)
    for name, text in files.items():
        (tree / "p2p/core" / name).write_text(text)
    return ["p2p/core/leans.hpp: does not compile alone: ", "p2p/core/leans.cpp: does not compile alone: "]


def faults(tree):
    try:
        known = build_commands.commands(tree)
    except RuntimeError as error:
        return [str(error)]
    unit_of = units(tree, known)
    changed = sorted({unit_of[name] for name in extent.touched(tree) if name in unit_of})
    chosen = extent.part_of(changed, MOST_TOUCHED, tree)
    rest = extent.within(sorted(set(unit_of.values()) - set(chosen)))
    chosen = [*chosen, *extent.part_of(rest, PART, tree)]
    found = build_commands.side_by_side(lambda name: fault_of(name, tree, known), chosen)
    everything = len(set(unit_of.values()))
    build_commands.say(tree, f"law alone: {len(chosen)} of {everything} units; this change touches {len(changed)}")
    return [fault for fault in found if fault]
