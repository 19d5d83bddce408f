"""Weights hold numbers: looked at in their files before a run, and once more in what is computed with."""

from __future__ import annotations

from collections.abc import Sequence
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
                bad.append((name, count, value.numel()))
    refuse_values(part, bad, source=source)


def refuse_values(part: str, bad: Sequence[tuple[str, int, int]], *, source: str) -> None:
    """Refuse a part some of whose tensors have values that are not finite.

    Args:
        bad: of each such tensor its name, how many of its values are not, and how many it has.

    Raises:
        ModelError: with the first names.
    """
    if bad:
        more = f" and {len(bad) - SHOWN} more" if len(bad) > SHOWN else ""
        shown = ", ".join(f"{name} ({count} of {whole})" for name, count, whole in bad[:SHOWN])
        raise ModelError(
            f"{part} has values that are not finite: {shown}{more}",
            where=source,
            hint="the checkpoint is damaged, or overflowed when it was saved in half precision: give a sound one",
        )
