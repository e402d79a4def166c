"""`ticketing audit`: check the system's invariants in every store, and repair violations.

`kinds` lists every possible finding, the modules of `checks` find them, `check_runner` scans twice
to exclude changes in progress, and `repairs` lists the possible repairs.
"""
