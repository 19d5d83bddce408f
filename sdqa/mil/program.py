"""A loaded program: predict with it, look inside it, run one of its operations alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias, overload

import numpy as np
import torch

from sdqa.errors import InputError, PackageError, UsageError
from sdqa.mil.control import StateCell
from sdqa.mil.execute import PRECISIONS, Executor, Observer
from sdqa.mil.graph import Function
from sdqa.mil.interface import Border, Feature, describe_inputs, describe_outputs, to_array
from sdqa.mil.package import Package, open_package
from sdqa.mil.parse import Parser
from sdqa.mil.plan import BlockPlan, Step, plan_block
from sdqa.mil.weights import Weights

Array: TypeAlias = "np.ndarray[Any, Any]"
Callback: TypeAlias = Callable[[Any, str, torch.Tensor], None]
Capture: TypeAlias = "Sequence[str] | str | Callback"


class State:
    """The values of a program's states, changed by predictions that are given it."""

    def __init__(self, features: Sequence[Feature], precision: str) -> None:
        self._dtypes = {feature.name: feature.dtype for feature in features}
        self._cells = {
            feature.name: StateCell(torch.zeros(feature.shape, dtype=_state_carrier(feature, precision)))
            for feature in features
        }

    @property
    def names(self) -> tuple[str, ...]:
        """The states' names."""
        return tuple(self._cells)

    def read(self, name: str) -> Array:
        """A state's value as float32 or int32.

        Raises:
            InputError: if there is no such state.
        """
        return to_array(self._cell(name).value)

    def write(self, name: str, value: Array) -> None:
        """Replace a state's value.

        Raises:
            InputError: if there is no such state, or the shape differs.
        """
        cell = self._cell(name)
        if tuple(value.shape) != tuple(cell.value.shape):
            raise InputError(
                f"the state {name!r} has the shape {list(cell.value.shape)}", hint=f"given is {list(value.shape)}"
            )
        given = torch.from_numpy(np.array(value))
        if self._dtypes[name] == "fp16":
            given = given.half()
        cell.value = given.to(cell.value.dtype)

    def cells(self) -> dict[str, StateCell]:
        """The memory behind the states, for the executor."""
        return self._cells

    def _cell(self, name: str) -> StateCell:
        if name not in self._cells:
            raise InputError(f"there is no state {name!r}", hint=f"the states are {sorted(self._cells)}")
        return self._cells[name]


def _state_carrier(feature: Feature, precision: str) -> torch.dtype:
    from sdqa.mil.types import BY_NAME

    if feature.dtype == "fp16" and precision == "native":
        return torch.float16
    carrier = BY_NAME[feature.dtype].carrier
    if carrier is None:
        raise PackageError(f"the state {feature.name!r} holds text")
    return carrier


