"""A candidate's program beside its references, and with the losses of single stages taken back.

A constant that differs from its reference only by what compression or fp16 does to it can be put back. The program with
all of those put back, run in fp32, shows what conversion alone did; run as declared, what precision adds; and the
package as it is shows what compression adds. So the stages of *one* package are told apart, whatever else is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sdqa import mil
from sdqa.diagnose.alignment import Alignment, align, plain
from sdqa.diagnose.weights import compare_weight
from sdqa.mil.constants import Constant, Immediate, Unpacked
from sdqa.mil.graph import Node
from sdqa.mil.program import Program
from sdqa.mil.types import ValueType
from sdqa.runtime import Arrays

Array = npt.NDArray[Any]
HUGE = 1e4
"""A reference constant beyond this may become infinite by rounding to fp16 (or by the arithmetic that folded it)."""


@dataclass(frozen=True)
class ConstantPair:
    """One constant of the candidate and what it should be."""

    node: Node
    argument: str
    index: int
    constant: Constant
    reference: Array
    source: str  # "package" or the checkpoint parameter's name

    @property
    def value(self) -> Array:
        """What is in the candidate, unpacked."""
        return np.asarray(self.constant.read())

    @property
    def compressed(self) -> bool:
        """Whether it is stored compressed, or dense with few levels where the reference has many."""
        if isinstance(self.constant, Unpacked):
            return True
        return self.reference.size >= 64 and compare_weight(self.reference, self.value).quantised

    @property
    def rounded(self) -> bool:
        """Whether rounding the reference to the candidate's dtype gives the candidate, overflow included."""
        value = self.value
        if value.dtype.kind != "f" or value.shape != self.reference.shape:
            return False
        with np.errstate(over="ignore"):
            expected = self.reference.astype(value.dtype)
        agree = (expected == value) | (np.isnan(expected) & np.isnan(value))
        overflow = np.isinf(value) & (np.abs(self.reference) >= HUGE) & (np.sign(value) == np.sign(self.reference))
        return bool((agree | overflow).all())


class Candidate:
    """One package with what it can be held against.

    Args:
        package: the candidate's.
        reference: the same component converted anew from the checkpoint, fp32 or uncompressed; None without one.
        checkpoint: parameters by dotted name; constants are named after them.
    """

    def __init__(
        self,
        package: Path,
        reference: Path | None,
        *,
        checkpoint: Mapping[str, Array] | None = None,
    ) -> None:
        self.package = package
        self.reference = mil.load(reference, precision="float32", fuse=False) if reference else None
        self.checkpoint = checkpoint or {}
        self.parameters = {re.sub(r"\W", "_", name): name for name in self.checkpoint}
        self.plain_program = mil.load(package, fuse=False)
        self.alignment = align(self.plain_program, self.reference) if self.reference else Alignment()

    def pairs(self, program: Program) -> Iterator[ConstantPair]:
        """All floating-point constants of a load of the package that have a reference."""
        partners = {node.name: node for node in self.reference.function.body.nodes} if self.reference else {}
        for node in program.function.body.nodes:
            other = partners.get(self.alignment.operations.get(node.name, ""))
            for argument, items in node.inputs.items():
                for index, item in enumerate(items):
                    if isinstance(item, Constant) and item.type.kind == "tensor" and item.type.element.carrier:
                        found = self._reference_of(item, other, argument, index)
                        if found is not None:
                            yield ConstantPair(node, argument, index, item, *found)

    def _reference_of(
        self, constant: Constant, other: Node | None, argument: str, index: int
    ) -> tuple[Array, str] | None:
        if not constant.type.dtype.startswith("fp"):
            return None
        if other is not None:
            items = other.inputs.get(argument, [])
            item = items[index] if index < len(items) else None
            if isinstance(item, Constant):
                value = np.asarray(item.read())
                return (value, "package") if value.dtype.kind == "f" else None
        parameter = self.parameters.get(plain(constant.name), "")
        expected = self.checkpoint.get(parameter)
        if expected is None or expected.size != constant.type.elements:
            return None
        return expected.reshape(constant.type.shape), parameter

    def restored(self, *, precision: str, rounding: bool) -> tuple[Program, int, int]:
        """The package with compression taken back and, if asked, the rounding of its constants too.

        Returns:
            The program, how many constants are compressed, and how many of those had no reference to go back to.
        """
        program = mil.load(self.package, precision=precision)
        restored: set[tuple[int, str, int]] = set()
        for pair in self.pairs(program):
            if pair.compressed:
                self._replace(pair, precision=precision)
                restored.add((id(pair.node), pair.argument, pair.index))
            elif rounding and pair.rounded and pair.constant.type.dtype == "fp16":
                self._replace(pair, precision=precision)
        compressed = [
            (id(node), argument, index)
            for node in self.plain_program.function.body.nodes
            for argument, items in node.inputs.items()
            for index, item in enumerate(items)
            if isinstance(item, Unpacked)
        ]
        return program, max(len(restored), len(compressed)), max(0, len(compressed) - len(restored))

    def _replace(self, pair: ConstantPair, *, precision: str) -> None:
        exact = precision == "float32"
        value = pair.reference.astype(np.float32 if exact else pair.value.dtype)
        if value.shape != pair.constant.type.shape:
            value = value.reshape(pair.constant.type.shape)
        dtype = "fp32" if exact else pair.constant.type.dtype
        kind = ValueType("tensor", dtype, pair.constant.type.shape)
        pair.node.inputs[pair.argument][pair.index] = Immediate(pair.constant.name, kind, value)


class ProgramRunner:
    """A loaded program behind the runner protocol."""

    def __init__(self, component: str, program: Program) -> None:
        self.component, self.program = component, program

    def run(self, inputs: Arrays) -> dict[str, np.ndarray[Any, np.dtype[Any]]]:
        """One forward pass."""
        return {name: np.asarray(value) for name, value in self.program.predict(dict(inputs)).items()}
