"""How much of the tree a run looks at: what a change touches, and of the rest a part that moves on with each commit and
each day."""
import subprocess
import time

MOST_COMMITS = 5  # on the main branch itself: how far back a change reaches


class Extent:
    everything = False  # tests/law --all
    folder = ""  # tests/law --folder


def within(names):
    return [name for name in names if name.startswith(Extent.folder)]


def git(tree, *words):
    done = subprocess.run(["git", "-C", str(tree), *words], capture_output=True, text=True)
    return done.stdout.split("\n")[:-1] if done.returncode == 0 else None


def base_of(tree):
    """The commit that a change begins at: where it left the main branch, or, on that branch, a few commits ago."""
    head, base = git(tree, "rev-parse", "HEAD"), git(tree, "merge-base", "HEAD", "origin/main")
    if base and base != head:
        return base[0]
    count = git(tree, "rev-list", "--count", "--first-parent", f"--max-count={MOST_COMMITS + 1}", "HEAD")
    return f"HEAD~{int(count[0]) - 1}" if count and int(count[0]) > 1 else None


def touched(tree):
    """The files that a change touches, committed or not, in the order of their names."""
    base = base_of(tree)
    changed = git(tree, "diff", "--name-only", "--diff-filter=d", base) if base else []
    return within(sorted({*(changed or []), *(git(tree, "ls-files", "--others", "--exclude-standard") or [])}))


def part_of(items, size, tree):
    """At most so many of them, other ones at the next commit and on the next day, so that each has its turn."""
    if Extent.everything or len(items) <= size:
        return items
    count = git(tree, "rev-list", "--count", "HEAD") or ["0"]
    first = (int(count[0]) + int(time.time()) // 86_400) * size % len(items)
    return [*items[first:], *items[:first]][:size]
