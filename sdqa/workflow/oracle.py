"""Two runtimes that different people wrote, on the same components: where they agree, a figure is about the model.

`sdqa.mil` executes the component's ML Program, Core AI its `.aimodel`; both are compared with torch in fp32, and with
each other, on the same seeded inputs, which half precision holds exactly.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sdqa.plan.variant import Precision, Variant
from sdqa.runtime.registry import AIMODEL, MLPACKAGE, find_runtime
from sdqa.store import Store

if TYPE_CHECKING:
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
FLOAT32_DB = 110.0
"""The least that the two agree by in fp32: sound components agree by 119 dB and more."""
FOLDED_EPSILON = 1e-5
"""What the batch_norm adds to a variance of 1, into which coremltools folds the affine half of a group norm."""
FLOAT16_APART_DB = 3.0
"""How far their distances to torch may lie apart in fp16: both round the same weights and the same results."""
KNOWN_APART_DB: Mapping[str, float] = {"text_encoder": 16.0, "unet": 6.0}
"""Components made of products of matrices may lie farther apart, with Core AI behind: on the processor it adds up
such products in half precision, where `sdqa.mil` and torch add up in fp32. `sdqa.diagnose.rounding` measures it by
operations (docs/runtime.md)."""


@dataclass(frozen=True)
class Agreement:
    """One component at one precision: PSNR in dB over its worst output, the peak being the reference's range."""

    model: str
    component: str
    precision: str
    mil_db: float  # against torch
    coreai_db: float  # against torch
    between_db: float
    output: str  # the one in which the two differ most
    folded_db: float | None = None  # sdqa.mil against torch with its norms folded as in the ML Program; where asked

    @property
    def disagreement(self) -> str:
        """What is beyond rounding, as a sentence; empty where nothing is."""
        if not all(map(math.isfinite, (self.mil_db, self.coreai_db, self.between_db))):
            return f"an output is not finite ({self.output})"
        worse = "sdqa.mil" if self.apart_db < 0 else "Core AI"
        if self.precision == "float32" and self.between_db < FLOAT32_DB and not self.known:
            return f"they agree by {self.between_db:.1f} dB in {self.output}; {worse} is farther from torch"
        if self.precision == "float16" and abs(self.apart_db) > FLOAT16_APART_DB and not self.known:
            return f"{worse} is {abs(self.apart_db):.1f} dB farther from torch ({self.output})"
        return ""

    @property
    def apart_db(self) -> float:
        """How much farther from torch Core AI is."""
        return self.mil_db - self.coreai_db

    @property
    def known(self) -> str:
        """A difference beyond rounding whose operation is known, as a sentence; empty where there is none."""
        if self.precision == "float32" and self.folded_db is not None:
            if self.between_db >= FLOAT32_DB or min(self.folded_db, self.coreai_db) < FLOAT32_DB:
                return ""
            return (
                f"they agree by {self.between_db:.1f} dB, and each by more with torch as it was converted "
                f"({self.coreai_db:.1f} and {self.folded_db:.1f} dB): the ML Program's group norms end in a "
                f"batch_norm of variance 1 and epsilon 1e-5, 5e-6 too small each"
            )
        limit = KNOWN_APART_DB.get(self.component, 0.0)
        if self.precision != "float16" or not FLOAT16_APART_DB < self.apart_db <= limit:
            return ""
        return (
            f"Core AI is {self.apart_db:.1f} dB farther from torch: it adds up products of matrices in half precision"
        )


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
    apart = precision == "float32" and min(between.values()) < FLOAT32_DB
    return Agreement(
        model=teacher.source,
        component=component,
        precision=precision,
        mil_db=_worst(expected, mil),
        coreai_db=_worst(expected, coreai),
        between_db=min(between.values()),
        output=min(between, key=between.__getitem__),
        folded_db=_worst(_teachers_own(teacher, component, folded=True)[1], mil) if apart else None,
    )


def _teachers_own(
    teacher: Teacher, component: str, *, folded: bool = False
) -> tuple[dict[str, NDArray[np.generic]], Outputs]:
    """Seeded inputs, and what torch makes of them in fp32; `folded`, with group norms as an ML Program has them.

    coremltools ends a group norm in a batch_norm of variance 1, whose epsilon (1e-5) then divides the scale, too.
    """
    import copy

    import torch

    from sdqa.convert.contract import contract
    from sdqa.convert.program import example_inputs
    from sdqa.convert.wrappers import wrap

    declared = contract(component, teacher.family, teacher.facts)
    examples = [value.half().float() for value in example_inputs(declared, teacher.facts)]
    module = copy.deepcopy(wrap(teacher, component)) if folded else wrap(teacher, component)
    with torch.no_grad():
        for norm in module.modules() if folded else ():
            if isinstance(norm, torch.nn.GroupNorm) and norm.affine:
                norm.weight.div_(math.sqrt(1 + FOLDED_EPSILON))
        made = module(*examples)
    outputs = made if isinstance(made, tuple) else (made,)
    given = {tensor.name: value.numpy() for tensor, value in zip(declared.inputs, examples, strict=True)}
    return given, {tensor.name: value.numpy() for tensor, value in zip(declared.outputs, outputs, strict=True)}


def _worst(expected: Outputs, found: Outputs) -> float:
    readings = [_psnr_db(value, found[name]) for name, value in expected.items()]
    return min(readings) if all(map(math.isfinite, readings)) else math.nan


def _psnr_db(reference: NDArray[np.generic], value: NDArray[np.generic]) -> float:
    from sdqa.generate.parity import psnr_db

    return psnr_db(np.asarray(reference), np.asarray(value))


def table(readings: Sequence[Agreement]) -> str:
    """The agreement as a Markdown table."""
    lines = [
        "| model | component | precision | sdqa.mil to torch | Core AI to torch | between the two |",
        "|---|---|---|---|---|---|",
    ]
    for one in readings:
        figures = " | ".join(f"{value:.1f} dB" for value in (one.mil_db, one.coreai_db, one.between_db))
        lines.append(f"| {one.model} | {one.component} | {one.precision} | {figures} |")
    return "\n".join(lines)
