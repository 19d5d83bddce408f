"""Execution of planned steps, and the semantics of precision.

"declared": compute in fp32, round once to each operation's declared fp16, do not round what is only moved. "float32":
as if fp16 were declared nowhere. "native": torch's own fp16.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from sdqa.errors import ExecutionError, SdqaError
from sdqa.mil.capacity import refuse_beyond
from sdqa.mil.constants import Constant
from sdqa.mil.graph import Argument
from sdqa.mil.overwriting import owns_memory
from sdqa.mil.plan import BlockPlan, Result, Step
from sdqa.mil.registry import FAILURES, Context
from sdqa.mil.weights import Weights

Observer = Callable[[Step, str, Any], None]
"""Called with each step, the name of its result, and the result."""

MAX_NESTED_RUNS = 200_000
"""How often the nested blocks of one prediction may run; a real program's run some thousand times."""

PRECISIONS = ("declared", "float32", "native")


class Executor:
    """Runs the steps of one function.

    Args:
        where: package and function, for messages.
        seed: what operations that draw random numbers without a seed of their own start from.
    """

    def __init__(self, weights: Weights, where: str, seed: int = 0) -> None:
        self.weights, self.where = weights, where
        self.nested_runs = 0
        self.generator = torch.Generator().manual_seed(seed)

    def run(self, plan: BlockPlan, values: dict[str, Any], observe: Observer | None = None) -> tuple[Any, ...]:
        """Execute a block's steps.

        Args:
            values: its inputs by name (and, for a nested block, what is visible around it); changed on the way.
            observe: called with every result, before anything can change or drop it.

        Returns:
            The block's outputs.

        Raises:
            ExecutionError: naming the operation, if one fails or gives what is not declared.
        """
        for step in plan.steps:
            results = self._results(step, self._arguments(step, values), values, observe)
            for result, given in zip(step.results, results, strict=True):
                values[result.value.name] = given
                if observe is not None:
                    observe(step, result.value.name, given)
            for name in step.release:
                values.pop(name, None)
        return tuple(self.value_of(output, values) for output in plan.block.outputs)

    def value_of(self, argument: Argument, values: Mapping[str, Any]) -> Any:
        """A computed value or a constant."""
        return self.weights.operand(argument) if isinstance(argument, Constant) else values[argument]

    def _arguments(self, step: Step, values: dict[str, Any]) -> dict[str, Any]:
        arguments = {key: values[name] for key, name in step.computed}
        try:
            for key, constant in step.constants:
                arguments[key] = self.weights.operand(constant)
            for key, items in step.tuples:
                arguments[key] = [self.value_of(item, values) for item in items]
        except SdqaError:
            raise
        except FAILURES as error:
            raise self._failure(step, f"a constant cannot be made: {_text(error)}") from error
        return arguments

    def _results(
        self, step: Step, arguments: dict[str, Any], values: dict[str, Any], observe: Observer | None
    ) -> list[Any]:
        operation = step.operation
        in_place = observe is None and _may_overwrite(step, arguments, values)
        if step.overwriting is not None and in_place:
            operation = step.overwriting.operation
        try:
            if step.estimate is not None:
                refuse_beyond(step.estimate(arguments))
            if operation.wants_context:
                given = operation.run(**arguments, context=self._context(step, values, observe))
            else:
                given = operation.run(**arguments)
        except SdqaError:
            raise
        except FAILURES as error:
            raise self._failure(step, f"it cannot be computed: {_text(error)}", arguments) from error
        results = given if isinstance(given, tuple) else (given,)
        if len(results) != len(step.results):
            raise self._failure(step, f"it gave {len(results)} results, declared are {len(step.results)}", arguments)
        return [
            self._settle(step, result, item, arguments, moved=in_place) if result.carrier is not None else item
            for result, item in zip(step.results, results, strict=True)
        ]

    def _settle(
        self, step: Step, result: Result, given: Any, arguments: dict[str, Any], *, moved: bool
    ) -> torch.Tensor:
        """A result in its declared type: checked against the declared shape, rounded, cast to its carrier."""
        if not isinstance(given, torch.Tensor):
            raise self._failure(step, f"it gave a {type(given).__name__}, declared is {result.value.type}", arguments)
        if not result.value.type.fits(tuple(given.shape)):
            raise self._failure(
                step, f"it gave the shape {list(given.shape)}, declared is {result.value.type}", arguments
            )
        if result.rounded and not moved:
            return round_to_half(given, arguments)
        return given if given.dtype == result.carrier else given.to(result.carrier)

    def _context(self, step: Step, values: dict[str, Any], observe: Observer | None) -> Context:
        return Context(
            generator=self.generator,
            precision=self.weights.precision,
            blocks=tuple(functools.partial(self._nested, plan, values, observe) for plan in step.blocks),
        )

    def _nested(
        self, plan: BlockPlan, outer: dict[str, Any], observe: Observer | None, given: Sequence[Any]
    ) -> tuple[Any, ...]:
        if len(given) != len(plan.block.inputs):
            raise ValueError(f"a nested block takes {len(plan.block.inputs)} values, {len(given)} are given")
        self.nested_runs += 1
        if self.nested_runs > MAX_NESTED_RUNS:
            raise RuntimeError(f"branches and loops did not end within {MAX_NESTED_RUNS} runs of their blocks")
        values = dict(outer)
        values.update((value.name, item) for value, item in zip(plan.block.inputs, given, strict=True))
        return self.run(plan, values, observe)

    def _failure(self, step: Step, what: str, arguments: Mapping[str, Any] | None = None) -> ExecutionError:
        given = ", ".join(f"{key}: {_describe(value)}" for key, value in sorted((arguments or {}).items()))
        return ExecutionError(
            what,
            where=f"{self.where}: {step.node.type} {step.node.name!r}",
            hint=f"it was given {given}" if given else "",
        )


def _may_overwrite(step: Step, arguments: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
    """Whether a step may change the memory of a state instead of a copy of it."""
    if step.overwriting is None:
        return False
    name = next(name for key, name in step.computed if key == step.overwriting.argument)
    needed = {key: value for key, value in values.items() if key not in step.release}
    return owns_memory(step.overwriting, name, needed, arguments)


def round_to_half(value: torch.Tensor, arguments: Mapping[str, Any]) -> torch.Tensor:
    """Round to fp16 and back to float32; in place where the value's memory belongs to nobody else."""
    if value.dtype != torch.float32:
        return value.to(torch.float16).float()
    storage = value.untyped_storage().data_ptr()
    for argument in arguments.values():
        for item in argument if isinstance(argument, list) else (argument,):
            if isinstance(item, torch.Tensor) and item.untyped_storage().data_ptr() == storage:
                return value.half().float()
    return value.copy_(value.half())


def _text(error: BaseException) -> str:
    first = str(error).strip().split("\n", 1)[0]
    return f"{type(error).__name__}: {first}"[:500]


def _describe(value: Any) -> str:
    if isinstance(value, torch.Tensor):
        return f"{str(value.dtype).removeprefix('torch.')}{list(value.shape)}"
    if isinstance(value, list):
        return f"[{', '.join(_describe(item) for item in value[:4])}{', …' if len(value) > 4 else ''}]"
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{text[:57]}…"
