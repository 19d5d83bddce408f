"""Coverage of an asset: parameters by value, and under the names that a sound conversion gives their places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy.typing as npt

from sdqa.bundle.diagnosis import ComponentCoverage
from sdqa.convert.coreai.contents import read_contents
from sdqa.convert.coreai.describe import held_constants
from sdqa.convert.coreai.weights import Weight, without_copies
from sdqa.convert.coverage import measure_coverage
from sdqa.diagnose.coreai.pairs import Beside
from sdqa.diagnose.coreai.process import look
from sdqa.diagnose.pattern import NONE, pattern

Array = npt.NDArray[Any]


def asset_coverage(
    component: str, asset: Path, reference: Path | None, parameters: Mapping[str, Array], scaling: float
) -> ComponentCoverage:
    """Match an asset's constants with the checkpoint's parameters.

    Args:
        reference: converted anew: what it does not hold either, the computation does not use.
        scaling: the VAE's scaling factor.

    Raises:
        ExecutionError: the process that did it died.
        PackageError: the asset is damaged.
    """
    job = {
        "component": component,
        "asset": str(asset),
        "reference": str(reference) if reference else None,
        "scaling": scaling,
    }
    return ComponentCoverage.model_validate(look(__name__, job, parameters))


def perform(job: Mapping[str, Any], arrays: Mapping[str, Array]) -> Any:
    """The part of `asset_coverage` that the process of its own does."""
    reference = Path(job["reference"]) if job["reference"] else None
    values = list(arrays.values())
    unused: Sequence[str] = ()
    if reference is not None:
        unused = measure_coverage(arrays, held_constants(read_contents(reference).program, values)).missing
    found = measure_coverage(
        arrays, held_constants(read_contents(Path(job["asset"])).program, values), unused=tuple(unused)
    )
    differing = {*found.changed, *found.scaled, *found.missing}
    held: dict[str, Array] = {}
    if differing and reference is not None:
        laid_out = dict(arrays)  # as the asset has them
        for pair in Beside(Path(job["asset"]), reference, arrays).pairs():
            if pair.source in differing:
                laid_out[pair.source], held[pair.source] = (_one_row(each) for each in (pair.reference, pair.value))
        held = {name: value for name, value in held.items() if value.size == laid_out[name].size}
        seen = pattern(laid_out, held, found.scaled, float(job["scaling"]))
    else:
        seen = NONE
    replaced = {name for name in found.missing if name in held}  # something else stands at their places
    return ComponentCoverage(
        component=job["component"],
        parameters=found.parameters,
        missing=tuple(name for name in found.missing if name not in replaced),
        invented=found.invented if len(found.invented) > len(replaced) else (),
        changed=tuple(sorted({*found.changed, *replaced})),
        scaled=found.scaled,
        pattern=seen.kind,
        words=seen.words,
    ).model_dump(mode="json")


def _one_row(values: Array) -> Array:
    return without_copies(Weight("", values, 0)).values
