"""Mistakes of a sampler that an application wrote itself: told late, a step left out, noise that nobody asked for."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from sdqa.faults.injection import Effect
from tests.faults.held_out.application import MISTAKE, Step, sampler
from tests.faults.held_out.registry import mutation


def _overrides(**changes: Any) -> Effect:
    from sdqa.generate.pipeline import Glue

    return Effect(glue=Glue(scheduler_overrides=changes))


@sampler("told-late")
def _told_late(scheduler: Any, sound: Step) -> Step:
    def step(model_output: Any, timestep: Any, sample: Any, **rest: Any) -> Any:
        run = [float(one) for one in scheduler.timesteps]
        index = min(run.index(float(timestep)) + 1, len(run) - 1)
        return sound(model_output, scheduler.timesteps[index], sample, **rest)

    return step


@mutation("held-step-told-late", component="scheduler", stage="glue")
def step_told_late() -> Effect:
    """The scheduler is told the next step's timestep: its index is counted up before the step and not behind it."""
    return _overrides(**{MISTAKE: "told-late"})


@sampler("left-out")
def _left_out(_: Any, sound: Step) -> Step:
    calls: list[int] = []

    def step(model_output: Any, timestep: Any, sample: Any, **rest: Any) -> Any:
        calls.append(1)
        result = sound(model_output, timestep, sample, **rest)
        return (sample, *result[1:]) if len(calls) == 5 and isinstance(result, tuple) else result

    return step


@mutation("held-update-left-out", component="scheduler", stage="glue", subtle=True)
def update_left_out() -> Effect:
    """The fifth step's new latents are thrown away: the next step begins from the old ones."""
    return _overrides(**{MISTAKE: "left-out"})


@sampler("noisy")
def _noisy(_: Any, sound: Step) -> Step:
    import torch

    takes = inspect.signature(sound).parameters
    calls: list[int] = []

    def step(model_output: Any, timestep: Any, sample: Any, **rest: Any) -> Any:
        calls.append(1)
        if "variance_noise" in takes and "eta" in takes:
            random = np.random.Generator(np.random.Philox(len(calls)))
            drawn = random.standard_normal(tuple(sample.shape)).astype(np.float32)
            rest |= {"eta": 1.0, "variance_noise": torch.from_numpy(drawn)}
        return sound(model_output, timestep, sample, **rest)

    return step


@mutation("held-eta-one", component="scheduler", stage="glue")
def eta_one() -> Effect:
    """DDIM runs with eta 1: fresh noise comes in at every step."""
    return _overrides(**{MISTAKE: "noisy"})


@mutation("held-clean-sample-clamped", component="scheduler", stage="glue")
def clean_sample_clamped() -> Effect:
    """The estimate of the clean latents is clamped to [-1, 1] at every step, as models of pixels do."""
    return _overrides(clip_sample=True, clip_sample_range=1.0)
