"""Harmless differences of conversion and execution: other precision, target, threads, order of sums."""

from __future__ import annotations

from typing import Any

import numpy as np

from sdqa.bundle import Measurement, is_timing
from sdqa.faults.control_registry import negative_control, wrapping
from sdqa.faults.injection import Effect
from sdqa.runtime import Arrays, Runner

Random = np.random.Generator
Outputs = dict[str, np.ndarray[Any, np.dtype[Any]]]


class _Threads:
    """A runner whose torch runs with another number of threads."""

    def __init__(self, runner: Runner, count: int) -> None:
        self.runner, self.count = runner, count

    @property
    def component(self) -> str:
        """The component that is executed."""
        return self.runner.component

    def run(self, inputs: Arrays) -> Outputs:
        """One forward pass; see `Runner.run`."""
        import torch

        before = torch.get_num_threads()
        torch.set_num_threads(self.count)
        try:
            return self.runner.run(inputs)
        finally:
            torch.set_num_threads(before)


class _Disturbed:
    """A runner whose outputs are off by about a relative amount, as another order of sums leaves them."""

    def __init__(self, runner: Runner, level: float, random: Random) -> None:
        self.runner, self.level, self.random = runner, level, random

    @property
    def component(self) -> str:
        """The component that is executed."""
        return self.runner.component

    def run(self, inputs: Arrays) -> Outputs:
        """One forward pass; see `Runner.run`."""
        outputs = self.runner.run(inputs)
        return {
            name: (value * (1 + self.level * self.random.standard_normal(value.shape))).astype(value.dtype)
            for name, value in outputs.items()
        }


class _Copied:
    """A runner that is given Fortran-ordered, double-precision copies of its inputs."""

    def __init__(self, runner: Runner) -> None:
        self.runner = runner

    @property
    def component(self) -> str:
        """The component that is executed."""
        return self.runner.component

    def run(self, inputs: Arrays) -> Outputs:
        """One forward pass; see `Runner.run`."""
        return self.runner.run({name: np.asfortranarray(value) for name, value in inputs.items()})


def _reloaded(runner: Runner, **options: Any) -> Runner:
    """The same package, executed by the reference runtime with other options; other runtimes stay as they are."""
    from sdqa.runtime.reference import ReferenceRunner

    if not isinstance(runner, ReferenceRunner):
        return runner
    return ReferenceRunner(runner.component, *runner.packages, **options)


@negative_control("clean")
def clean(_: Random) -> Effect:
    """Nothing at all: the candidate as it is, from other noise."""
    return Effect()


@negative_control("unfused")
def unfused(_: Random) -> Effect:
    """The reference runtime executes literally instead of fusing what it recognises."""
    return wrapping(lambda runner: _reloaded(runner, fuse=False))


@negative_control("executed-in-fp32")
def executed_in_fp32(_: Random) -> Effect:
    """A component's half-precision program is executed in single precision."""
    return wrapping(lambda runner: _reloaded(runner, precision="float32"))


@negative_control("two-threads")
def two_threads(_: Random) -> Effect:
    """A component runs with two threads."""
    return wrapping(lambda runner: _Threads(runner, 2))


@negative_control("other-sums")
def other_sums(random: Random) -> Effect:
    """A component's outputs are off by a relative 1e-5, as another BLAS leaves them."""
    return wrapping(lambda runner: _Disturbed(runner, 1e-5, random))


@negative_control("other-memory-layout")
def other_memory_layout(_: Random) -> Effect:
    """A component is given its inputs in another memory layout."""
    return wrapping(_Copied)


@negative_control("prompt-spacing")
def prompt_spacing(_: Random) -> Effect:
    """The prompt has spaces around it and capitals; the tokenizer does not care."""
    from dataclasses import replace

    return Effect(request=lambda request: replace(request, prompt=f" {request.prompt.capitalize()}  "))


@negative_control("a-little-slower")
def a_little_slower(random: Random) -> Effect:
    """Everything takes up to a fifth longer: a busy machine."""
    factor = 1 + 0.2 * float(random.random())

    def figures(measurement: Measurement) -> Measurement:
        if measurement.value is None or not is_timing(measurement.metric):
            return measurement
        return measurement.model_copy(update={"value": measurement.value * factor})

    return Effect(figures=figures)


@negative_control("converted-in-fp32", variant={"precision": "float32"})
def converted_in_fp32(_: Random) -> Effect:
    """The components are converted in single precision."""
    return Effect()


@negative_control("converted-for-ios18", variant={"target": "iOS18"})
def converted_for_ios18(_: Random) -> Effect:
    """The components are converted for a newer target, with attention as one operation."""
    return Effect()


@negative_control("converted-for-ios16", variant={"target": "iOS16"})
def converted_for_ios16(_: Random) -> Effect:
    """The components are converted for an older target."""
    return Effect()


@negative_control("split-einsum", variant={"attention": "split_einsum"})
def split_einsum(_: Random) -> Effect:
    """The U-Net's attention is written as for the Neural Engine."""
    return Effect()


@negative_control("palettized-8bit", variant={"name": "palettize-8bit", "compression": "palettize-8bit"})
def palettized_8bit(_: Random) -> Effect:
    """The components are palettized to 8 bits, as a variant of that name."""
    return Effect()


@negative_control("linear-8bit", variant={"name": "linear-int8", "compression": "linear-int8"})
def linear_8bit(_: Random) -> Effect:
    """The components are quantised to 8 bits with a scale per channel, as a variant of that name."""
    return Effect()
