"""Whether a package that another tool made fits a component's contract, and which of its names mean what.

Names decide first; an input or output under another name is accepted when its shape is the only one of its kind.
dtypes may differ: runtimes convert numbers. What does not fit is refused with both schemas side by side.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sdqa.convert.contract import Contract, Tensor, contract, side_by_side
from sdqa.convert.inventory import take_inventory
from sdqa.errors import ContractError
from sdqa.families import Family
from sdqa.models.packages import SAFETY_CHECKER, ExistingPackages
from sdqa.models.teacher import Facts


@dataclass(frozen=True)
class Fit:
    """The contract's names to a package's own."""

    component: str
    packages: tuple[Path, ...]
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]

    @property
    def renamed(self) -> bool:
        """Whether a runtime has to translate names."""
        return any(name != own for names in (self.inputs, self.outputs) for name, own in names.items())


def fit_packages(existing: ExistingPackages, family: Family, facts: Facts) -> dict[str, Fit]:
    """Fit every package of a folder to its component's contract.

    Raises:
        ContractError: one does not fit.
        PackageError: one is damaged.
    """
    return {
        component: fit_component(paths, contract(component, family, facts))
        for component, paths in existing.packages.items()
        if component != SAFETY_CHECKER
    }


def fit_component(packages: tuple[Path, ...], expected: Contract) -> Fit:
    """Fit one component; of a chunked one, the first chunk's inputs and the last one's outputs.

    Raises:
        ContractError: an input or output has no counterpart.
    """
    inventories = [take_inventory(package) for package in packages]
    produced: set[str] = set()
    taken: dict[str, Tensor] = {}
    for inventory in inventories:
        taken.update({tensor.name: tensor for tensor in inventory.inputs if tensor.name not in produced})
        produced.update(tensor.name for tensor in inventory.outputs)
    found_inputs, found_outputs = tuple(taken.values()), inventories[-1].outputs
    inputs = _match(expected.inputs, found_inputs)
    outputs = _match(expected.outputs, found_outputs)
    if inputs is None or outputs is None or len(inputs) != len(found_inputs):
        raise ContractError(
            f"the package cannot serve as {expected.component}\n"
            f"{side_by_side(expected, found_inputs, found_outputs)}\n ",
            where=", ".join(package.name for package in packages),
            hint="convert it for this model's sizes and with Apple's inputs and outputs, or map other packages",
        )
    return Fit(expected.component, packages, inputs, outputs)


def _match(wanted: Sequence[Tensor], found: Sequence[Tensor]) -> dict[str, str] | None:
    """Wanted names to found ones, by name and shape, then by the only shape left; None when one is left over."""
    names: dict[str, str] = {}
    by_name = {tensor.name: tensor for tensor in found}
    for tensor in wanted:
        same = by_name.get(tensor.name)
        if same is not None and same.shape == tensor.shape:
            names[tensor.name] = same.name
    for tensor in wanted:
        if tensor.name in names or tensor.name in by_name:
            continue
        alike = [each.name for each in found if each.shape == tensor.shape and each.name not in names.values()]
        rivals = [each for each in wanted if each.shape == tensor.shape and each.name not in names]
        if len(alike) == 1 and len(rivals) == 1:
            names[tensor.name] = alike[0]
    return names if len(names) == len(wanted) else None
