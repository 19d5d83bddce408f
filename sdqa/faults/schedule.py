"""Mistakes of the scheduler: timesteps, betas, prediction type, number of steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sdqa.faults.injection import Effect
from sdqa.faults.registry import fault

if TYPE_CHECKING:
    from sdqa.generate.pipeline import Request


def _glue(**changes: Any) -> Effect:
    from sdqa.generate.pipeline import Glue

    return Effect(glue=Glue(**changes))


@fault(
    "timestep-offset",
    component="scheduler",
    stage="glue",
    rows=(21, 23),
    severities={"mild": 4.0, "marked": 40.0, "severe": 200.0},
)
def timestep_offset(offset: float) -> Effect:
    """The U-Net is told a later timestep than the latents are at."""
    return _glue(timestep_offset=offset)


@fault(
    "timesteps-dropped",
    component="scheduler",
    stage="glue",
    rows=(23,),
    severities={"mild": 1, "marked": 2, "severe": 4},
)
def timesteps_dropped(count: int) -> Effect:
    """Image-to-image forgets the first timesteps that its strength asks for."""
    return _glue(drop_timesteps=count)


@fault(
    "prediction-type",
    component="scheduler",
    stage="glue",
    rows=(4, 23),
    severities={"severe": "v_prediction"},
)
def prediction_type(kind: str) -> Effect:
    """The scheduler takes the U-Net's output for something that it does not predict."""
    return _glue(scheduler_overrides={"prediction_type": kind})


@fault(
    "beta-schedule",
    component="scheduler",
    stage="glue",
    rows=(23,),
    severities={
        "mild": {"beta_end": 0.0115},
        "marked": {"beta_schedule": "linear"},
        "severe": {"beta_schedule": "squaredcos_cap_v2"},
    },
)
def beta_schedule(overrides: Mapping[str, Any]) -> Effect:
    """The noise schedule is not the one that the model was trained with."""
    return _glue(scheduler_overrides=dict(overrides))


@fault(
    "timestep-spacing",
    component="scheduler",
    stage="glue",
    rows=(23,),
    severities={
        "mild": {"timestep_spacing": "linspace"},
        "marked": {"timestep_spacing": "trailing"},
        "severe": {"num_train_timesteps": 500},
    },
)
def timestep_spacing(overrides: Mapping[str, Any]) -> Effect:
    """Timesteps are spaced in another way than the model's configuration says."""
    return _glue(scheduler_overrides=dict(overrides))


@fault(
    "too-few-steps",
    component="scheduler",
    stage="glue",
    rows=(27,),
    severities={"mild": 0.8, "marked": 0.5, "severe": 0.25},
)
def too_few_steps(share: float) -> Effect:
    """Fewer denoising steps run than asked for."""

    def change(request: Request) -> Request:
        return replace(request, steps=max(round(request.steps * share), 3))

    return Effect(request=change)


@fault(
    "other-scheduler",
    component="scheduler",
    stage="glue",
    rows=(24,),
    severities={"mild": ("ddim", "pndm"), "marked": ("dpmsolver++", "ddim"), "severe": ("euler", "ddim")},
)
def other_scheduler(names: tuple[str, str]) -> Effect:
    """Another scheduler than asked for samples: the first of two names that differs from the case's."""

    def change(request: Request) -> Request:
        return replace(request, scheduler=next(name for name in names if name != request.scheduler))

    return Effect(request=change)
