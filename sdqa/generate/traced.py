"""Which cases' calls are run once more to compare the components: a few, of each kind."""

from __future__ import annotations

from collections.abc import Mapping

TRACED_CASES = 3


def traced_cases(has_source: Mapping[str, bool]) -> tuple[str, ...]:
    """A few cases, spread over the suite, text-to-image among them when there is one.

    Args:
        has_source: case → whether it starts from a picture, in the suite's order.
    """
    with_source = [case for case, sourced in has_source.items() if sourced]
    without = [case for case, sourced in has_source.items() if not sourced]
    spread = with_source[:: max(1, len(with_source) // (TRACED_CASES - 1))][: TRACED_CASES - 1]
    return (*spread, *without[: TRACED_CASES - len(spread)])
