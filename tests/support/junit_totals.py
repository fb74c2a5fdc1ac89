#!/usr/bin/python3
"""Adds up JUnit files: prints passed, failed and skipped tests. Understands what ctest, GoogleTest and pytest write."""
import pathlib
import sys
import xml.etree.ElementTree as xml


def totals(paths):
    passed = failed = skipped = 0
    for case in (case for path in paths if pathlib.Path(path).exists() for case in xml.parse(path).getroot().iter("testcase")):
        if case.find("failure") is not None or case.find("error") is not None or case.get("status") == "fail":
            failed += 1
        elif case.find("skipped") is not None or case.get("status") in ("notrun", "disabled"):
            skipped += 1
        else:
            passed += 1
    return passed, failed, skipped


if __name__ == "__main__":
    print(*totals(sys.argv[1:]))
