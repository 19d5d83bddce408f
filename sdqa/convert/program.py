"""One component, traced in torch and converted to an ML Program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sdqa.convert.contract import Contract
from sdqa.convert.sidecar import value_paths
from sdqa.errors import ConversionError
from sdqa.models.teacher import Facts
from sdqa.plan.variant import Variant


@dataclass(frozen=True)
class Converted:
    """A converted component in memory."""

    model: Any
    """`coremltools.models.MLModel`, not loaded into Core ML."""
    paths: Mapping[str, str]
    """Torch value name to module path, for the sidecar."""


def example_inputs(contract: Contract, facts: Facts) -> tuple[Any, ...]:
    """Seeded inputs of the contract's shapes, fp32: what tracing runs on."""
    import torch

    generator = torch.Generator().manual_seed(0)
    examples = []
    for tensor in contract.inputs:
        if tensor.name == "input_ids":
            ids = torch.randint(0, facts.vocabulary - 1, tensor.shape, generator=generator)
            ids[..., -1] = facts.vocabulary - 1
            examples.append(ids.to(torch.float32))
        elif tensor.name == "timestep":
            examples.append(torch.full(tensor.shape, 951.0))
        elif tensor.name == "time_ids":
            size = float(facts.image_size)
            examples.append(torch.tensor([[size, size, 0.0, 0.0, size, size][: tensor.shape[1]]] * tensor.shape[0]))
        else:
            examples.append(torch.randn(tensor.shape, generator=generator))
    return tuple(examples)


def compute_precision(contract: Contract, variant: Variant) -> str:
    """The precision that a component really gets: a float32 contract (SDXL's VAE) overrules a float16 variant."""
    if any(tensor.dtype == "float32" for tensor in contract.inputs if tensor.name in {"x", "z"}):
        return "float32"
    return variant.base(contract.component).precision


def convert_module(module: Any, contract: Contract, facts: Facts, variant: Variant) -> Converted:
    """Trace a wrapped component and convert it.

    Raises:
        ConversionError: torch or coremltools refuses; the message carries what they say.
    """
    from sdqa import compat

    compat.prepare_coremltools()
    import coremltools as ct
    import numpy as np
    import torch

    examples = example_inputs(contract, facts)
    precision = compute_precision(contract, variant)
    with compat.quiet_coremltools(), torch.no_grad():
        try:
            traced = torch.jit.trace(module, examples, strict=False, check_trace=False)  # type: ignore[no-untyped-call]
            paths = value_paths(traced)
            model = ct.convert(
                traced,
                convert_to="mlprogram",
                minimum_deployment_target=getattr(ct.target, variant.target),
                compute_precision=_precision(ct, precision, variant.float32_modules(contract.component), paths),
                inputs=[
                    ct.TensorType(name=tensor.name, shape=tensor.shape, dtype=getattr(np, tensor.dtype))
                    for tensor in contract.inputs
                ],
                outputs=[
                    ct.TensorType(name=tensor.name, dtype=getattr(np, tensor.dtype)) for tensor in contract.outputs
                ],
                skip_model_load=True,
            )
        except (RuntimeError, ValueError, TypeError, NotImplementedError, AssertionError, KeyError) as error:
            raise ConversionError(
                f"{contract.component} could not be converted: {type(error).__name__}: {error}",
                where=variant.name,
                hint="an operation that coremltools does not know, or a shape that depends on data",
            ) from error
    return Converted(model, paths)


def _precision(ct: Any, precision: str, kept: tuple[str, ...], paths: Mapping[str, str]) -> Any:
    if precision == "float32":
        return ct.precision.FLOAT32
    if precision == "float16":
        return ct.precision.FLOAT16
    from sdqa.convert.mixed import select_half_precision

    return ct.transform.FP16ComputePrecision(op_selector=select_half_precision(paths, kept))
