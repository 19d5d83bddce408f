"""A candidate's program beside its references, and with the losses of single stages taken back.

A constant that differs from its reference only by what compression or fp16 does to it can be put back. The program with
all of those put back, run in fp32, shows what conversion alone did; run as declared, what precision adds; and the
package as it is shows what compression adds. So the stages of *one* package are told apart, whatever else is wrong.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sdqa import mil
from sdqa.diagnose.alignment import Alignment, align, plain
from sdqa.diagnose.weights import FEWEST, compare_weight
from sdqa.mil.constants import Constant, Immediate, Unpacked
from sdqa.mil.graph import Node
from sdqa.mil.program import Program
from sdqa.mil.types import ValueType
from sdqa.runtime import Arrays

Array = npt.NDArray[Any]
HUGE = 1e4
"""Constants (masks) that reach this may become infinite by rounding to fp16, or by the arithmetic that folded them."""
FEW = 16
"""Elements below which a constant is an argument and no weight."""
NEARLY_ALL = 0.95
DIGITS = frozenset({"round", "floor", "ceil", "clip", "quantize", "dequantize", "cast"})
"""Operations that only take digits or range away: where the reference has none, precision was lost."""


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
    def name(self) -> str:
        """The constant's, or that of the place where it is written."""
        return self.constant.name or f"{self.node.name}.{self.argument}"

    @property
    def value(self) -> Array:
        """What is in the candidate, unpacked."""
        return np.asarray(self.constant.read())

    @property
    def compressed(self) -> bool:
        """Whether it is stored compressed, or dense with few levels where the reference has many.

        A dense weight times one factor lost nothing to compression: it was converted wrongly.
        """
        if isinstance(self.constant, Unpacked):
            return True
        if self.reference.size < FEWEST:
            return False
        found = compare_weight(self.reference, self.value)
        return found.quantised and found.factor is None

    @property
    def rounded(self) -> bool:
        """Whether rounding the reference to the candidate's dtype gives the candidate, overflow included."""
        value = self.value
        if value.dtype.kind != "f" or value.shape != self.reference.shape:
            return False
        with np.errstate(over="ignore"):
            expected = self.reference.astype(value.dtype)
        agree = (expected == value) | (np.isnan(expected) & np.isnan(value))
        masks = float(np.abs(self.reference).max(initial=0.0)) >= HUGE
        return bool((agree | (np.isinf(value) & masks)).all())


@dataclass(frozen=True)
class Restored:
    """A load of a package with the losses of later stages taken back."""

    program: Program
    compressed: int  # constants that compression changed
    unmatched: int  # of those, the ones without a reference to go back to
    stored: int  # constants that the package says it compressed
    exact: bool  # whether the rounding of (nearly) all half-precision constants could be taken back too


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
                return (self._exact(value), "package") if value.dtype.kind == "f" else None
        if (
            constant.type.dtype == "fp16"
            and (constant.type.elements or 0) >= FEW
            and not isinstance(constant, Unpacked)
        ):
            unnamed = self._exact(np.asarray(constant.read()))
            if unnamed.dtype == np.float32:
                return unnamed, ""
        parameter = self.parameters.get(plain(constant.name), "")
        expected = self.checkpoint.get(parameter)
        if expected is None or expected.size != constant.type.elements:
            return None
        return expected.reshape(constant.type.shape), parameter

    @cached_property
    def _originals(self) -> dict[bytes, Array]:
        """Values that are known in fp32 (of the checkpoint, of the reference), by what fp16 makes of them."""
        known = [value for value in self.checkpoint.values() if value.size >= FEW]
        if self.reference is not None:
            read = (constant.read() for constant in self.reference.function.body.constants.values())
            known += [value for value in read if isinstance(value, np.ndarray) and value.dtype == np.float32]
        with np.errstate(over="ignore"):
            return {_digest(value.astype(np.float16)): value for value in known if value.size >= FEW}

    def _exact(self, value: Array) -> Array:
        """The fp32 values that a half-precision constant was rounded from, where they are known; else itself."""
        if value.dtype != np.float16 or value.size < FEW:
            return value
        found = self._originals.get(_digest(value))
        return value if found is None else found.reshape(value.shape)

    def restored(self, *, precision: str, rounding: bool) -> Restored:
        """The package with compression taken back and, if asked, the rounding of its constants too."""
        program = mil.load(self.package, precision=precision)
        if rounding:
            self._bypass(program)
        given = [
            item
            for node in program.function.body.nodes
            for items in node.inputs.values()
            for item in items
            if isinstance(item, Constant)
        ]
        unpacked = sum(isinstance(item, Unpacked) for item in given)
        halves = sum(_is_rounded(item) for item in given)
        compressed = matched = known = 0
        for pair in self.pairs(program):
            known += _is_rounded(pair.constant) and pair.reference.dtype == np.float32
            if pair.compressed:
                compressed += 1
                matched += isinstance(pair.constant, Unpacked)
                self._replace(pair, precision=precision)
            elif rounding and pair.rounded and pair.constant.type.dtype == "fp16":
                self._replace(pair, precision=precision)
        unmatched = unpacked - matched
        return Restored(program, compressed + unmatched, unmatched, unpacked, known >= NEARLY_ALL * halves)

    def _bypass(self, program: Program) -> None:
        """Let operations that only take digits away, and that the reference has not, pass their input on."""
        inserted = frozenset(self.alignment.inserted)
        for node in program.function.body.nodes:
            if node.name in inserted and node.type in DIGITS and "x" in node.inputs and node.type != "cast":
                node.type = "identity"
                node.inputs = {"x": node.inputs["x"]}

    def _replace(self, pair: ConstantPair, *, precision: str) -> None:
        exact = precision == "float32"
        value = pair.reference.astype(np.float32 if exact else pair.value.dtype)
        if value.shape != pair.constant.type.shape:
            value = value.reshape(pair.constant.type.shape)
        dtype = "fp32" if exact else pair.constant.type.dtype
        kind = ValueType("tensor", dtype, pair.constant.type.shape)
        pair.node.inputs[pair.argument][pair.index] = Immediate(pair.constant.name, kind, value)


def _is_rounded(constant: Constant) -> bool:
    """Whether it is a half-precision weight; one number repeated (a mean of zeros) has nothing to take back."""
    if constant.type.dtype != "fp16" or (constant.type.elements or 0) < FEW:
        return False
    value = np.asarray(constant.read())
    return bool((value != value.flat[0]).any())


def _digest(value: Array) -> bytes:
    return hashlib.blake2b(np.ascontiguousarray(value).tobytes(), digest_size=16).digest()


class ProgramRunner:
    """A loaded program behind the runner protocol."""

    def __init__(self, component: str, program: Program) -> None:
        self.component, self.program = component, program

    def run(self, inputs: Arrays) -> dict[str, np.ndarray[Any, np.dtype[Any]]]:
        """One forward pass."""
        return {name: np.asarray(value) for name, value in self.program.predict(dict(inputs)).items()}
