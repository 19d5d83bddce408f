"""A loaded program: predict with it, look inside it, run one of its operations alone."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias, overload

import numpy as np
import torch

from sdqa.errors import InputError, UsageError
from sdqa.mil.arguments import as_tensor
from sdqa.mil.containers import StateCell
from sdqa.mil.execute import Executor, Observer
from sdqa.mil.features import describe_inputs, describe_outputs
from sdqa.mil.fusion import fuse_block
from sdqa.mil.graph import Argument, Block, Function, Node
from sdqa.mil.interface import Border, to_array
from sdqa.mil.package import Package
from sdqa.mil.plan import BlockPlan, Step, plan_block
from sdqa.mil.profile import Profile, profile_function
from sdqa.mil.records import OperationRecord, operation_records
from sdqa.mil.state import State, carrier
from sdqa.mil.types import ValueType
from sdqa.mil.weights import Weights

Array: TypeAlias = "np.ndarray[Any, Any]"
Callback: TypeAlias = Callable[[OperationRecord, str, torch.Tensor], None]
Capture: TypeAlias = "Sequence[str] | str | Callback"


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
        modules: Mapping[str, str],
    ) -> None:
        self.package, self.functions, self.function = package, functions, function
        self.precision, self.fuse = precision, fuse
        self.where = f"{package.name}: function {function.name!r}"
        self.weights = Weights(precision, memory_limit)
        self.inputs = describe_inputs(package, function)
        """Inputs and states, in the program's order."""
        self.outputs = describe_outputs(package, function)
        self._modules = modules
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
        cells = (state or self.make_state()).cells()
        values.update(cells)
        seen: dict[str, Any] = {}
        observe, keep = self._observer(capture, seen)
        executor = Executor(self.weights, self.where, seed)
        with torch.no_grad():
            results = executor.run(self._plan(keep), values, observe)
            if observe is not None:  # who watched may keep what was seen, which later runs would change in place
                for cell in cells.values():
                    cell.value = cell.value.clone()
        outputs = self._border.leave(results)
        return outputs if capture is None else (outputs, seen)

    @functools.cached_property
    def operations(self) -> tuple[OperationRecord, ...]:
        """All operations as written, nested ones included, in the order of execution."""
        return operation_records(self.function.body, self._modules)

    def run_operation(self, name: str, inputs: Mapping[str, Any], seed: int = 0) -> dict[str, Array]:
        """Run one operation alone.

        Args:
            name: of the operation, or of one of its results.
            inputs: the computed values it takes, by their names or by the names of the operation's arguments; others
                are ignored, so that everything a run captured may be given. They are taken as they are: not rounded.

        Returns:
            Its results by name.

        Raises:
            UsageError: if there is no such operation.
            InputError: if one of its inputs is missing or of the wrong shape.
            ExecutionError: if it fails.
        """
        node = self._node(name)
        values: dict[str, Any] = {}
        for argument, items in node.inputs.items():
            computed = [item for item in items if isinstance(item, str)]
            given = inputs.get(argument)
            for index, value_name in enumerate(computed):
                by_argument = given[index] if isinstance(given, list | tuple) and len(computed) > 1 else given
                value = inputs.get(value_name, by_argument)
                if value is None:
                    raise InputError(
                        f"the input {value_name!r} is missing", where=f"{self.where}: {node.type} {node.name!r}"
                    )
                values[value_name] = self._operand(value_name, value, node)
        for value_name in node.names_used():
            if value_name not in values:
                if value_name not in inputs:
                    raise InputError(
                        f"the input {value_name!r} is missing", where=f"{self.where}: {node.type} {node.name!r}"
                    )
                values[value_name] = self._operand(value_name, inputs[value_name], node)
        names: list[Argument] = [value.name for value in node.outputs]
        plan = plan_block(Block([], [node], names, {}), self.precision)
        with torch.no_grad():
            results = Executor(self.weights, self.where, seed).run(plan, values)
        return {
            value.name: to_array(result) if isinstance(result, torch.Tensor) else result
            for value, result in zip(node.outputs, results, strict=True)
        }

    def weight(self, name: str) -> Array:
        """A constant's values by its name, unpacked, in the declared dtype.

        Raises:
            UsageError: if there is no such constant.
        """
        constant = self.function.body.constants.get(name)
        if constant is None:
            raise UsageError(f"there is no constant {name!r}", where=self.where, hint="see Program.weight_names")
        return np.array(constant.read())

    @property
    def weight_names(self) -> tuple[str, ...]:
        """The names of all constants of the function's body."""
        return tuple(self.function.body.constants)

    def profile(self, inputs: Mapping[str, Any] | None = None) -> Profile:
        """Count arithmetic, memory traffic, live memory and weights; see `sdqa.mil.profile`.

        Args:
            inputs: where shapes are open, the program is run on these to see them.
        """
        shapes: dict[str, tuple[int, ...]] = {}
        if inputs is not None:
            shapes.update((name, tuple(np.shape(value))) for name, value in inputs.items())

            def note(_node: Any, name: str, value: Any) -> None:
                if isinstance(value, torch.Tensor):
                    shapes[name] = tuple(value.shape)

            self.predict(inputs, capture=note)
        return profile_function(self.function, shapes)

    def make_state(self) -> State:
        """Fresh states, all zeros."""
        return State([feature for feature in self.inputs if feature.kind == "state"], self.precision)

    @functools.cached_property
    def _nodes(self) -> dict[str, Node]:
        nodes: dict[str, Node] = {}
        for node in self.function.body.walk():
            for name in (node.name, *(value.name for value in node.outputs)):
                nodes.setdefault(name, node)
        return nodes

    @functools.cached_property
    def _types(self) -> dict[str, ValueType]:
        types = {value.name: value.type for value in self.function.inputs}
        for node in self.function.body.walk():
            types.update((value.name, value.type) for value in node.outputs)
            for block in node.blocks:
                types.update((value.name, value.type) for value in block.inputs)
        return types

    def _node(self, name: str) -> Node:
        node = self._nodes.get(name)
        if node is None:
            raise UsageError(f"there is no operation {name!r}", where=self.where, hint="see Program.operations")
        return node

    def _operand(self, name: str, value: Any, node: Node) -> Any:
        """A value given to a single operation, in its carrier."""
        declared = self._types[name]
        if declared.kind not in ("tensor", "state"):
            return value
        try:
            tensor = as_tensor(value)
        except (TypeError, ValueError) as error:
            raise InputError(f"the input {name!r} is no array of numbers: {error}", where=self.where) from error
        if tensor.shape == (1,) and declared.shape == ():
            tensor = tensor.reshape(())
        if not declared.fits(tuple(tensor.shape)):
            raise InputError(
                f"the input {name!r} has the shape {list(tensor.shape)}",
                where=f"{self.where}: {node.type} {node.name!r}",
                hint=f"declared is {declared}",
            )
        tensor = tensor.to(carrier(declared, self.precision))
        return StateCell(tensor) if declared.kind == "state" else tensor

    def _plan(self, keep: frozenset[str]) -> BlockPlan:
        plan = self._plans.get(keep)
        if plan is None:
            plan = self._plans[keep] = self._new_plan(keep)
        return plan

    def _new_plan(self, keep: frozenset[str]) -> BlockPlan:
        """Fused and packed, unless execution is to be literal or in torch's own fp16."""
        body = self.function.body
        if not self.fuse or self.precision == "native":
            return plan_block(body, self.precision, keep)
        fused = fuse_block(body, half=self.precision == "declared", keep=keep)
        return plan_block(fused, self.precision, keep, self.weights)

    def _observer(self, capture: Capture | None, seen: dict[str, Any]) -> tuple[Observer | None, frozenset[str]]:
        """What watches the run, and the values that must not be fused away for it."""
        if capture is None:
            return None, frozenset()
        everything = frozenset(value.name for node in self.function.body.walk() for value in node.outputs)
        if callable(capture):
            call, records = capture, dict(zip(self.function.body.walk(), self.operations, strict=True))
            return (lambda step, name, value: call(records[step.node], name, value)), everything
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
