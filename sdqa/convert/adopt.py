"""Packages that another tool made, taken as a lane's own: fitted to the contract, inventoried, coverage measured."""

from __future__ import annotations

from collections.abc import Collection

from sdqa.convert.contract import contract
from sdqa.convert.describe import describe
from sdqa.convert.fit import Fit, fit_component
from sdqa.convert.record import PackageRecord
from sdqa.errors import ModelError
from sdqa.models.packages import ExistingPackages
from sdqa.models.teacher import Teacher
from sdqa.plan.variant import Variant
from sdqa.runtime.accountable import accountable


def adopt(
    existing: ExistingPackages, teacher: Teacher, variant: Variant | None = None, *, idle: Collection[str] = ()
) -> dict[str, PackageRecord]:
    """Records of existing packages, in the teacher's flow order. Nothing is copied or changed.

    Coverage is measured against the teacher, not required: names of another converter's constants may say nothing about
    compressed weights. What it finds missing, and what of the contract or of the variant a package breaks, is in the
    record, for the gate to judge.

    Args:
        idle: components that nobody runs, and that are left out.

    Raises:
        ModelError: a component of the teacher that is run has no package.
        ContractError: a package cannot be run for the teacher's sizes, or lacks Apple's inputs and outputs.
        PackageError: a package is damaged.
    """
    records = {}
    for component in required(existing, teacher, idle):
        expected = contract(component, teacher.family, teacher.facts)
        with accountable(component):
            fit = fit_component(existing.packages[component], expected, variant)
            records[component] = _record(teacher, component, fit)
    return records


def required(existing: ExistingPackages, teacher: Teacher, idle: Collection[str]) -> list[str]:
    """The teacher's components that somebody runs, in flow order; each has a package.

    Raises:
        ModelError: one has none.
    """
    wanted = [component for component in teacher.components if component not in idle]
    missing = [component for component in wanted if component not in existing.packages]
    if missing:
        raise ModelError(
            f"the folder has no package for {', '.join(missing)}",
            where=existing.source,
            hint=existing.listing(),
        )
    return wanted


def _record(teacher: Teacher, component: str, fit: Fit) -> PackageRecord:
    from sdqa.convert.wrappers import wrap

    parameters = {name: value.detach().numpy() for name, value in wrap(teacher, component).named_parameters()}
    record = describe(component, fit.packages, parameters, names=fit.renamed)
    return record.model_copy(update={"breaches": fit.breaches, "batch": fit.batch, "defaults": dict(fit.defaults)})
