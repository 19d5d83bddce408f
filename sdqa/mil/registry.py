"""The operations the runtime knows: a dictionary and a decorator.

An operation is a plain function. It is called with keyword arguments named as in MIL (`x`, `weight`, `strides`);
missing optional arguments are not passed, so the function's defaults are MIL's defaults. It returns one tensor, or a
tuple of tensors.

Argument values:

- anything computed by the program, and large constants: `torch.Tensor`;
- small constants: whatever `sdqa.mil.arguments` coerces (a tensor, a numpy array or scalar, a python scalar, `str`);
- MIL's tuple arguments (`values`, `loop_vars`): a python list of the above.

Tensors declared fp16 arrive as float32 (precision "declared" and "float32") or as float16 ("native"). The executor
rounds and casts results to the declared dtype afterwards, except those of operations that only move data.
"""

from __future__ import annotations

import ast
import functools
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, cast

if TYPE_CHECKING:
    import numpy as np
    import torch

Implementation: TypeAlias = "Callable[..., torch.Tensor | tuple[Any, ...]]"
Unpacker: TypeAlias = "Callable[..., np.ndarray[Any, Any] | tuple[np.ndarray[Any, Any], ...]]"

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Operation:
    """One implementation of a MIL operation."""

    name: str
    run: Implementation
    movement: bool = False
    """Whether it only moves or selects values, so that its result needs no rounding."""
    wants_context: bool = False
    """Whether it takes a keyword `context`: a `Context`."""


@dataclass(frozen=True)
class Context:
    """What an operation may ask about the call it is part of."""

    generator: torch.Generator
    """Seeded per prediction, for operations that draw random numbers without a seed of their own."""
    precision: str
    """"declared", "float32" or "native"."""
    blocks: tuple[Callable[[Sequence[Any]], tuple[Any, ...]], ...] = ()
    """The operation's nested blocks: each takes its inputs' values and gives its outputs'."""


FAILURES = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    IndexError,
    LookupError,
    MemoryError,
    NotImplementedError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What an operation raises when it cannot compute its arguments; all become ExecutionError."""

OPERATIONS: dict[str, Operation] = {}
UNPACKERS: dict[str, Unpacker] = {}


def op(*names: str, movement: bool = False, wants_context: bool = False) -> Callable[[F], F]:
    """Register a function as the implementation of one or more MIL operations.

    Raises:
        ValueError: if a name is already taken.
    """

    def register(function: F) -> F:
        for name in names:
            if name in OPERATIONS:
                raise ValueError(f"operation {name!r} is registered twice: {OPERATIONS[name].run!r} and {function!r}")
            OPERATIONS[name] = Operation(name, _given_tensors(function), movement, wants_context)
        return function

    return register


def _given_tensors(function: F) -> F:
    """The function, with arguments that it declares as `torch.Tensor` made tensors: a small constant may be none."""
    import numpy as np

    from sdqa.mil.arguments import as_tensor  # brings torch, which is there already where operations are registered

    names = [name for name, it in inspect.signature(function).parameters.items() if it.annotation == "torch.Tensor"]
    if not names:
        return function

    @functools.wraps(function)
    def run(**arguments: Any) -> Any:
        for name in names:
            if isinstance(arguments.get(name), np.ndarray | np.generic):
                arguments[name] = as_tensor(arguments[name])
        return function(**arguments)

    return cast(F, run)


def constexpr(*names: str) -> Callable[[F], F]:
    """Register a function that unpacks compressed weights: numpy arrays, by MIL's argument names, to one or several.

    Raises:
        ValueError: if a name is already taken.
    """

    def register(function: F) -> F:
        for name in names:
            if name in UNPACKERS:
                raise ValueError(f"unpacker {name!r} is registered twice: {UNPACKERS[name]!r} and {function!r}")
            UNPACKERS[name] = function
        return function

    return register


def operation(name: str) -> Operation | None:
    """The implementation of a MIL operation, or None when there is none."""
    _import_operations()
    return OPERATIONS.get(name)


def unpacker(name: str) -> Unpacker | None:
    """The implementation of a `constexpr_*` operation, or None when there is none."""
    _import_operations()
    return UNPACKERS.get(name)


def is_known(name: str) -> bool:
    """Whether there is an implementation of an operation, or of a `constexpr_*` operation; loads torch."""
    return operation(name) is not None or unpacker(name) is not None


def is_named(name: str) -> bool:
    """The same as far as it can be told without torch: whether a module of operations mentions the name."""
    return name in OPERATIONS or name in UNPACKERS or name in _names_in_modules()


@functools.cache
def _names_in_modules() -> frozenset[str]:
    """Every text that stands in a module of operations by itself: the names that they register are among them."""
    folder = Path(__file__).with_name("ops")
    trees = (ast.parse(path.read_bytes()) for path in sorted(folder.glob("*.py")))
    found = (node.value for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return frozenset(value for value in found if isinstance(value, str) and value.isidentifier())


def _import_operations() -> None:
    """Import the modules whose decorators fill the registry (torch comes with them, so not before it is needed)."""
    import sdqa.mil.ops  # noqa: F401
