"""Where a mutation acts: a weight by its checkpoint's name, an operation by its role."""

from __future__ import annotations

import re
from typing import Any

from sdqa.errors import FaultError
from sdqa.faults.injection import Culprit
from sdqa.faults.messages import Array
from sdqa.faults.package_editor import PackageEditor
from sdqa.faults.selection import replaced

WEIGHTED = ("conv", "linear", "gather", "layer_norm", "batch_norm")


def weight(editor: PackageEditor, pattern: str, argument: str = "weight") -> str:
    """The first weight, in the order of execution, whose name contains a regular expression.

    Raises:
        FaultError: there is none.
    """
    for name in editor.weights(WEIGHTED, argument):
        if re.search(pattern, name):
            return name
    raise FaultError(f"no {argument} is named like {pattern!r}", where=editor.folder.name)


def changed(editor: PackageEditor, name: str, values: Array) -> Culprit:
    """Write a weight; whoever uses it is to be named."""
    return replaced(editor, name, values)


def user(editor: PackageEditor, pattern: str) -> Any:
    """The operation whose weight's name contains a regular expression."""
    name = weight(editor, pattern)
    return next(
        operation
        for operation in editor.operations()
        if "weight" in operation.inputs and editor.constant_of(operation, "weight") == name
    )


def users_of(editor: PackageEditor, value: str) -> list[Any]:
    """The operations that are given a value."""
    return [operation for operation in editor.operations() if value in editor.all_inputs(operation)]
