"""The declared inputs and outputs of each component, resolved for a model.

A family declares them with sizes that are names of facts (`sdqa.families`). A package that differs is refused with both
schemas side by side. Nothing here imports torch or coremltools.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from sdqa.errors import ContractError
from sdqa.families import Family, Port
from sdqa.models.teacher import Facts
from sdqa.plan.variant import Variant


@dataclass(frozen=True)
class Tensor:
    """One input or output."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    """`float16`, `float32` or `int32`."""
    optional: bool = field(default=False, kw_only=True)
    """Whether a package may leave it out, since nothing reads it."""

    def admits(self, shape: tuple[int, ...]) -> bool:
        """Whether it may have the given shape."""
        return shape == self.shape

    def __str__(self) -> str:
        return f"{self.name} {self.dtype} ({', '.join(map(str, self.shape))})"


@dataclass(frozen=True)
class Contract:
    """What a component takes and gives."""

    component: str
    file_name: str
    """As Apple's Swift package looks for it, without suffix."""
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]


def contract(component: str, family: Family, facts: Facts, variant: Variant | None = None) -> Contract:
    """The contract of a component for a model, in a variant (float16 without one).

    Raises:
        ContractError: the family has no such component.
    """
    if component not in family.component_names:
        raise ContractError(f"{family.title} has no component {component!r}")
    declared, sizes = family.component(component), _sizes(family, facts)
    inputs = tuple(_tensor(port, sizes) for port in declared.inputs)
    outputs = tuple(_tensor(port, sizes) for port in declared.outputs)
    if variant is not None and variant.precision == "float32":
        inputs = tuple(replace(tensor, dtype="float32") for tensor in inputs)
    if variant is not None and any(path.startswith("unet.time") for path in variant.float32_modules(component)):
        # Half precision would round the timestep before the fp32 embedding sees it.
        inputs = tuple(replace(each, dtype="float32") if each.name == "timestep" else each for each in inputs)
    return Contract(component, declared.file_name, inputs, outputs)


def _sizes(family: Family, facts: Facts) -> dict[str, int]:
    return {
        "guidance_pair": family.between.guidance_batch,
        "sequence_length": facts.sequence_length,
        "latent_channels": facts.latent_channels,
        "moments": 2 * facts.latent_channels,
        "latent_size": facts.sample_size,
        "image_channels": facts.image_channels,
        "image_size": facts.image_size,
        "text_width": facts.text_width,
        "hidden_size": facts.hidden_sizes[0],
        "pooled_size": facts.pooled_sizes[0],
        "hidden_size_2": facts.hidden_sizes[-1],
        "pooled_size_2": facts.pooled_sizes[-1],
        "time_ids": facts.time_ids,
    }


def _tensor(port: Port, sizes: dict[str, int]) -> Tensor:
    shape = tuple(size if isinstance(size, int) else sizes[size] for size in port.shape)
    return Tensor(port.name, shape, port.dtype, optional=port.optional)


def check_schema(expected: Contract, inputs: Sequence[Tensor], outputs: Sequence[Tensor], *, where: str) -> None:
    """Refuse a package whose inputs and outputs are not the declared ones, names, shapes and dtypes.

    Raises:
        ContractError: they differ; the message shows both schemas side by side.
    """
    same_inputs = sorted(map(str, inputs)) == sorted(map(str, expected.inputs))
    same_outputs = sorted(map(str, outputs)) == sorted(map(str, expected.outputs))
    if not (same_inputs and same_outputs):
        raise ContractError(
            f"the package is not a {expected.component} as declared\n{side_by_side(expected, inputs, outputs)}\n ",
            where=where,
            hint="convert again, or change the contract with its golden schema and say why",
        )


def side_by_side(expected: Contract, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> str:
    """Two columns, declared and found, with a mark at every line that differs."""
    lines = [("", "declared", "found")]
    for title, left, right in (("in", expected.inputs, inputs), ("out", expected.outputs, outputs)):
        by_name = {tensor.name: tensor for tensor in right}
        for tensor in left:
            lines.append((title, str(tensor), str(by_name.pop(tensor.name, "—"))))
        lines.extend((title, "—", str(tensor)) for tensor in by_name.values())
    width = max(len(left) for _, left, _ in lines)
    return "\n".join(
        f"  {'≠' if left != right and index else ' '} {title:3} {left:{width}}  {right}"
        for index, (title, left, right) in enumerate(lines)
    )
