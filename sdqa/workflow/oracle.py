"""Two runtimes that different people wrote, on the same components: where they agree, a figure is about the model.

`sdqa.mil` executes the component's ML Program, Core AI its `.aimodel`; both are compared with torch in fp32, and with
each other, on the same seeded inputs, which half precision holds exactly.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sdqa.plan.variant import Precision, Variant
from sdqa.runtime.registry import AIMODEL, MLPACKAGE, find_runtime
from sdqa.store import Store
from sdqa.workflow.agreement import FLOAT32_DB, Agreement

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

    from sdqa.convert.contract import Contract
    from sdqa.models import Teacher

Outputs = Mapping[str, NDArray[np.generic]]
PRECISIONS: tuple[Precision, ...] = ("float32", "float16")
SUBJECTS: Mapping[str, tuple[str, ...]] = {
    "embedded:tiny": (),
    "embedded:tiny-no-mid": ("unet",),
    "embedded:tiny-v": ("unet",),
    "random:miniature": (),
}
"""Models, and which of their components; all where none is named. Variants share the others with the main model."""
RUNTIMES = {"sdqa.mil": (MLPACKAGE, "reference"), "Core AI": (AIMODEL, "coreai")}
FOLDED_EPSILON = 1e-5
"""What the batch_norm adds to a variance of 1, into which coremltools folds the affine half of a group norm."""
IN_FULL = ("timestep",)
"""Inputs of which a module computes in fp32 whatever its weights are; see `HalfPrecision`."""


def compare_runtimes(
    subjects: Mapping[str, Sequence[str]] = SUBJECTS, *, store: Store, say: Callable[[str], None] = lambda _: None
) -> Iterator[Agreement]:
    """Readings of every component, one after the other.

    Raises:
        RuntimeUnavailable: Core AI is not installed.
        ConversionError: a component cannot be converted.
        ExecutionError: a runtime fails.
    """
    from sdqa.models import load_teacher
    from sdqa.runtime.coreai import require_coreai

    require_coreai()
    for source, components in subjects.items():
        teacher = load_teacher(source)
        for component in components or teacher.components:
            for precision in PRECISIONS:
                say(f"{source}: {component}, {precision}")
                yield compare_component(teacher, component, precision, store)


def compare_component(teacher: Teacher, component: str, precision: Precision, store: Store) -> Agreement:
    """One component at one precision, by both runtimes and by torch."""
    from sdqa.convert.stage import convert_one

    variant = Variant(name=precision, precision=precision)
    inputs, expected = _teachers_own(teacher, component)
    found: dict[str, Outputs] = {}
    for name, (form, runtime) in RUNTIMES.items():
        package = convert_one(teacher, component, variant, store, package_format=form)
        found[name] = find_runtime(runtime).make_runner(component, package.path).run(inputs)
    mil, coreai = found["sdqa.mil"], found["Core AI"]
    between = {name: _psnr_db(mil[name], coreai[name]) for name in expected}
    one = Agreement(
        model=teacher.source,
        component=component,
        precision=precision,
        mil_db=_worst(expected, mil),
        coreai_db=_worst(expected, coreai),
        between_db=min(between.values()),
        output=min(between, key=between.__getitem__),
    )
    if precision == "float16":
        rounded = [_worst(expected, _rounded(teacher, component, in_pieces=pieces)) for pieces in (False, True)]
        return replace(one, mil_rounding_db=rounded[0], coreai_rounding_db=rounded[1])
    if one.between_db < FLOAT32_DB:
        return replace(one, folded_db=_worst(_teachers_own(teacher, component, folded=True)[1], mil))
    return one


def _teachers_own(
    teacher: Teacher, component: str, *, folded: bool = False
) -> tuple[dict[str, NDArray[np.generic]], Outputs]:
    """Seeded inputs, and what torch makes of them in fp32; `folded`, with group norms as an ML Program has them."""
    import copy

    import torch

    module, declared, examples = _subject(teacher, component)
    module = copy.deepcopy(module) if folded else module
    with torch.no_grad():
        for norm in module.modules() if folded else ():
            if isinstance(norm, torch.nn.GroupNorm) and norm.affine:
                norm.weight.div_(math.sqrt(1 + FOLDED_EPSILON))
        made = module(*examples)
    given = {tensor.name: value.numpy() for tensor, value in zip(declared.inputs, examples, strict=True)}
    return given, _by_name(declared, made)


def _rounded(teacher: Teacher, component: str, *, in_pieces: bool) -> Outputs:
    """What torch makes of the same inputs in half precision, as Core AI rounds (`in_pieces`) or as `sdqa.mil` does."""
    import torch

    from sdqa.diagnose.half_precision import HalfPrecision

    module, declared, examples = _subject(teacher, component)
    full = [in_pieces and tensor.name in IN_FULL for tensor in declared.inputs]
    rounding = HalfPrecision(
        [value for value, whole in zip(examples, full, strict=True) if not whole],
        in_pieces=in_pieces,
        in_full=[value for value, whole in zip(examples, full, strict=True) if whole],
    )
    with torch.no_grad(), rounding:
        made = module(*examples)
    return _by_name(declared, made)


def _subject(teacher: Teacher, component: str) -> tuple[Module, Contract, list[Tensor]]:
    """A component as it is converted, and seeded inputs that half precision holds exactly."""
    from sdqa.convert.contract import contract
    from sdqa.convert.program import example_inputs
    from sdqa.convert.wrappers import wrap

    declared = contract(component, teacher.family, teacher.facts)
    examples = [value.half().float() for value in example_inputs(declared, teacher.facts)]
    return wrap(teacher, component), declared, examples


def _by_name(declared: Contract, made: Tensor | tuple[Tensor, ...]) -> Outputs:
    outputs = made if isinstance(made, tuple) else (made,)
    return {tensor.name: value.numpy() for tensor, value in zip(declared.outputs, outputs, strict=True)}


def _worst(expected: Outputs, found: Outputs) -> float:
    readings = [_psnr_db(value, found[name]) for name, value in expected.items()]
    return min(readings) if all(map(math.isfinite, readings)) else math.nan


def _psnr_db(reference: NDArray[np.generic], value: NDArray[np.generic]) -> float:
    from sdqa.generate.parity import psnr_db

    return psnr_db(np.asarray(reference), np.asarray(value))
