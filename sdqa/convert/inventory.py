"""What a package on disk really holds: its inputs and outputs, operations, and weights at their stored bit widths."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from sdqa.convert.contract import Tensor
from sdqa.convert.fates import Held
from sdqa.convert.sidecar import plain_name
from sdqa.mil import registry
from sdqa.mil.constants import Constant
from sdqa.mil.description import contradictions
from sdqa.mil.features import Feature, describe_inputs, describe_outputs
from sdqa.mil.functions import choose, functions_of
from sdqa.mil.graph import Function
from sdqa.mil.package import open_package
from sdqa.mil.pipeline import is_pipeline, stages
from sdqa.mil.stored import constants_of, is_sparse, stored_bits, table_blocks, weight_elements

COMPONENT_NOTE = "com.sdqa.component"
"""The key of a package's own metadata that names its component."""
_DTYPES = {"fp16": "float16", "fp32": "float32", "fp64": "float64"}
"""MIL's names to the contract's; others are the same."""


@dataclass(frozen=True)
class Offered(Tensor):
    """An input or output as a package describes it: images, and all shapes that it admits."""

    feature: Feature = field(compare=False)

    def admits(self, shape: tuple[int, ...]) -> bool:
        """Whether it may have the given shape; an image is no tensor."""
        return self.feature.kind == "tensor" and self.feature.admits(shape)

    def __str__(self) -> str:
        if self.feature.choices or any(size < 0 for size in self.shape):
            return f"{self.name} {self.dtype} {self.feature.expectation()}"
        return super().__str__()


@dataclass(frozen=True)
class Inventory:
    """A package's content, read from its files: of the function that its address means."""

    inputs: tuple[Offered, ...]
    outputs: tuple[Offered, ...]
    function: Function
    specification_version: int
    models: int = 1
    """How many models the package holds: more than one where it is a pipeline."""
    component: str = ""
    """What sdqa's own conversion noted that it is."""
    contradictions: tuple[str, ...] = ()
    """What its description says of its program and the program does not bear out, as sentences."""

    @property
    def histogram(self) -> dict[str, int]:
        """How often each operation type occurs, constants left out; sorted by name."""
        return dict(sorted(Counter(node.type for node in self.function.body.walk()).items()))

    def constants(self) -> Iterator[Constant]:
        """The constants that operations read, each once, in order of first use."""
        return constants_of(self.function)

    def weights(self, hints: Mapping[str, str]) -> Iterator[Held]:
        """Every array that operations read, compressed ones unpacked.

        Args:
            hints: names of constants, without what passes append, to parameters.
        """
        for constant in self.constants():
            if constant.type.kind == "tensor" and constant.type.dtype != "string" and (constant.type.elements or 0) > 1:
                value = np.asarray(constant.read())
                hint = hints.get(plain_name(constant.name))
                yield Held(constant.name, hint, value, table_blocks(constant), is_sparse(constant))

    def bit_widths(self) -> dict[str, int]:
        """Stored bits to number of weights; values that pruning leaves out count as 0 bits."""
        widths: Counter[int] = Counter()
        for constant in self.constants():
            if weight_elements(constant):
                for bits, count in stored_bits(constant):
                    widths[bits] += count
        return {str(bits): count for bits, count in sorted(widths.items())}

    def float32_weights(self) -> int:
        """How many weights the program computes with in float32, however they are stored."""
        return sum(weight_elements(one) for one in self.constants() if one.type.dtype in ("fp32", "fp64"))


def take_inventory(package: Path) -> Inventory:
    """Read a package; `Unet.mlpackage#style_b` is one of its functions.

    Raises:
        PackageError: it is damaged, or no ML Program.
        UsageError: it has no such function, or several and no default.
    """
    opened = open_package(package)
    function = choose(opened, functions_of(opened, registry.is_named))
    return Inventory(
        tuple(_offered(feature) for feature in describe_inputs(opened, function)),
        tuple(_offered(feature) for feature in describe_outputs(opened, function)),
        function,
        opened.model.specificationVersion,
        models=len(list(stages(opened))) if is_pipeline(opened.model) else 1,
        component=str(opened.model.description.metadata.userDefined.get(COMPONENT_NOTE, "")),
        contradictions=contradictions(opened, function),
    )


def _offered(feature: Feature) -> Offered:
    dtype = _DTYPES.get(feature.dtype, feature.dtype)
    if feature.kind != "tensor":
        dtype = f"{feature.kind} {feature.color_space or dtype}".strip()
    return Offered(feature.name, feature.shape, dtype, feature=feature)
