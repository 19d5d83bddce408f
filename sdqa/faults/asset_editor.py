"""Changing the weights and the activations of an `.aimodel`, the way a faulty conversion would have written them.

It has the part of `PackageEditor` that those need. Faults that change other operations, scalars or an interface know ML
Programs; here they are refused.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from sdqa.errors import FaultError

KERNEL_USERS = ("conv", "batch_matmul", "broadcasting_batch_matmul")
ELEMENTWISE = frozenset({"cos", "gelu", "relu", "sigmoid", "silu", "sin", "tanh"})
"""Operations of one value that nothing else decides, so that one can stand in another's place."""


class AssetOperation:
    """One of `ELEMENTWISE` in an asset; setting its type puts another in its place."""

    def __init__(self, operation: Any, name: str) -> None:
        self._operation, self.name = operation, name
        self.inputs: dict[str, str] = {}
        """An ML Program's further arguments: none."""

    @property
    def type(self) -> str:
        """Such as "silu"."""
        from sdqa.convert.coreai.contents import kind_of

        return kind_of(self._operation)

    @type.setter
    def type(self, kind: str) -> None:
        """Put an operation of another type in its place.

        Raises:
            FaultError: that one takes more than a value.
        """
        from coreai._compiler.ir import InsertionPoint, Operation

        if kind not in ELEMENTWISE:
            raise FaultError(f"{kind} cannot stand for {self.type}", where=self.name, hint="plant it in .mlpackages")
        old = self._operation
        with old.context, old.location, InsertionPoint(old):
            made = Operation.create(f"coreai.{kind}", results=[old.result.type], operands=list(old.operands))
        old.result.replace_all_uses_with(made.result)
        old.erase()
        self._operation = made


class AssetEditor:
    """One asset under edit; what was written is saved when the context ends without an error.

    Raises:
        RuntimeUnavailable: Core AI is not installed.
        PackageError: the asset is damaged.
    """

    def __init__(self, folder: Path) -> None:
        from sdqa.convert.coreai.contents import constant_sources, read_contents

        self.folder = folder
        self._program = read_contents(folder).program
        self._constants = {f"constant_{n}": each for n, each in enumerate(constant_sources(self._program))}

    def __enter__(self) -> AssetEditor:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.save()

    def __getattr__(self, name: str) -> NoReturn:
        """What only ML Programs have.

        Raises:
            FaultError: always.
        """
        if name.startswith("__"):
            raise AttributeError(name)
        hint = "plant it in a lane of .mlpackages; faults of weights, pictures and settings can be planted here"
        raise FaultError(f"this fault changes more than weights ({name})", where=self.folder.name, hint=hint)

    def save(self) -> None:
        """Write the asset in place of the one that was read."""
        from sdqa.convert.coreai.build import save

        save(self._program, self.folder)

    def weights(self) -> list[str]:
        """Kernels of convolutions and matrices of products, in the order that they are stored in."""
        return [name for name, operation in self._constants.items() if self._is_kernel(operation)]

    def operations(self, *kinds: str) -> list[AssetOperation]:
        """Elementwise operations of the function `main`, in order, named by type and number.

        Raises:
            FaultError: other operations are asked for.
        """
        from sdqa.convert.coreai.contents import FUNCTION, graphs_of, kind_of

        if not set(kinds) <= ELEMENTWISE:
            raise FaultError(
                f"this fault changes {', '.join(kinds)}",
                where=self.folder.name,
                hint="plant it in a lane of .mlpackages; of an .aimodel only activations and weights can be changed",
            )
        block = graphs_of(self._program)[FUNCTION].regions[0].blocks[0]
        counted: Counter[str] = Counter()
        found = []
        for each in block.operations:
            kind = kind_of(each.operation)
            counted[kind] += 1
            if kind in kinds:
                found.append(AssetOperation(each.operation, f"{kind}_{counted[kind]}"))
        return found

    def name_of(self, operation: AssetOperation) -> str:
        """As a diagnosis of the sound asset gives it."""
        return operation.name

    def read(self, name: str) -> NDArray[Any]:
        """A weight's values, unpacked where it is compressed."""
        from sdqa.convert.coreai.constants import dense

        found = dense(self._constants[name])
        if found is None:
            raise FaultError(f"{name} is stored in a way that is not known", where=self.folder.name)
        return found.values

    def write(self, name: str, values: NDArray[Any]) -> None:
        """Store other values of the same shape and type; a compressed weight becomes a plain one.

        Raises:
            FaultError: the shapes differ.
        """
        from sdqa.convert.coreai.constants import replace_constant

        old = self._constants[name]
        known = self.read(name)
        if known.shape != values.shape:
            raise FaultError(f"{name} is {known.shape}, not {values.shape}", where=self.folder.name)
        with np.errstate(over="ignore"):
            stored = values.astype(known.dtype)
        self._constants[name] = replace_constant(old, stored)

    def _is_kernel(self, operation: Any) -> bool:
        from sdqa.convert.coreai.contents import kind_of

        users = [kind_of(use.owner.operation).rpartition(".")[2] for use in operation.result.uses]
        return len(operation.result.type.shape) > 1 and any(user.startswith(KERNEL_USERS) for user in users)
