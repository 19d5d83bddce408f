"""Which weights and operations a fault picks, by role, so that it means the same in any model; whom that blames."""

from __future__ import annotations

import re
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from sdqa.errors import FaultError
from sdqa.faults.injection import Culprit

if TYPE_CHECKING:
    from sdqa.faults.messages import Array
    from sdqa.faults.package_editor import PackageEditor


def generator(name: str) -> np.random.Generator:
    """Random numbers that depend on a name only."""
    return np.random.Generator(np.random.Philox(zlib.crc32(name.encode())))


def kernels(editor: PackageEditor, *, spatial: bool = False) -> list[str]:
    """Weights of convolutions and linear layers in the order of execution.

    Args:
        spatial: only convolution kernels larger than one by one.

    Raises:
        FaultError: the package has none.
    """
    names = [name for name in editor.weights() if not spatial or _is_spatial(editor, name)]
    if not names:
        raise FaultError("the package has no such weights", where=editor.folder.name)
    return names


def _is_spatial(editor: PackageEditor, name: str) -> bool:
    shape = editor.graph.body.constants[name].type.shape
    return len(shape) == 4 and shape[2] > 1 and shape[3] > 1


def matching(names: list[str], pattern: str) -> list[str]:
    """Those whose name contains a regular expression; all of them when none does."""
    return [name for name in names if re.search(pattern, name)] or names


def at(items: list[Any], position: float) -> Any:
    """The item at a relative position in [0, 1]."""
    return items[min(int(position * len(items)), len(items) - 1)]


def spread(items: list[Any], share: float) -> list[Any]:
    """A share of the items (at least one), evenly spaced."""
    count = max(1, round(share * len(items)))
    return [items[int((index + 0.5) * len(items) / count)] for index in range(count)]


def user_of(editor: PackageEditor, weight: str) -> Any:
    """The first operation that is given a constant.

    Raises:
        FaultError: none is.
    """
    for operation in editor.operations():
        for argument in operation.inputs:
            if editor.constant_of(operation, argument) == weight:
                return operation
    raise FaultError(f"nothing uses {weight!r}", where=editor.folder.name)


def masked_additions(editor: PackageEditor) -> list[Any]:
    """Additions of a constant square mask to attention scores."""
    scores = {editor.inputs_of(operation, "x")[0] for operation in editor.operations("softmax")}
    found = []
    for operation in editor.operations("add"):
        name = editor.constant_of(operation, "y")
        if name is not None and operation.outputs[0].name in scores:
            shape = editor.read(name).shape
            if len(shape) >= 2 and shape[-1] == shape[-2] > 1:
                found.append(operation)
    if not found:
        raise FaultError("the package has no causal mask that is added", where=editor.folder.name)
    return found


def replaced(editor: PackageEditor, weight: str, values: Array) -> Culprit:
    """Write one weight, and blame the operation that uses it."""
    operation = editor.name_of(user_of(editor, weight))
    editor.write(weight, values)
    return Culprit(operation, weight)


def residuals(editor: PackageEditor) -> list[Any]:
    """Additions of two computed values of one shape, in the order of execution."""
    found = []
    for operation in editor.operations("add"):
        names = [*editor.inputs_of(operation, "x"), *editor.inputs_of(operation, "y")]
        if any(editor.is_constant(name) for name in names):
            continue
        if {editor.shape_of(name) for name in names} == {editor.shape_of(operation.outputs[0].name)}:
            found.append(operation)
    return found
