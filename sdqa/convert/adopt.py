"""Packages that another tool made, taken as a lane's own: fitted to the contract, inventoried, coverage measured."""

from __future__ import annotations

from sdqa.convert.contract import contract
from sdqa.convert.describe import describe
from sdqa.convert.fit import Fit, fit_component
from sdqa.convert.record import PackageRecord
from sdqa.errors import ModelError
from sdqa.models.packages import ExistingPackages
from sdqa.models.teacher import Teacher


def adopt(existing: ExistingPackages, teacher: Teacher) -> dict[str, PackageRecord]:
    """Records of existing packages, in the teacher's flow order. Nothing is copied or changed.

    Coverage is measured against the teacher, not required: names of another converter's constants may say nothing about
    compressed weights. What it finds missing is in the record, for the gate to judge.

    Raises:
        ModelError: a component of the teacher has no package.
        ContractError: a package does not fit the teacher's sizes, or Apple's inputs and outputs.
        PackageError: a package is damaged.
    """
    missing = [component for component in teacher.components if component not in existing.packages]
    if missing:
        raise ModelError(
            f"the folder has no package for {', '.join(missing)}",
            where=existing.source,
            hint=f"found: {', '.join(existing.packages)}",
        )
    records = {}
    for component in teacher.components:
        expected = contract(component, teacher.family, teacher.facts)
        records[component] = _record(teacher, component, fit_component(existing.packages[component], expected))
    return records


def _record(teacher: Teacher, component: str, fit: Fit) -> PackageRecord:
    from sdqa.convert.wrappers import wrap

    parameters = {name: value.detach().numpy() for name, value in wrap(teacher, component).named_parameters()}
    renamed = {name: own for names in (fit.inputs, fit.outputs) for name, own in names.items() if name != own}
    return describe(component, fit.packages, parameters, names=renamed)
