"""The rules that a machine keeps: python3 tests/law. Ends with 1 when one is broken, or lets its bad sample (bad/RULE/) pass."""
import pathlib
import sys

import documents
import includes
import lengths
import threats

HERE = pathlib.Path(__file__).resolve().parent
RULES = (includes, threats, lengths, documents)


def main():
    wrong = []
    for rule in RULES:
        name = rule.__name__
        for sample in sorted((HERE / "bad" / name).iterdir()):
            expected = (sample / "expected").read_text().split("\n")
            found = rule.faults(sample)
            wrong += [f"law {name}: {sample.name} passes: nothing says \"{why}\"" for why in expected if why and not any(why in one for one in found)]
        wrong += rule.faults(HERE.parent.parent)
    print("\n".join(wrong) if wrong else f"law: {', '.join(rule.__name__ for rule in RULES)} are kept")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
