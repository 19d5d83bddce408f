"""The record of a component's packages: everything in it but time is read back from the files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sdqa.address import package_path, read_address
from sdqa.convert.budget import measure_costs
from sdqa.convert.coverage import measure_coverage, require_coverage
from sdqa.convert.inventory import take_inventory
from sdqa.convert.isolate import isolated, should_isolate
from sdqa.convert.lint import lint_package
from sdqa.convert.package import package_bytes
from sdqa.convert.record import PackageRecord
from sdqa.convert.sidecar import constant_name, sidecar_path
from sdqa.models.teacher import Teacher
from sdqa.store import digest_of, tree_digest


def describe_component(
    teacher: Teacher, component: str, packages: tuple[Path, ...], *, where: str = "", isolate: str = "auto"
) -> PackageRecord:
    """Take stock of a component that was converted from a teacher, in a process of its own as for the conversion.

    Args:
        packages: in execution order.
        where: names the variant in messages.

    Raises:
        PackageError: a package is damaged.
        CoverageError: a parameter is missing from the program, or a constant was invented.
    """
    if should_isolate(isolate, teacher.parameters[component]):
        job = {"packages": [str(path) for path in packages], "where": where}
        made, _ = isolated(__name__, teacher, component, job)
        return PackageRecord.model_validate(made)
    return describe_here(teacher, component, packages, where)


def perform(teacher: Teacher, job: Mapping[str, Any]) -> PackageRecord:
    """The part of `describe_component` that a process of its own does."""
    return describe_here(teacher, job["component"], tuple(Path(path) for path in job["packages"]), job["where"])


def describe_here(teacher: Teacher, component: str, packages: tuple[Path, ...], where: str) -> PackageRecord:
    """`describe_component` in this process."""
    from sdqa.convert.wrappers import wrap

    parameters = {name: value.detach().numpy() for name, value in wrap(teacher, component).named_parameters()}
    record = describe(component, packages, parameters)
    require_coverage(record.coverage, where=", ".join(filter(None, (teacher.source, where, component))))
    return record


def describe(
    component: str,
    packages: tuple[Path, ...],
    parameters: Mapping[str, NDArray[np.generic]],
    *,
    names: Mapping[str, str] | None = None,
) -> PackageRecord:
    """Take stock of a component's packages.

    Args:
        component: what they hold.
        packages: in execution order.
        parameters: of the torch module, by dotted name, for the coverage.
        names: the contract's name to the packages' own, where they differ.

    Raises:
        PackageError: one is damaged.
    """
    inventories = [take_inventory(package) for package in packages]
    hints = {constant_name(name): name for name in parameters}
    weights = (weight for inventory in inventories for weight in inventory.weights(hints))
    histogram: Counter[str] = Counter()
    widths: Counter[str] = Counter()
    for inventory in inventories:
        histogram.update(inventory.histogram)
        widths.update(inventory.bit_widths())
    return PackageRecord(
        component=component,
        path=packages[0],
        paths=packages,
        modules=sidecar_path(package_path(packages[0])),
        bytes=sum(package_bytes(path) for path in dict.fromkeys(map(package_path, packages))),
        digest=digest_of([_digest(package) for package in packages]),
        operations=histogram.total(),
        histogram=dict(sorted(histogram.items())),
        bit_widths=dict(sorted(widths.items(), key=lambda item: int(item[0]))),
        coverage=measure_coverage(parameters, weights),
        lint=tuple(lint_package(package) for package in packages),
        cost=measure_costs({component: packages})[0],
        names=dict(names or {}),
    )


def _digest(package: Path) -> str:
    address = read_address(package)
    digest = tree_digest(address.path)
    return digest if address.function is None else f"{digest}#{address.function}"
