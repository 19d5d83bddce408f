"""Whether a package that another tool made fits a component's contract, which of its names mean what, what it breaks.

Names decide first; an input or output under another name is accepted when its shape is the only one of its kind. A
package of flexible shapes fits where it admits the needed one. What cannot be run is refused with both schemas side by
side; what can be run here, but not by the applications that the contract is of, is a breach, and fails the check
`contract`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from sdqa.convert.contract import Contract, Tensor, side_by_side
from sdqa.convert.inventory import Inventory, Offered, take_inventory
from sdqa.convert.looked import Looked, unset_words
from sdqa.convert.promises import Holding, broken_promises
from sdqa.errors import ContractError
from sdqa.families.records import GUIDANCE_PAIR
from sdqa.plan.variant import Variant

TOKENS = "input_ids"
"""The input that is float32 in any precision: float16 does not hold its numbers."""


@dataclass(frozen=True)
class Fit:
    """The contract's names to a package's own, and what of the contract it breaks."""

    component: str
    packages: tuple[Path, ...]
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    breaches: tuple[str, ...] = ()
    """As sentences."""
    batch: int | None = None
    """How many rows the U-Net takes at once, where that is not the contract's pair."""
    defaults: Mapping[str, float] = field(default_factory=dict)
    """Optional inputs that the contract does not have: what each of their values is, since nobody gives them."""

    @property
    def renamed(self) -> dict[str, str]:
        """The contract's names to the package's own, where a runtime has to translate."""
        return {name: own for names in (self.inputs, self.outputs) for name, own in names.items() if name != own}


def fit_component(packages: tuple[Path, ...], expected: Contract, variant: Variant | None = None) -> Fit:
    """Fit one component; of a chunked one, the first chunk's inputs and the last one's outputs.

    Args:
        variant: what the packages are said to be: its target and bits are held against them.

    Raises:
        ContractError: an input or output has no counterpart.
    """
    return _fitted(packages, [take_inventory(package) for package in packages], expected, variant)


def look(
    component: str, packages: tuple[Path, ...], expected: Contract | None, variants: Collection[Variant]
) -> Looked:
    """What a component's packages will fail the check `contract` for, in any of the variants; without torch.

    Args:
        expected: None where the teacher is not known: inputs and outputs are held against nothing then.

    Raises:
        ContractError, PackageError, UsageError: as adopting them would.
    """
    inventories = [take_inventory(package) for package in packages]
    breaches = dict[str, None]()
    for variant in variants:
        if expected is None:
            found = (*_contradictions(component, packages, inventories), *_promises(component, inventories, variant))
        else:
            found = _fitted(packages, inventories, expected, variant).breaches
        breaches.update(dict.fromkeys(found))
    defaults = {} if expected is None else _fitted(packages, inventories, expected, None).defaults
    return Looked(tuple(breaches), tuple(unset_words(defaults)))


def _fitted(
    packages: tuple[Path, ...], inventories: Sequence[Inventory], expected: Contract, variant: Variant | None
) -> Fit:
    produced: set[str] = set()
    taken: dict[str, Offered] = {}
    for inventory in inventories:
        taken.update({tensor.name: tensor for tensor in inventory.inputs if tensor.name not in produced})
        produced.update(tensor.name for tensor in inventory.outputs)
    found_inputs, found_outputs = tuple(taken.values()), inventories[-1].outputs
    for batch, wanted in ways(expected):
        inputs, outputs = match_names(wanted.inputs, found_inputs), match_names(wanted.outputs, found_outputs)
        if inputs is None or outputs is None or _needed(found_inputs) - set(inputs.values()):
            continue
        breaches = (
            *_breaches(expected, outputs, found_outputs),
            *_contradictions(expected.component, packages, inventories),
            *_promises(expected.component, inventories, variant, wide=_wide(expected)),
        )
        unset = {each.name: each for each in found_inputs if each.name not in inputs.values()}
        _demand_defaults(unset, packages)
        defaults = {name: each.feature.default for name, each in unset.items()}
        return Fit(expected.component, packages, inputs, outputs, breaches, batch, defaults)
    raise ContractError(
        f"the package cannot serve as {expected.component}\n{side_by_side(expected, found_inputs, found_outputs)}\n ",
        where=", ".join(package.name for package in packages),
        hint="convert it for this model's sizes and with Apple's inputs and outputs, or map other packages",
    )