class Program:
    """One function of a package, ready to run; made by `sdqa.mil.load`."""

    def __init__(
        self,
        package: Package,
        functions: Mapping[str, Function],
        function: Function,
        *,
        precision: str,
        fuse: bool,
        memory_limit: int | None,
    ) -> None:
        self.package, self.functions, self.function = package, functions, function
        self.precision, self.fuse = precision, fuse
        self.where = f"{package.name}: function {function.name!r}"
        self.weights = Weights(precision, memory_limit)
        self.inputs = describe_inputs(package, function)
        """Inputs and states, in the program's order."""
        self.outputs = describe_outputs(package, function)
        self._border = Border(self.inputs, self.outputs, precision, self.where)
        self._plans: dict[frozenset[str], BlockPlan] = {}

    @overload
    def predict(self, inputs: Mapping[str, Any], *, state: State | None = None, seed: int = 0) -> dict[str, Any]: ...

    @overload
    def predict(
        self, inputs: Mapping[str, Any], capture: Capture, state: State | None = None, seed: int = 0
    ) -> tuple[dict[str, Any], dict[str, Any]]: ...

    def predict(
        self, inputs: Mapping[str, Any], capture: Capture | None = None, state: State | None = None, seed: int = 0
    ) -> dict[str, Any] | tuple[dict[str, Any], dict[str, Any]]:
        """Run the program.

        Args:
            inputs: arrays (or PIL images) by name.
            capture: names of operations or values to see, "all", or a function that is called with each operation's
                record, the name of its result, and the tensor.
            state: what `make_state` gave; without it, a program with states starts from zeros.
            seed: for operations that draw random numbers without a seed of their own.

        Returns:
            Outputs by name; with `capture`, also what was captured, by name (empty when a function is called).

        Raises:
            InputError: if inputs are missing, unknown, or of the wrong shape or type.
            ExecutionError: naming the operation that failed.
        """
        values: dict[str, Any] = dict(self._border.enter(inputs))
        values.update((state or self.make_state()).cells())
        seen: dict[str, Any] = {}
        observe, keep = self._observer(capture, seen)
        executor = Executor(self.weights, self.where, seed)
        with torch.no_grad():
            results = executor.run(self._plan(keep), values, observe)
        outputs = self._border.leave(results)
        return outputs if capture is None else (outputs, seen)

    def make_state(self) -> State:
        """Fresh states, all zeros."""
        return State([feature for feature in self.inputs if feature.kind == "state"], self.precision)

    def _plan(self, keep: frozenset[str]) -> BlockPlan:
        plan = self._plans.get(keep)
        if plan is None:
            plan = self._plans[keep] = plan_block(self.function.body, self.precision)
        return plan

    def _observer(self, capture: Capture | None, seen: dict[str, Any]) -> tuple[Observer | None, frozenset[str]]:
        """What watches the run, and the values that must not be fused away for it."""
        if capture is None:
            return None, frozenset()
        everything = frozenset(value.name for node in self.function.body.walk() for value in node.outputs)
        if callable(capture):
            call = capture
            return (lambda step, name, value: call(step.node, name, value)), everything
        wanted = everything if capture == "all" else self._wanted([capture] if isinstance(capture, str) else capture)

        def observe(step: Step, name: str, value: Any) -> None:
            if name in wanted:
                seen[name] = to_array(value) if isinstance(value, torch.Tensor) else value
                if step.node.name != name and len(step.node.outputs) == 1 and capture != "all":
                    seen[step.node.name] = seen[name]

        return observe, wanted

    def _wanted(self, names: Sequence[str]) -> frozenset[str]:
        by_name: dict[str, list[str]] = {}
        for node in self.function.body.walk():
            values = [value.name for value in node.outputs]
            by_name.setdefault(node.name, []).extend(values)
            for name in values:
                by_name.setdefault(name, []).append(name)
        unknown = [name for name in names if name not in by_name]
        if unknown:
            raise UsageError(
                f"there is no operation {', '.join(map(repr, unknown))}",
                where=self.where,
                hint="see Program.operations",
            )
        return frozenset(value for name in names for value in by_name[name])


def load(
    path: str | Path,
    *,
    precision: str = "declared",
    fuse: bool = True,
    function: str | None = None,
    memory_limit: int | None = None,
) -> Program:
    """Load a package: parse and check it, map its weights; nothing is decompressed yet.

    Args:
        precision: "declared": compute in fp32 and round once to each operation's declared type; "float32": ignore fp16;
            "native": torch's own fp16.
        fuse: recognise patterns (attention, normalisations) and run them as one; False executes literally.
        function: of a package with several; default is the one the package names as its default.
        memory_limit: how many bytes of unpacked weights to keep between predictions (2 GiB when not given).

    Raises:
        PackageError: if the package is damaged or inconsistent.
        UnsupportedPackage: if it is a model of another kind, or uses operations that are not known.
        UsageError: if an argument is not one of those above.
    """
    if precision not in PRECISIONS:
        raise UsageError(f"there is no precision {precision!r}", hint=f"one of {', '.join(PRECISIONS)}")
    package = open_package(path)
    functions = Parser(package).functions()
    name = function or package.model.description.defaultFunctionName or ("main" if "main" in functions else "")
    if not name and len(functions) == 1:
        name = next(iter(functions))
    if name not in functions:
        raise UsageError(
            f"there is no function {name!r}" if name else "the package names no default function",
            where=package.name,
            hint=f"its functions are {sorted(functions)}",
        )
    return Program(package, functions, functions[name], precision=precision, fuse=fuse, memory_limit=memory_limit)
