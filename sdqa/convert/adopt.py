"""Packages that another tool made, taken as a lane's own: fitted to the contract, inventoried, coverage measured."""

from __future__ import annotations

from collections import Counter

from sdqa.convert.contract import contract
from sdqa.convert.coverage import measure_coverage
from sdqa.convert.fit import Fit, fit_component
from sdqa.convert.inventory import take_inventory
from sdqa.convert.package import package_bytes
from sdqa.convert.record import PackageRecord
from sdqa.convert.sidecar import constant_name, plain_name, sidecar_path
from sdqa.errors import ModelError
from sdqa.models.packages import ExistingPackages
from sdqa.models.teacher import Teacher
from sdqa.store import digest_of, tree_digest


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

    inventories = [take_inventory(package) for package in fit.packages]
    parameters = {name: value.detach().numpy() for name, value in wrap(teacher, component).named_parameters()}
    hints = {constant_name(name): name for name in parameters}
    weights = (weight for inventory in inventories for weight in inventory.weights())
    histogram: Counter[str] = Counter()
    widths: Counter[str] = Counter()
    for inventory in inventories:
        histogram.update(inventory.histogram)
        widths.update(inventory.bit_widths())
    return PackageRecord(
        component=component,
        path=fit.packages[0],
        paths=fit.packages,
        modules=sidecar_path(fit.packages[0]),
        bytes=sum(package_bytes(package) for package in fit.packages),
        digest=digest_of([tree_digest(package) for package in fit.packages]),
        operations=histogram.total(),
        histogram=dict(sorted(histogram.items())),
        bit_widths=dict(sorted(widths.items(), key=lambda item: int(item[0]))),
        coverage=measure_coverage(parameters, ((name, hints.get(plain_name(name)), value) for name, value in weights)),
        names={name: own for names in (fit.inputs, fit.outputs) for name, own in names.items() if name != own},
        conversion_seconds=0.0,
        peak_bytes=0,
    )
