"""Mutations and harmless changes that the catalogue does not have: what the gate and the diagnosis were not made with.

Whoever wrote these read the catalogue only to leave out what it has: each differs from every entry in its kind of
damage or in its place. Each has one severity, the one that was judged to be seen, or just seen, before anything was
measured. No limit was looked at, and nothing was changed after its verdict, but for what turned out to do nothing at
all. The authors are the project's own all the same; the set is held out, and not foreign.

They are no part of `sdqa faults list`: `registry.plant` adds them to this process's catalogue, and
`python -m tests.faults.held_out` is what calls it.
"""
