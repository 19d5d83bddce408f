"""The exit codes, part of the command line's contract (README, "Exit codes"), and which of several speaks for all."""

from __future__ import annotations

from collections.abc import Iterable

EXIT_PASS = 0
EXIT_GATE_FAILED = 1
EXIT_USAGE = 2
EXIT_INFRASTRUCTURE = 3
EXIT_INCOMPLETE = 4
EXIT_INTERRUPTED = 130
_WORST_FIRST = (EXIT_GATE_FAILED, EXIT_INTERRUPTED, EXIT_USAGE, EXIT_INFRASTRUCTURE, EXIT_INCOMPLETE, EXIT_PASS)


def worst(codes: Iterable[int]) -> int:
    """The exit code that speaks for several: of checks, lanes, machines, or a run and what ended it.

    1 outranks the rest: what a finished check found stays true whatever else went wrong. Then 130: a run that was
    stopped says nothing of what it lacks. Then 2 and 3, which name something to repair; then 4, which they would
    explain; then 0. Nothing at all is 0. A code that sdqa does not give counts as 3.
    """
    ranks = {code: rank for rank, code in enumerate(_WORST_FIRST)}
    known = (code if code in ranks else EXIT_INFRASTRUCTURE for code in codes)
    return min(known, key=ranks.__getitem__, default=EXIT_PASS)
