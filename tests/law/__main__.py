"""The rules that a machine keeps: python3 tests/law. Ends with 1 when one is broken, or lets its bad sample (bad/RULE/) pass."""
import pathlib
import sys
import tempfile

import documents
import includes
import lengths
import threats

HERE = pathlib.Path(__file__).resolve().parent
RULES = (includes, threats, lengths, documents)


def passed_samples(rule):
    """What a rule does not say of its bad samples."""
    name = rule.__name__
    if hasattr(rule, "write_sample"):
        with tempfile.TemporaryDirectory() as folder:
            samples = [(rule.write_sample(pathlib.Path(folder)), rule.faults(pathlib.Path(folder)))]
    else:
        samples = [((one / "expected").read_text().splitlines(), rule.faults(one)) for one in sorted((HERE / "bad" / name).iterdir())]
    return [f"law {name}: a bad sample passes: nothing says \"{why}\"" for expected, found in samples for why in expected
            if not any(why in one for one in found)]


def main():
    wrong = [fault for rule in RULES for fault in (*passed_samples(rule), *rule.faults(HERE.parent.parent))]
    print("\n".join(wrong) if wrong else f"law: {', '.join(rule.__name__ for rule in RULES)} are kept")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
