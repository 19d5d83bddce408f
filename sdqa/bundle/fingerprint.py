"""Fingerprints: where two lanes' figures stop being comparable.

A picture's figures depend on teacher, metrics and schedule; a timing also depends on the machine, its system's build,
the compute unit and the versions that ran it. Timings are only ever compared within one fingerprint.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

PICTURE_KEYS = ("teacher", "metrics")
"""Entries of `Lane.fingerprint` without which figures of pictures cannot be compared."""


def differences(a: Mapping[str, Any], b: Mapping[str, Any], *, ignore: Iterable[str] = ()) -> list[str]:
    """Where two fingerprints differ, as `versions.torch: 2.12 → 2.13`; empty when they are the same.

    Args:
        ignore: top-level entries that do not matter.
    """
    found: list[str] = []
    for key in sorted((set(a) | set(b)) - set(ignore)):
        old, new = a.get(key), b.get(key)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            found.extend(f"{key}.{line}" for line in differences(old, new))
        elif old != new:
            found.append(f"{key}: {_short(old)} → {_short(new)}")
    return found


def _short(value: Any) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
