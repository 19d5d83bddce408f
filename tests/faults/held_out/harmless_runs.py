"""The same execution, asked for otherwise: rows one by one, everything twice, a schedule that is said again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from sdqa.faults.injection import Effect
from sdqa.faults.runners import Outputs
from sdqa.runtime import Arrays, Runner
from tests.faults.held_out.registry import harmless

if TYPE_CHECKING:
    from sdqa.generate.pipeline import Request

Random = np.random.Generator
Call = Callable[[Runner, Arrays], Outputs]
ULP = 2.0**-11
"""Between neighbouring numbers of half precision, relative, at most twice that."""


class Asked:
    """A runner that is called in another way."""

    def __init__(self, runner: Runner, call: Call) -> None:
        self.runner, self.call = runner, call

    @property
    def component(self) -> str:
        """The component that is executed."""
        return self.runner.component

    def run(self, inputs: Arrays) -> Outputs:
        """One forward pass; see `Runner.run`."""
        return self.call(self.runner, inputs)


def _asked(call: Call) -> Effect:
    return Effect(wrap=lambda runner: Asked(runner, call))


@harmless("held-called-twice", component="vae_decoder")
def called_twice(_: Random) -> Effect:
    """Every call is made twice and the second answer is taken."""

    def call(runner: Runner, inputs: Arrays) -> Outputs:
        runner.run(inputs)
        return runner.run(inputs)

    return _asked(call)


@harmless("held-warm-up", component="text_encoder")
def warm_up(_: Random) -> Effect:
    """Before every call there is one with zeros."""

    def call(runner: Runner, inputs: Arrays) -> Outputs:
        runner.run({name: np.zeros_like(value) for name, value in inputs.items()})
        return runner.run(inputs)

    return _asked(call)


@harmless("held-rows-one-by-one", component="unet")
def rows_one_by_one(_: Random) -> Effect:
    """The two rows of guidance's batch are computed one after the other, each beside itself."""

    def call(runner: Runner, inputs: Arrays) -> Outputs:
        answers = [runner.run({name: value[[row, row]] for name, value in inputs.items()}) for row in range(2)]
        return {name: np.concatenate([answer[name][:1] for answer in answers]) for name in answers[0]}

    return _asked(call)


@harmless("held-half-a-unit", component="vae_decoder")
def half_a_unit(random: Random) -> Effect:
    """The decoded picture is off by up to half a unit in the last place of half precision."""

    def call(runner: Runner, inputs: Arrays) -> Outputs:
        return {
            name: (value * (1 + ULP / 2 * random.uniform(-1, 1, value.shape))).astype(value.dtype)
            for name, value in runner.run(inputs).items()
        }

    return _asked(call)


@harmless("held-prompt-tabs", component="text_encoder")
def prompt_tabs(_: Random) -> Effect:
    """The words of the prompt are separated by tabs and line breaks, which the tokenizer reads as spaces."""

    def request(one: Request) -> Request:
        return replace(one, prompt=one.prompt.replace(" ", " \t\n"))

    return Effect(request=request)


@harmless("held-source-by-columns", component="vae_encoder")
def source_by_columns(_: Random) -> Effect:
    """The source picture's values lie column by column in memory."""

    def request(one: Request) -> Request:
        return one if one.source is None else replace(one, source=np.asfortranarray(one.source))

    return Effect(request=request)


@harmless("held-schedule-said-again", component="unet")
def schedule_said_again(_: Random) -> Effect:
    """The application says what the model's schedule says anyway."""
    from sdqa.generate.pipeline import Glue

    said: dict[str, Any] = {"prediction_type": "epsilon", "num_train_timesteps": 1000}
    return Effect(glue=Glue(scheduler_overrides=said))


@harmless("held-in-two-packages", component="unet", variant={"chunked": True})
def in_two_packages(_: Random) -> Effect:
    """The U-Net is split into two packages, as for a phone that loads no larger one."""
    return Effect()
