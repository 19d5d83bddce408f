"""Operations of an asset: which one adds the error, what it is in torch, and what its weights are."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy.typing as npt

from sdqa.bundle.diagnosis import Operations
from sdqa.diagnose.coreai.bench import Bench
from sdqa.diagnose.coreai.pairs import Beside
from sdqa.diagnose.coreai.process import look
from sdqa.diagnose.culprit import looked_into, measure_impacts, weight_findings
from sdqa.errors import ExecutionError

Array = npt.NDArray[Any]
CALL = "call"
"""Before the arrays of recorded calls, which travel beside the parameters."""


def asset_operations(
    component: str,
    asset: Path,
    reference: Path,
    parameters: Mapping[str, Array],
    calls: Sequence[Mapping[str, Array]],
) -> Operations:
    """Look into one component; where Core AI dies of it, no operation is named and the failure is told.

    Args:
        reference: the component converted anew in fp32.
        calls: recorded inputs.

    Raises:
        PackageError: the asset is damaged.
    """
    arrays = {
        **parameters,
        **{f"{CALL} {n} {name}": value for n, call in enumerate(calls) for name, value in call.items()},
    }
    job = {"component": component, "asset": str(asset), "reference": str(reference), "calls": len(calls)}
    try:
        return Operations.model_validate(look(__name__, job, arrays))
    except ExecutionError as error:
        return Operations(component=component, reference="package", culprit="", failure=str(error))


def perform(job: Mapping[str, Any], arrays: Mapping[str, Array]) -> Any:
    """The part of `asset_operations` that the process of its own does."""
    component = job["component"]
    parameters = {name: value for name, value in arrays.items() if not name.startswith(f"{CALL} ")}
    calls = [
        {name.removeprefix(f"{CALL} {n} "): value for name, value in arrays.items() if name.startswith(f"{CALL} {n} ")}
        for n in range(job["calls"])
    ]
    beside = Beside(Path(job["asset"]), Path(job["reference"]), parameters)
    assert beside.reference is not None
    weights = weight_findings(component, beside.pairs(), lambda pair: pair.source)
    with tempfile.TemporaryDirectory(prefix="sdqa-bench-") as folder:
        bench = Bench(beside, beside.reference, calls, Path(folder))
        tallies = bench.observe()
        impacts = measure_impacts(tallies, bench.impact)
    found = looked_into(component, tallies, impacts, weights, beside.alignment, beside.module_of)
    return found.model_dump(mode="json")
