"""An `.aimodel` that another tool made, before a run: whether its files are there; its program is not parsed here."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from sdqa.convert.contract import Contract
from sdqa.convert.looked import Looked
from sdqa.errors import PackageError
from sdqa.foreign import recognise
from sdqa.plan.variant import Variant
from sdqa.runtime.asset import demand_files


def look(
    component: str,  # noqa: ARG001
    packages: tuple[Path, ...],
    expected: Contract | None,  # noqa: ARG001
    variants: Collection[Variant],  # noqa: ARG001
) -> Looked:
    """Refuse what has not arrived whole; inputs and outputs are known when Core AI has parsed it.

    Raises:
        PackageError: a file is missing, or is something else: a Git LFS pointer, say.
    """
    for asset in packages:
        for file in demand_files(asset):
            foreign = recognise(file)
            if foreign is not None:
                raise PackageError(f"{file.name} is {foreign.what}", where=asset.name, hint=foreign.hint)
    return Looked()
