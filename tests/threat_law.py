#!/usr/bin/env python3
"""Checks docs/threat-model.md: no row without a test, no test that is not there."""
import pathlib
import re
import sys

TREE = pathlib.Path(__file__).resolve().parent.parent
PAGE = TREE / "docs/threat-model.md"


def tests_of_the_tree():
    names = set()
    for source in (TREE / "tests/unit").rglob("*_test.cpp"):
        names |= {f"{suite}.{name}" for suite, name in re.findall(r"^TEST(?:_F|_P)?\((\w+),\s*(\w+)\)", source.read_text(), re.MULTILINE)}
    for source in (TREE / "tests/integration").glob("test_*.py"):
        names |= {f"{source.name}::{name}" for name in re.findall(r"^def (test_\w+)", source.read_text(), re.MULTILINE)}
    return names


def faults(page, known):
    rows = [row.split("|") for row in page.splitlines() if re.match(r"\| A?\d+ \|", row)]
    out = [] if rows else ["it has no rows"]
    numbers = [cells[1].strip() for cells in rows]
    out += [f"{number} stands there twice" for number in sorted({one for one in numbers if numbers.count(one) > 1})]
    for cells in rows:
        named = re.findall(r"`([^`]+)`", cells[-2])
        out += [] if named else [f"row {cells[1].strip()} names no test"]
        out += [f"row {cells[1].strip()}: there is no test {name}" for name in named if name not in known]
    return out


def main():
    known = tests_of_the_tree()
    # The law refuses what it has to refuse.
    samples = {"| 1 | a | b | none |": "names no test", "| 1 | a | b | `No.Such` |": "there is no test", "": "no rows",
               "| 1 | a | b | `x` |\n| 1 | a | b | `x` |": "twice"}
    for sample, why in samples.items():
        assert any(why in fault for fault in faults(sample, {"x"})), (sample, why)
    found = faults(PAGE.read_text(), known)
    for fault in found:
        print(f"{PAGE.relative_to(TREE)}: {fault}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
