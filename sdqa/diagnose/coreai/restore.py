"""An asset with its compression taken back: what is left is what conversion did."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sdqa.convert.coreai.build import save
from sdqa.convert.coreai.constants import replace_constant
from sdqa.diagnose.coreai.pairs import Beside
from sdqa.diagnose.coreai.process import look

Array = npt.NDArray[Any]


class TakenBack(NamedTuple):
    """What was taken back."""

    compressed: int
    """Constants that compression changed."""
    stored: int
    """Of those, the ones that the asset says it compressed."""


def restore(
    component: str, asset: Path, reference: Path, parameters: Mapping[str, Array], destination: Path
) -> TakenBack:
    """Write a copy of an asset with the sound values where it has compressed ones; none where it has none.

    Raises:
        ExecutionError: the process that did it died.
        PackageError: the asset is damaged.
    """
    job = {
        "component": component,
        "asset": str(asset),
        "reference": str(reference),
        "destination": str(destination),
    }
    return TakenBack(*look(__name__, job, parameters))


def perform(job: Mapping[str, Any], arrays: Mapping[str, Array]) -> list[int]:
    """The part of `restore` that the process of its own does."""
    beside = Beside(Path(job["asset"]), Path(job["reference"]), arrays)
    compressed = [pair for pair in beside.pairs() if pair.compressed]
    done = set()
    for pair in compressed:
        operand = beside.candidate.operations[pair.node.name].operands[int(pair.argument)]
        if id(pair.constant) in done:  # several operations take it, and all were given the other one
            continue
        done.add(id(pair.constant))
        owner = operand.owner
        with np.errstate(over="ignore"):
            values = pair.reference.astype(pair.value.dtype)
        replace_constant(getattr(owner, "operation", owner), values)
    if compressed:
        destination = Path(job["destination"])
        destination.parent.mkdir(parents=True, exist_ok=True)
        save(beside.candidate.program, destination)
    return [len(compressed), sum(pair.stored for pair in compressed)]
