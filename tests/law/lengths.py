"""A file of at most 500 lines, a function of at most 70: what is longer lacks a noun."""
import ast
import re

MOST_LINES, MOST_OF_A_FUNCTION = 500, 70
FOLDERS = ("p2p", "verify", "formats", "hooks", "seeder", "tracker-tools", "tests", "contrib")


def cpp_functions(lines):
    """(name, first line, lines) of what stands at a namespace's level, in formatted text."""
    first = name = None
    for number, line in enumerate(lines, 1):
        begins = re.match(r"(?!namespace|struct|class|enum|union|extern)[^\s#}/].*?([~\w]+)\(.*\{$", line)
        if first is None and begins:
            first, name = number, begins[1]
        elif line.startswith("}") and first:
            yield name, first, number - first
            first = None


def python_functions(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name, node.lineno, node.end_lineno - node.lineno + 1


def write_sample(tree):
    """A tree that breaks the rule, too long to be kept; what has to be said of it."""
    for name, text in {"p2p/core/long.cpp": "int f() {\n" + "    x();\n" * 71 + "}\n" + "\n" * 500, "tests/long.py": "def g():\n" + "    pass\n" * 71}.items():
        (tree / name).parent.mkdir(parents=True)
        (tree / name).write_text(text)
    return ["p2p/core/long.cpp: 573 lines", "p2p/core/long.cpp:1: f has 72 lines", "tests/long.py:1: g has 72 lines"]


def faults(tree):
    out = []
    for file in sorted(one for folder in FOLDERS for one in (tree / folder).rglob("*") if one.suffix in (".cpp", ".hpp", ".py")):
        name, text = str(file.relative_to(tree)), file.read_text()
        if name.startswith("tests/law/bad/"):
            continue
        lines = text.splitlines()
        if len(lines) > MOST_LINES:
            out.append(f"{name}: {len(lines)} lines, more than {MOST_LINES}")
        for function, first, length in python_functions(text) if file.suffix == ".py" else cpp_functions(lines):
            if length > MOST_OF_A_FUNCTION:
                out.append(f"{name}:{first}: {function} has {length} lines, more than {MOST_OF_A_FUNCTION}")
    return out
