"""Many clients at once on lines with a rate and a delay, and who else would fetch the same packages: what the benches lab_*.py share.

needs: what the machine must offer.  content: the upgrade.  place: machines, lines, mirrors, tracker, bounds.  torrents: for aria2.
clients: the contestants.  race: some of them at once, and what it took.
"""
