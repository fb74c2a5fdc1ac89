"""Real parts for integration tests and benches: namespaces, nginx mirrors, signed repositories, agents, apt and pacman.

Everything that is started here is ended by its own pid, every wait has a deadline, nothing outside the test's folder is changed.
"""
