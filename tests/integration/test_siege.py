"""All known attacks on one agent at once, for a short while (tests/siege/run: as long as one likes): whoever is honest is served."""
import pathlib
import sys

import pytest

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "siege"))

from siege import Siege  # noqa: E402

SECONDS = 40
FROZEN_MS = 2000  # how late the loop is at most; what it takes of a disk that others fill is measured, not judged


@pytest.mark.limit(300)
def test_honest_users_are_served_while_everything_is_tried_at_once(world, stock):
    siege = Siege(world, stock, FROZEN_MS)
    siege.attack()
    siege.honest()
    siege.watch(SECONDS, patience=100)
    print("\n".join(siege.table()))
    assert siege.faults() == []
