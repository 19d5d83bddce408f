"""The record of a component's packages: everything in it but time is read back from the files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sdqa.address import package_path, read_address
from sdqa.convert.budget import measure_costs
from sdqa.convert.coverage import measure_coverage
from sdqa.convert.inventory import take_inventory
from sdqa.convert.lint import lint_package
from sdqa.convert.package import package_bytes
from sdqa.convert.record import PackageRecord
from sdqa.convert.sidecar import constant_name, sidecar_path
from sdqa.store import digest_of, tree_digest


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
