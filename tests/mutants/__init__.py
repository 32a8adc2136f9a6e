"""Oracle proof: the daemon is broken on purpose, one promise at a time, and the tests must notice each time.

`python -m tests.mutants` copies the package, applies one mutant, lets the simulation loose on the copy, and does so
for every mutant of the catalogue. One that survives means that the simulation would not see such a bug either.
"""
