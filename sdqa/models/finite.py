"""Weights hold numbers: looked at once, when they are first read."""

from __future__ import annotations

from typing import Any

from sdqa.errors import ModelError

SHOWN = 4


def require_finite(part: str, module: Any, *, source: str) -> None:
    """Refuse a part with NaN or infinity in its parameters or buffers.

    One sum a tensor, no copy: a sum is finite wherever all values are, unless they overflow, which is looked at again.

    Raises:
        ModelError: with the first names and how many of their values.
    """
    bad = []
    for name, value in (*module.named_parameters(), *module.named_buffers()):
        if value.is_floating_point() and not bool(value.sum().isfinite()):
            count = int((~value.isfinite()).sum())
            if count:
                bad.append(f"{name} ({count} of {value.numel()})")
    if bad:
        more = f" and {len(bad) - SHOWN} more" if len(bad) > SHOWN else ""
        raise ModelError(
            f"{part} has values that are not finite: {', '.join(bad[:SHOWN])}{more}",
            where=source,
            hint="the checkpoint is damaged, or overflowed when it was saved in half precision: give a sound one",
        )