def ways(expected: Contract) -> list[tuple[int | None, Contract]]:
    """The contract; for a U-Net also that of one row: a pair is then two runs, or one where there is no guidance."""
    found: list[tuple[int | None, Contract]] = [(None, expected)]
    if expected.component == "unet":
        found.append((1, replace(expected, inputs=_single(expected.inputs), outputs=_single(expected.outputs))))
    return found


def _single(tensors: Sequence[Tensor]) -> tuple[Tensor, ...]:
    return tuple(
        replace(each, shape=(1, *each.shape[1:])) if each.shape[:1] == (GUIDANCE_PAIR,) else each for each in tensors
    )


def _needed(inputs: Sequence[Offered]) -> set[str]:
    return {tensor.name for tensor in inputs if not tensor.feature.optional}


def _breaches(expected: Contract, outputs: Mapping[str, str], found: Sequence[Offered]) -> list[str]:
    """Outputs of another type: Apple's Swift runtime reads an output's memory as float32, and ends on anything else."""
    types = {tensor.name: tensor.dtype for tensor in found}
    return [
        f"the output {outputs[tensor.name]!r} is {types[outputs[tensor.name]]}, declared is {tensor.dtype}: "
        "Apple's Swift runtime reads outputs as float32 and ends on others; convert with outputs of float32"
        for tensor in expected.outputs
        if tensor.name in outputs and types[outputs[tensor.name]] != tensor.dtype
    ]


def _wide(expected: Contract) -> bool:
    """Whether the contract has the component in float32, whatever a variant says."""
    floats = [tensor.dtype for tensor in expected.inputs if tensor.name != TOKENS]
    return bool(floats) and set(floats) == {"float32"}


def _demand_defaults(unset: Mapping[str, Offered], packages: Sequence[Path]) -> None:
    """What nobody gives can be filled in by the package's own default.

    Raises:
        ContractError: with the input.
    """
    for name, offered in unset.items():
        feature = offered.feature
        if feature.kind != "tensor" or not feature.admits(feature.default_shape):
            raise ContractError(
                f"the optional input {name!r} is given by nobody, and its default cannot be made: it has the shape "
                f"{list(feature.default_shape)}, the input {feature.expectation()}",
                where=", ".join(package.name for package in packages),
                hint="convert it without that input, or with a default of the input's shape",
            )


def _contradictions(component: str, packages: Sequence[Path], inventories: Sequence[Inventory]) -> Iterator[str]:
    """What a package's description says and its program does not, of each chunk by name."""
    for package, inventory in zip(packages, inventories, strict=True):
        chunk = f"{package.name}: " if len(packages) > 1 else ""
        for sentence in inventory.contradictions:
            yield f"{chunk}{sentence}"
        if inventory.component not in ("", component):
            yield f"{chunk}its metadata says that it is the {inventory.component}"


def _promises(
    component: str, inventories: Sequence[Inventory], variant: Variant | None, *, wide: bool = False
) -> tuple[str, ...]:
    """What of the variant the packages are not."""
    if variant is None:
        return ()
    widths: Counter[int] = Counter()
    for inventory in inventories:
        widths.update({int(bits): count for bits, count in inventory.bit_widths().items()})
    pieces = {len(inventories), sum(inventory.models for inventory in inventories)}
    found = Holding(
        widths,
        sum(inventory.float32_weights() for inventory in inventories) / max(widths.total(), 1),
        tuple(sorted(pieces)),
        max(inventory.specification_version for inventory in inventories),
    )
    return broken_promises(component, found, variant, wide=wide)


def match_names(wanted: Sequence[Tensor], found: Sequence[Tensor]) -> dict[str, str] | None:
    """Wanted names to found ones, by name and shape, then by the only shape left; None when one is left over."""
    names: dict[str, str] = {}
    by_name = {tensor.name: tensor for tensor in found}
    for tensor in wanted:
        same = by_name.get(tensor.name)
        if same is not None and same.admits(tensor.shape):
            names[tensor.name] = same.name
    for tensor in wanted:
        if tensor.name in names or tensor.name in by_name:
            continue
        alike = [each.name for each in found if each.admits(tensor.shape) and each.name not in names.values()]
        rivals = [each for each in wanted if each.shape == tensor.shape and each.name not in names]
        if len(alike) == 1 and len(rivals) == 1:
            names[tensor.name] = alike[0]
    return None if any(tensor.name not in names and not tensor.optional for tensor in wanted) else names
