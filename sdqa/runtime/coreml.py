"""Runs a component's package with Core ML, on a Mac, on the compute units asked for.

Thin on purpose: nothing here can be executed on Linux but through `sdqa.mil.coremltools_backend`, which stands in for
Core ML's predictions and nothing else. docs/macos.md lists what that leaves untried.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from sdqa import compat
from sdqa.address import Address, read_address
from sdqa.errors import ExecutionError, InputError, RuntimeUnavailable, UsageError
from sdqa.mil.package import open_package
from sdqa.runtime.machine import COMPUTE_UNITS
from sdqa.runtime.measured import Placement
from sdqa.runtime.protocol import Arrays


def _load(ct: Any, address: Address, unit: str) -> Any:
    options = {} if address.function is None else {"function_name": address.function}
    return ct.models.MLModel(str(address.path), compute_units=ct.ComputeUnit[unit], **options)


def _inputs(model: Any) -> list[str]:
    """The names of a model's inputs: of the function that it was loaded for, where the package has several."""
    description = model.get_spec().description
    name = getattr(model, "function_name", None) or description.defaultFunctionName
    features = next((each.input for each in description.functions if each.name == name), description.input)
    return [feature.name for feature in features]


class CoreMLRunner:
    """One component's package, or its two chunks, loaded once into Core ML.

    Args:
        component: what the packages hold.
        packages: in execution order; each gets the inputs and what those before it gave, by name.
        compute_unit: one of `COMPUTE_UNITS`.

    Raises:
        RuntimeUnavailable: this machine has no Core ML.
        UsageError: an unknown compute unit.
        PackageError: a package is damaged.
        ExecutionError: Core ML refuses to load one.
    """

    def __init__(self, component: str, *packages: Path, compute_unit: str | None = "ALL") -> None:
        unit = compute_unit or "ALL"
        if unit not in COMPUTE_UNITS:
            raise UsageError(f"{unit!r} is not a compute unit", hint=", ".join(COMPUTE_UNITS))
        for package in packages:
            open_package(package)
        ct = require_coreml()
        self.component = component
        self.compute_unit = unit
        self.packages = packages
        started = time.perf_counter()
        try:
            with compat.quiet_coremltools():
                self.models = [_load(ct, read_address(package), unit) for package in packages]
        except (RuntimeError, ValueError, OSError) as error:
            raise ExecutionError(f"Core ML cannot load the package: {error}", where=f"{component} on {unit}") from error
        self.load_s = time.perf_counter() - started
        """Seconds to load all packages; the first time on a machine this includes compiling them for it."""

    def run(self, inputs: Arrays) -> dict[str, np.ndarray[Any, np.dtype[Any]]]:
        """One forward pass; see `Runner.run`."""
        known: dict[str, Any] = {name: np.asarray(value) for name, value in inputs.items()}
        outputs: dict[str, Any] = {}
        for model in self.models:
            wanted = _inputs(model)
            missing = [name for name in wanted if name not in known]
            if missing:
                raise InputError(f"missing inputs: {', '.join(missing)}", where=self.component)
            try:
                outputs = model.predict({name: known[name] for name in wanted})
            except Exception as error:  # coremltools raises bare exceptions, off macOS and for bad predictions
                raise ExecutionError(
                    f"Core ML failed: {error}", where=f"{self.component} on {self.compute_unit}"
                ) from error
            known.update(outputs)
        return {name: np.asarray(value) for name, value in outputs.items()}


def require_coreml() -> Any:
    """coremltools, able to predict.

    Raises:
        RuntimeUnavailable: it is not; Core ML exists on macOS only.
    """
    compat.prepare_coremltools()
    import coremltools as ct

    if ct.models.model._MLModelProxy is None:
        where = "macOS, but coremltools lacks its extension" if sys.platform == "darwin" else sys.platform
        raise RuntimeUnavailable(
            "there is no Core ML here", where=where, hint='run this lane on a Mac, or use runtime = "reference"'
        )
    return ct


def read_placement(plan: Any) -> Placement:
    """Placement from a `coremltools.models.compute_plan.MLComputePlan`.

    Raises:
        ExecutionError: the plan is not one of an ML Program.
    """
    program = plan.model_structure.program
    if program is None:
        raise ExecutionError("the compute plan is not one of an ML Program")
    shares: dict[str, float] = {"neural_engine": 0.0, "gpu": 0.0, "cpu": 0.0}
    counts = dict.fromkeys(shares, 0)
    off: list[tuple[str, str, float]] = []
    untold = 0
    for operation in program.functions["main"].block.operations:
        if operation.operator_name.rpartition(".")[2].startswith("const"):
            continue
        usage = plan.get_compute_device_usage_for_mlprogram_operation(operation)
        if usage is None:
            untold += 1
            continue
        cost = plan.get_estimated_cost_for_mlprogram_operation(operation)
        weight = float(cost.weight) if cost is not None else 0.0
        device = _device_name(usage.preferred_compute_device)
        shares[device] += weight
        counts[device] += 1
        if device != "neural_engine":
            name = operation.outputs[0].name if operation.outputs else ""
            off.append((name, operation.operator_name, weight))
    total = sum(shares.values()) or 1.0
    off.sort(key=lambda item: (-item[2], item[0]))
    return Placement({name: share / total for name, share in shares.items()}, counts, tuple(off), untold)


def placement(package: Path, compute_unit: str) -> Placement:
    """Load a package's compute plan and read it.

    Raises:
        RuntimeUnavailable: this machine has no Core ML.
        ExecutionError: Core ML gives no plan.
    """
    ct = require_coreml()
    from coremltools.models.compute_plan import MLComputePlan

    unit = ct.ComputeUnit[compute_unit]
    try:
        # The compiled model lives as long as the model object that owns it.
        model = ct.models.MLModel(str(read_address(package).path), compute_units=unit)
        plan = MLComputePlan.load_from_path(path=str(model.get_compiled_model_path()), compute_units=unit)
        return read_placement(plan)
    except (RuntimeError, TypeError, ValueError, AttributeError) as error:
        raise ExecutionError(f"Core ML gives no compute plan: {error}", where=package.name) from error


def _device_name(device: Any) -> str:
    kind = type(device).__name__
    known = {
        "MLNeuralEngineComputeDevice": "neural_engine",
        "MLGPUComputeDevice": "gpu",
        "MLCPUComputeDevice": "cpu",
    }
    if kind not in known:
        raise ExecutionError(f"Core ML names a device of the kind {kind}")
    return known[kind]
