"""An `.aimodel` that another tool made, before a run: whether its files are there; its program is not parsed here."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from sdqa.convert.contract import Contract
from sdqa.errors import PackageError
from sdqa.foreign import recognise
from sdqa.plan.variant import Variant
from sdqa.runtime.asset import demand_files


def look(packages: tuple[Path, ...], expected: Contract, variants: Collection[Variant]) -> tuple[str, ...]:  # noqa: ARG001
    """Refuse what has not arrived whole; inputs and outputs are known when Core AI has parsed it.

    Raises:
        PackageError: a file is missing, or is something else: a Git LFS pointer, say.
    """
    for asset in packages:
        for file in demand_files(asset):
            foreign = recognise(file)
            if foreign is not None:
                raise PackageError(f"{file.name} is {foreign.what}", where=asset.name, hint=foreign.hint)
    return ()
