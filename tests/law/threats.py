"""docs/threat-model.md: no row without a test, no test that is not there, no number twice."""
import re

PAGE = "docs/threat-model.md"


def tests_of(tree):
    names = set()
    for source in (one for tier in ("unit", "component") for one in (tree / "tests" / tier).rglob("*_test.cpp")):
        names |= {f"{suite}.{name}" for suite, name in re.findall(r"^TEST(?:_F|_P)?\((\w+),\s*(\w+)\)", source.read_text(), re.MULTILINE)}
    for source in (tree / "tests/integration").glob("test_*.py"):
        names |= {f"{source.name}::{name}" for name in re.findall(r"^def (test_\w+)", source.read_text(), re.MULTILINE)}
    return names


def faults(tree):
    known = tests_of(tree)
    rows = [row.split("|") for row in (tree / PAGE).read_text().splitlines() if re.match(r"\| A?\d+ \|", row)]
    out = [] if rows else ["it has no rows"]
    numbers = [cells[1].strip() for cells in rows]
    out += [f"{number} stands there twice" for number in sorted({one for one in numbers if numbers.count(one) > 1})]
    for cells in rows:
        named = re.findall(r"`([^`]+)`", cells[-2])
        out += [] if named else [f"row {cells[1].strip()} names no test"]
        out += [f"row {cells[1].strip()}: there is no test {name}" for name in named if name not in known]
    return [f"{PAGE}: {fault}" for fault in out]
