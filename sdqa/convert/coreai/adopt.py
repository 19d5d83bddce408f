"""An `.aimodel` that another tool made, fitted to the contract and described; nothing of it is copied or changed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from sdqa.convert.adopt import required
from sdqa.convert.contract import Contract, side_by_side
from sdqa.convert.coreai.contents import Contents, read_contents
from sdqa.convert.coreai.describe import describe, in_own_process
from sdqa.convert.coreai.program import asset_contract
from sdqa.convert.fit import match_names, ways
from sdqa.convert.promises import Holding, broken_promises, single_share
from sdqa.convert.record import PackageRecord
from sdqa.errors import ContractError
from sdqa.models.packages import ExistingPackages
from sdqa.models.teacher import Teacher
from sdqa.plan.variant import Variant
from sdqa.runtime.accountable import accountable


def adopt(
    existing: ExistingPackages, teacher: Teacher, variant: Variant | None = None, *, idle: Collection[str] = ()
) -> dict[str, PackageRecord]:
    """Records of existing assets, in the teacher's flow order, without the components that nobody runs.

    Raises:
        ModelError: a component of the teacher that is run has no asset.
        RuntimeUnavailable: Core AI is not installed.
        ContractError: an asset has other inputs or outputs.
        PackageError: an asset is damaged.
    """
    wanted = required(existing, teacher, idle)
    records = {}
    for component in wanted:
        with accountable(component):
            records[component] = adopt_component(teacher, component, existing.packages[component][0], variant)
    return records


def adopt_component(teacher: Teacher, component: str, asset: Path, variant: Variant | None) -> PackageRecord:
    """Fit and describe one asset, in a process of its own.

    Raises:
        ContractError: an input or output has no counterpart.
        PackageError: the asset is damaged, or ended the process that read it.
    """
    said = {"variant": variant.model_dump(mode="json") if variant is not None else None}
    return in_own_process(__name__, teacher, component, asset, said)


def perform(teacher: Teacher, job: Mapping[str, Any]) -> PackageRecord:
    """The part of `adopt_component` that the process of its own does."""
    component, asset = job["component"], Path(job["asset"])
    variant = Variant.model_validate(job["variant"]) if job["variant"] else None
    contents = read_contents(asset)
    expected = asset_contract(component, teacher)
    names, batch = _fit(expected, contents, asset)
    record = describe(teacher, component, asset, contents)
    breaches = () if variant is None else _promises(component, record, variant)
    return record.model_copy(update={"names": names, "batch": batch, "breaches": breaches})


def _fit(expected: Contract, contents: Contents, asset: Path) -> tuple[dict[str, str], int | None]:
    """The contract's names to the asset's own where they differ, and the rows it takes where that is not the pair."""
    for batch, wanted in ways(expected):
        inputs, outputs = match_names(wanted.inputs, contents.inputs), match_names(wanted.outputs, contents.outputs)
        if inputs is None or outputs is None or {each.name for each in contents.inputs} - set(inputs.values()):
            continue
        found = (*inputs.items(), *outputs.items())
        return {name: own for name, own in found if name != own}, batch
    both = side_by_side(expected, contents.inputs, contents.outputs)
    raise ContractError(
        f"the asset cannot serve as {expected.component}\n{both}\n ",
        where=asset.name,
        hint="convert it for this model's sizes and with the contract's inputs and outputs, or map other assets",
    )


def _promises(component: str, record: PackageRecord, variant: Variant) -> tuple[str, ...]:
    """What of the variant an asset is not, by the bits that its weights are stored in."""
    widths = {int(bits): count for bits, count in record.bit_widths.items()}
    return broken_promises(component, Holding(widths, single_share(widths)), variant)
