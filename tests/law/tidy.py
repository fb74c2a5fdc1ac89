"""clang-tidy has nothing to say of the files that a change touches; .clang-tidy names its checks. A few files a run,
others in the next."""
import json
import re
import shutil
import subprocess

import build_commands
import extent

MOST_FILES = 4  # each takes a core for ten seconds and more
# clang 14 knows coroutines, yet neither libstdc++ nor Boost 1.74 believes it.
COROUTINES = ("__cpp_impl_coroutine=201902L", "BOOST_ASIO_HAS_CO_AWAIT=1", "BOOST_ASIO_HAS_STD_COROUTINE=1")
SLOW_CHECKS = "clang-analyzer-*"  # two thirds of the time: only where everything is looked at


def why_skipped(tree):
    return build_commands.why_not_clang("clang-tidy") or build_commands.why_not(tree)


def to_read(tree, known):
    """{source: the touched files that are judged with it}: a header is read with the source that includes it first."""
    reader_of = {build_commands.first_include(tree / source): source for source in known if (tree / source).is_file()}
    everything = extent.Extent.everything
    names = extent.within(build_commands.sources_and_headers(tree)) if everything else extent.touched(tree)
    out = {}
    for name in names:
        source = name if name in known else reader_of.get(name)
        if source and not source.startswith("tests/"):
            out.setdefault(source, set()).add(name)
    return out


def said_of(source, names, tree):
    """Errors in the touched files alone: what an included one holds that nobody touched is no fault of this change."""
    lines = json.dumps([{"name": name} for name in sorted(names)])
    words = ["clang-tidy", "--quiet", "-p", build_commands.FOLDER, "--warnings-as-errors=*", f"--line-filter={lines}"]
    words += ["--extra-arg=-Wno-unknown-warning-option", *(f"--extra-arg=-D{one}" for one in COROUTINES)]
    words += [] if extent.Extent.everything else [f"--checks=-{SLOW_CHECKS}"]
    try:
        done = subprocess.run([*words, source], cwd=tree, capture_output=True, text=True,
                              timeout=build_commands.MOST_SECONDS)
    except subprocess.TimeoutExpired:
        return [f"{source}: clang-tidy takes more than {build_commands.MOST_SECONDS} s"]
    said = re.findall(r"^(\S+?:\d+):\d+: (?:error|warning): (.*)$", done.stdout, re.MULTILINE)
    unread = [what for _, what in said if "[clang-diagnostic-error" in what]
    if unread:  # GCC may; the fuzz targets are built with clang
        return [f"{source}: clang cannot read it: {unread[0]}"]
    out = [f"{place.removeprefix(str(tree) + '/')}: {what}" for place, what in said]
    if not out and done.returncode != 0:
        out = [f"{source}: clang-tidy ends with {done.returncode}: {done.stderr.strip()[-300:]}"]
    return out


def write_sample(tree):
    """A repository without a commit, all of it touched: a use after a move in a source and in its header."""
    shutil.copy(build_commands.TREE / ".clang-tidy", tree / ".clang-tidy")
    extent.git(tree, "init", "-q")
    build_commands.write_commands(tree, ["p2p/core/moved.cpp"])
    (tree / "p2p/core").mkdir(parents=True)
    used = "(std::string text) {\n    auto other = std::move(text);\n    return text.size() + other.size();\n}\n"
    included = "#pragma once\n#include <string>\n#include <utility>\n"
    (tree / "p2p/core/moved.hpp").write_text(f"{included}inline unsigned long f{used}")
    (tree / "p2p/core/moved.cpp").write_text(f'#include "p2p/core/moved.hpp"\nunsigned long g{used}')
    why = "'text' used after it was moved"
    return [f"p2p/core/moved.hpp:6: {why}", f"p2p/core/moved.cpp:4: {why}"]


def faults(tree):
    try:
        files = to_read(tree, build_commands.commands(tree))
    except RuntimeError as error:
        return [str(error)]
    chosen = extent.part_of(sorted(files), MOST_FILES, tree)
    found = build_commands.side_by_side(lambda source: said_of(source, files[source], tree), chosen)
    build_commands.say(tree, f"law tidy: {len(chosen)} of {len(files)} sources that this change touches")
    return [fault for one in found for fault in one]
