"""The first rung of an asset's ladder: the component as torch exports it, executed by torch."""

from __future__ import annotations

from typing import Any

import numpy as np

from sdqa.convert.coreai.program import asset_contract, export_program
from sdqa.models.teacher import Teacher
from sdqa.plan.variant import Variant
from sdqa.runtime import Arrays


class ExportedRunner:
    """The exported program in fp32: what Core AI's converter is given, but for precision.

    Raises:
        RuntimeUnavailable: Core AI is not installed; which operations it knows decides what is exported.
        ConversionError: torch refuses.
    """

    def __init__(self, teacher: Teacher, component: str, variant: Variant) -> None:
        from sdqa.convert.wrappers import laid_out, wrap
        from sdqa.runtime.coreai import require_coreai

        require_coreai()
        self.component = component
        exact = Variant(name=variant.name, precision="float32", attention=variant.attention)
        self._expected = asset_contract(component, teacher, exact)
        with laid_out(wrap(teacher, component), variant.attention) as shaped:
            program = export_program(shaped, self._expected, teacher.facts, exact).module()
        self._run = _interpreter(program).run

    def run(self, inputs: Arrays) -> dict[str, np.ndarray[Any, np.dtype[Any]]]:
        """One forward pass."""
        import torch

        given = [torch.from_numpy(np.array(inputs[one.name], one.dtype)) for one in self._expected.inputs]
        with torch.no_grad():
            found = self._run(*given)
        several = found if isinstance(found, tuple) else (found,)
        return {one.name: value.numpy() for one, value in zip(self._expected.outputs, several, strict=True)}


def _interpreter(program: Any) -> Any:
    """Runs a program operation by operation, on values that lie in order in memory.

    The export decides strides without computing; convolutions choose others when they compute, and operations such as
    `native_group_norm` refuse those.
    """
    import torch
    from torch.utils._pytree import tree_map

    def in_order(value: Any) -> Any:
        return value.contiguous() if isinstance(value, torch.Tensor) else value

    class InOrder(torch.fx.Interpreter):
        def call_function(self, target: Any, args: Any, kwargs: Any) -> Any:
            return super().call_function(target, tree_map(in_order, args), tree_map(in_order, kwargs))

    return InOrder(program)
