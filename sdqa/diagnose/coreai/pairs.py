"""An asset beside a sound one: which operation is which, and what its constants should be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy.typing as npt

from sdqa.diagnose.alignment import Alignment, align_unnamed
from sdqa.diagnose.coreai.program import AssetProgram, Given
from sdqa.diagnose.fingerprint import told_apart
from sdqa.diagnose.programs import ConstantPair
from sdqa.mil.graph import Node

Array = npt.NDArray[Any]
SOUND = "sound "
"""Before the names of the reference's operations: numbers shift where something was put in, so names must not match."""


@dataclass(frozen=True)
class AssetPair(ConstantPair):
    """A constant and what it should be; `constant` is a `Given`."""

    @property
    def stored(self) -> bool:
        """Whether it is stored compressed."""
        return isinstance(self.constant, Given) and self.constant.packed

    @property
    def compressed(self) -> bool:
        """Whether it is stored compressed, or plainly with few levels where the reference has many."""
        return self.stored or super().compressed


class Beside:
    """An asset, its sound reference, and what is known of both.

    Args:
        reference: the component converted anew in fp32; without one nothing is aligned.
        parameters: the checkpoint's.
    """

    def __init__(self, asset: Path, reference: Path | None, parameters: Mapping[str, Array]) -> None:
        self.parameters = parameters
        known = told_apart(parameters)
        self.candidate = AssetProgram(asset, known)
        self.reference = AssetProgram(reference, known, prefix=SOUND) if reference is not None else None
        theirs = self.reference.nodes if self.reference is not None else []
        self.alignment = (
            align_unnamed(self.candidate.nodes, theirs, self.candidate.inputs) if self.reference else Alignment()
        )
        self._partners = {node.name: node for node in theirs}

    def partner(self, node: Node) -> Node | None:
        """The reference's operation that is the same one."""
        return self._partners.get(self.alignment.operations.get(node.name, ""))

    def pairs(self) -> Iterator[AssetPair]:
        """The candidate's floating-point constants that have a reference: the sound asset's at the same place."""
        for node in self.candidate.nodes:
            other = self.partner(node)
            for argument, items in node.inputs.items():
                theirs = other.inputs.get(argument) if other is not None else None
                mine, his = items[0], theirs[0] if theirs else None
                if not isinstance(mine, Given) or not isinstance(his, Given):
                    continue
                if mine.values.dtype.kind == his.values.dtype.kind == "f" and mine.values.size == his.values.size:
                    expected = his.values.reshape(mine.values.shape)
                    yield AssetPair(node, argument, 0, mine, expected, self.parameter_of(his))

    def parameter_of(self, constant: Given) -> str:
        """The checkpoint's parameter that a sound constant is; empty where several could be."""
        return constant.name if constant.name in self.parameters else ""

    @cached_property
    def _makers(self) -> dict[str, Node]:
        return {value.name: node for node in self.candidate.nodes for value in node.outputs}

    def module_of(self, node: Node) -> str:
        """Dotted name of the torch module: its weight's, or that of the operation before it."""
        while True:
            for one in (self.partner(node), node):
                for items in one.inputs.values() if one is not None else ():
                    if isinstance(items[0], Given) and self.parameter_of(items[0]):
                        return self.parameter_of(items[0]).rpartition(".")[0]
            before = self._makers.get(next(iter(node.names_used()), ""))
            if before is None:
                return ""
            node = before
