"""How the build compiles each source, one at a time: from a build folder that is configured and never built."""
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

TREE = pathlib.Path(__file__).resolve().parent.parent.parent
FOLDER = "build/law"
CONFIGURE = ("cmake", "-S", ".", "-B", FOLDER, "-G", "Ninja",
             "-DCMAKE_BUILD_TYPE=Debug", "-DCMAKE_UNITY_BUILD=OFF", "-DPACKSWARM_WERROR=ON")
CLANG = "14"  # of Debian 12
MOST_SECONDS = 300  # for one compiler


def why_not(tree):
    """Why no command can be had; None where one can."""
    absent = [program for program in ("cmake", "ninja", "c++") if shutil.which(program) is None]
    return f"{', '.join(absent)}: not installed" if absent else None


def why_not_clang(program):
    """Other versions than Debian 12's break lines elsewhere and have other checks behind the same names."""
    if shutil.which(program) is None:
        return f"{program} is not installed"
    said = subprocess.run([program, "--version"], capture_output=True, text=True).stdout
    version = re.search(r"version (\d+)", said)
    here = version[1] if version else said.strip()
    return None if here == CLANG else f"{program} here is {here}, and another than {CLANG} says other things"


def commands(tree):
    """{source: words of its compiler without input and output}. RuntimeError: the tree cannot be configured."""
    if (tree / "CMakeLists.txt").exists():
        done = subprocess.run(CONFIGURE, cwd=tree, capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"cmake cannot configure {FOLDER}: {done.stderr.strip()[-500:]}")
    entries = json.loads((tree / FOLDER / "compile_commands.json").read_text())
    out = {}
    for entry in entries:
        words = shlex.split(entry["command"])
        words = words[:words.index("-o")]
        if "ccache" in words[0]:
            words = words[1:]
        out[os.path.relpath(entry["file"], tree)] = words
    return out


def sources_and_headers(tree):
    """Of the rooms and the tests, in the order of their names."""
    folders = ("p2p", "verify", "formats", "hooks", "seeder", "tracker-tools", "tests")
    names = [str(file.relative_to(tree)) for folder in folders for file in (tree / folder).rglob("*.[ch]pp")]
    return sorted(name for name in names if not name.startswith("tests/law/bad/"))


def first_include(file):
    """The header that its first line of this kind names: it is compiled with nothing before it."""
    found = re.search(r'^#include ["<]([^">]+)', file.read_text(), re.MULTILINE)
    return found[1] if found else None


def write_commands(tree, sources, *flags):
    """For a sample: commands as a configured folder has them."""
    (tree / FOLDER).mkdir(parents=True)
    compiler = shlex.join(["c++", "-std=c++20", f"-I{tree}", *flags, "-o", "x.o", "-c"])
    entries = [{"directory": str(tree), "file": str(tree / source), "command": f"{compiler} {source}"}
               for source in sources]
    (tree / FOLDER / "compile_commands.json").write_text(json.dumps(entries))


def command_for(name, tree, known):
    """A source's own command; for a header that of a source that includes it, or of one that stands near."""
    if name in known:
        return known[name]
    users = [source for source in known
             if (tree / source).is_file() and f'#include "{name}"' in (tree / source).read_text()]
    near = [source for source in known if pathlib.PurePath(source).parent == pathlib.PurePath(name).parent]
    return known[next(iter((*near, *users, *known)))]


def say(tree, text):
    """Of the tree itself, not of samples."""
    if tree == TREE:
        print(text, flush=True)


def side_by_side(task, items):
    """What the task says of each item, as many at a time as there are cores."""
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return list(pool.map(task, items))
