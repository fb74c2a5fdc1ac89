"""The rules that a machine keeps: python3 tests/law. Ends with 1 when one is broken, or lets its bad sample pass."""
import argparse
import pathlib
import sys
import tempfile
import time

import alone
import documents
import extent
import families
import formatting
import includes
import lengths
import modules
import options
import threats
import tidy

HERE = pathlib.Path(__file__).resolve().parent
RULES = (includes, families, threats, modules, lengths, documents, formatting, options)
WITH_A_COMPILER = (alone, tidy)  # minutes instead of seconds


def words():
    names = [rule.__name__ for rule in (*RULES, *WITH_A_COMPILER)]
    parser = argparse.ArgumentParser("tests/law", description=__doc__)
    parser.add_argument("rules", nargs="*", metavar="RULE", help=f"only these: {', '.join(names)}")
    parser.add_argument("--compile", action="store_true",
                        help="also the rules that compile, on a part of the tree: two minutes on two cores")
    parser.add_argument("--all", action="store_true", help="also the rules that compile, on the whole tree: an hour")
    parser.add_argument("--folder", default="", help="only what is said of files in this folder; no samples")
    parser.add_argument("--times", action="store_true", help="say how long each rule took")
    given = parser.parse_args()
    for name in given.rules:
        if name not in names:
            parser.error(f"no rule is called {name}: {', '.join(names)}")
    return given


def chosen(given):
    rules = (*RULES, *WITH_A_COMPILER) if given.compile or given.all or given.rules else RULES
    return [rule for rule in rules if not given.rules or rule.__name__ in given.rules]


def samples(rule):
    """(what has to be said, what the rule says) of each bad sample: those in bad/RULE/, and what the rule writes."""
    kept = HERE / "bad" / rule.__name__
    for one in sorted(kept.iterdir()) if kept.is_dir() else ():
        yield (one / "expected").read_text().splitlines(), rule.faults(one)
    if hasattr(rule, "write_sample"):
        with tempfile.TemporaryDirectory() as folder:
            yield rule.write_sample(pathlib.Path(folder)), rule.faults(pathlib.Path(folder))


def passed_samples(rule):
    """What a rule does not say of its bad samples."""
    return [f"law {rule.__name__}: a bad sample passes: nothing says \"{why}\""
            for expected, found in samples(rule) for why in expected if not any(why in one for one in found)]


def faults(rule, tree, given):
    """Of a rule that can be looked at here; a skipped one says why."""
    began = time.monotonic()
    skipped = rule.why_skipped(tree) if hasattr(rule, "why_skipped") else None
    if skipped:
        print(f"law {rule.__name__}: skipped: {skipped}")
        return None
    if given.folder:
        extent.Extent.folder = given.folder.rstrip("/") + "/"
        out = [fault for fault in rule.faults(tree) if fault.startswith(extent.Extent.folder)]
    else:
        out = [*passed_samples(rule), *rule.faults(tree)]
    if given.times:
        print(f"law {rule.__name__}: {time.monotonic() - began:.1f} s")
    return out


def main():
    given = words()
    extent.Extent.everything = given.all
    found = {rule.__name__: faults(rule, HERE.parent.parent, given) for rule in chosen(given)}
    wrong = [fault for one in found.values() for fault in one or ()]
    kept = [name for name, one in found.items() if one is not None]
    print("\n".join(wrong) if wrong else f"law: kept: {', '.join(kept) or 'no rule'}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
