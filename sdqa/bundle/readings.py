"""A lane's figure that is the worst over readings of several cases, so that parts of the cases make the same figure."""

from __future__ import annotations

import statistics
from collections.abc import Mapping

from sdqa.bundle.records import Measurement


def worst_reading(measurement: Measurement, by_case: Mapping[str, tuple[float, ...]]) -> Measurement:
    """The measurement with these readings: value, spread and number follow from them; NaN where one of them is.

    Args:
        by_case: at least one reading; the order of the cases does not matter.
    """
    values = [value for case in sorted(by_case) for value in by_case[case]]
    finite = all(value == value for value in values)
    worst = min(values) if measurement.better == "higher" else max(values)
    return measurement.model_copy(
        update={
            "value": worst if finite else float("nan"),
            "spread": statistics.pstdev(values) if finite else None,
            "n": len(values),
            "by_case": {case: tuple(by_case[case]) for case in sorted(by_case)},
        }
    )
