"""What a calibration found, for the terminal: every limit, the fault that it lies before, and what it does not see."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sdqa.gate.tolerances import Tolerance, Tolerances

HEAD = ("metric", "mean", "a case", "nearest fault it sees", "blind to")
NAMED = 3


def limit_table(tolerances: Tolerances, variants: Sequence[str], faults: Sequence[str]) -> Iterator[str]:
    """One table a variant, line by line.

    Args:
        variants: those that were measured just now.
        faults: those that were planted.
    """
    for variant in variants:
        rows = [HEAD, *(_row(key, one, len(faults)) for key, one in sorted(tolerances.variants[variant].items()))]
        widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
        yield f"{tolerances.model}, {variant}: {len(faults)} faults planted"
        for row in rows:
            yield "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
    if tolerances.left_out:
        yield f"not planted, for want of time: {', '.join(tolerances.left_out)}"
        yield "  what no fault was planted for, no limit is known to see; more time: sdqa calibrate --budget …"


def tail_lines(tolerances: Tolerances, variants: Sequence[str]) -> Iterator[str]:
    """What applies to text-to-image cases alone, variant by variant.

    Args:
        variants: those that were drawn for it.
    """
    for variant in variants:
        table = tolerances.variants[variant]
        tailed = {key: (one, one.tail) for key, one in sorted(table.items()) if one.tail is not None}
        yield f"{tolerances.model}, {variant}: text-to-image cases " + (
            "alone" if tailed else "need no limits of their own"
        )
        for key, (one, tail) in tailed.items():
            sign, unit = "≥" if one.better == "higher" else "≤", f" {one.unit}" if one.unit else ""
            worst = f"{tail.worst:.4g}{unit} at worst, {tail.beyond} of {tail.n} beyond {one.severe:.4g}{unit}"
            yield f"  {key}  {sign} {tail.severe:.4g}{unit}  {worst}"


def _row(key: str, tolerance: Tolerance, planted: int) -> tuple[str, str, str, str, str]:
    sign = "≥" if tolerance.better == "higher" else "≤"
    unit = f" {tolerance.unit}" if tolerance.unit else ""
    fault, blind = tolerance.nearest_fault, tolerance.blind_to
    names = [name.partition("@")[0] for name in blind]
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    seen = "none" if fault is None else f"{fault.name.partition('@')[0]} at {fault.mean:.4g}{unit}"
    unseen = "nothing" if not blind else f"{len(blind)} of {planted}: {', '.join(names[:NAMED])}{more}"
    if blind and len(blind) >= planted:
        unseen = f"all {planted}"
    return key, f"{sign} {tolerance.limit:.4g}{unit}", f"{sign} {tolerance.case_limit:.4g}{unit}", seen, unseen
