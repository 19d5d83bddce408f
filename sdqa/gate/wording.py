"""How verdicts speak of figures and cases."""

from __future__ import annotations

from collections.abc import Sequence

from sdqa.gate.tolerances import Tolerance


def figure_in_words(tolerance: Tolerance, figure: float) -> str:
    """A figure, and what it is compared with."""
    return f"{with_unit(tolerance, figure)} {'from the golden' if tolerance.of == 'difference' else ''}".strip()


def with_unit(tolerance: Tolerance, figure: float) -> str:
    """A figure or a limit with its unit; a difference with its sign."""
    sign = "+" if tolerance.of == "difference" else ""
    return f"{figure:{sign}.4g}{f' {tolerance.unit}' if tolerance.unit else ''}"


def cases_in_words(cases: Sequence[str], total: int) -> str:
    """How many of all cases, and the first of them by name."""
    return f"{len(cases)} of {total} cases: {', '.join(cases[:5])}{' …' if len(cases) > 5 else ''}"
