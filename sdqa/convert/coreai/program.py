"""One component, exported by torch and converted to a Core AI program."""

from __future__ import annotations

import copy
from typing import Any

from sdqa.convert.contract import Contract, contract
from sdqa.convert.program import compute_precision, example_inputs
from sdqa.errors import ConversionError
from sdqa.models.teacher import Facts, Teacher
from sdqa.plan.variant import Variant


def asset_contract(component: str, teacher: Teacher, variant: Variant | None = None) -> Contract:
    """The component's contract as Core AI takes it: token ids are int32, everything else is as in a package."""
    from dataclasses import replace

    declared = contract(component, teacher.family, teacher.facts, variant)
    inputs = tuple(replace(one, dtype="int32") if one.name == "input_ids" else one for one in declared.inputs)
    return replace(declared, inputs=inputs)


def export_program(module: Any, expected: Contract, facts: Facts, variant: Variant) -> Any:
    """Export a wrapped component (fp32, eval) at the variant's precision.

    Returns:
        A `torch.export.ExportedProgram` of the operations that Core AI's converter knows.

    Raises:
        ConversionError: torch refuses.
    """
    import torch
    from coreai_torch import get_decomp_table

    half = compute_precision(expected, variant) == "float16"
    examples = tuple(
        value.to(getattr(torch, tensor.dtype))
        for value, tensor in zip(example_inputs(expected, facts), expected.inputs, strict=True)
    )
    whole = _declared(torch, copy.deepcopy(module).half() if half else module, expected)
    try:
        with torch.no_grad():
            return torch.export.export(whole, examples).run_decompositions(get_decomp_table())
    except (RuntimeError, ValueError, TypeError, NotImplementedError, AssertionError, KeyError) as error:
        raise ConversionError(
            f"{expected.component} could not be exported: {type(error).__name__}: {error}",
            where=variant.name,
            hint="an operation or a shape that depends on data",
        ) from error


def convert_exported(exported: Any, expected: Contract, variant: Variant) -> Any:
    """To a `coreai.authoring.AIProgram`, without stack traces: those would put this machine's paths into it.

    Raises:
        ConversionError: Core AI's converter refuses. (On some operations it ends the process instead.)
    """
    from coreai_torch import TorchConverter

    try:
        converter = TorchConverter(mode=TorchConverter.Mode.RELEASE)
        converter.add_exported_program(
            exported,
            input_names=[tensor.name for tensor in expected.inputs],
            output_names=[tensor.name for tensor in expected.outputs],
        )
        return converter.to_coreai()
    except (RuntimeError, ValueError, TypeError, NotImplementedError, AssertionError, KeyError) as error:
        raise ConversionError(
            f"{expected.component} could not be converted: {type(error).__name__}: {error}",
            where=variant.name,
            hint="an operation that coreai-torch does not know",
        ) from error


def _declared(torch: Any, module: Any, expected: Contract) -> Any:
    """A module that gives what the contract declares: computation in half precision, outputs in float32."""
    dtypes = [getattr(torch, tensor.dtype) for tensor in expected.outputs]

    class Declared(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.component = module

        def forward(self, *inputs: Any) -> Any:
            found = self.component(*inputs)
            if not isinstance(found, tuple):
                return found.to(dtypes[0])
            return tuple(value.to(dtype) for value, dtype in zip(found, dtypes, strict=True))

    return Declared().eval()
