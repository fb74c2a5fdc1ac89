"""The upgrade that every client fetches: 118 packages with the sizes of a desktop's, as Debian's and as pacman's, with random content."""
import math
import random

import contest

# (part of the packages, bytes): so many are at most so large. Drawn once from an upgrade of Debian 12 with a browser in it.
SPREAD = [(0, 6e3), (0.1, 14e3), (0.25, 32e3), (0.5, 82e3), (0.75, 198e3), (0.9, 683e3), (0.97, 1.6e6), (1, 10e6)]
BROWSER = 78_000_000
COUNT = 118
ARCH_GROWTH = 1.233  # the same files as pacman packages, packed with zstd instead of xz


def size_at(part):
    for (below, small), (above, large) in zip(SPREAD, SPREAD[1:]):
        if part <= above:
            return int(small * (large / small) ** ((part - below) / (above - below)))
    raise ValueError(part)


def sizes(megabytes=None):
    """118 sizes, 115 MB; with `megabytes` in proportion. The browser comes first, as in its upgrade; the others in an order drawn once."""
    others = [size_at((number + 0.5) / (COUNT - 1)) for number in range(COUNT - 1)]
    random.Random(20240611).shuffle(others)
    every = [BROWSER, *others]
    return [math.ceil(size * (megabytes * 1e6 / sum(every) if megabytes else 1)) for size in every]


def make(folder, household, megabytes=None):
    return contest.Content(folder, household, sizes(megabytes), arch_growth=ARCH_GROWTH)
