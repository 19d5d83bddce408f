"""Schedulers by their short names, as diffusers makes them, their timesteps, and whether they can be sampled with."""

from __future__ import annotations

import functools
import importlib.metadata
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import JsonValue

from sdqa.errors import ScheduleError
from sdqa.generate.schedulers import SCHEDULERS, changes, remarkable
from sdqa.generate.timetable import first_skipped
from sdqa.store import code_digest

if TYPE_CHECKING:
    from sdqa.models import Teacher
    from sdqa.plan import Case
    from sdqa.store import Store

__all__ = ["SCHEDULERS", "PlannedSchedule", "make_scheduler", "planned_schedule", "rehearse", "timesteps"]

RUN = ("set_timesteps", "scale_model_input", "step", "add_noise")
"""What a pipeline calls of a scheduler."""
HINT = "draw with another scheduler, or repair scheduler/scheduler_config.json"
REHEARSED = (1, 4, 8, 8)
"""Shape of the latents of a rehearsal."""


def make_scheduler(name: str, config: Any, **overrides: Any) -> Any:
    """A fresh diffusers scheduler from the teacher's scheduler configuration: what that states is kept.

    Args:
        name: a key of `SCHEDULERS`.
        config: the teacher's scheduler configuration (betas, prediction type, offsets).
        overrides: entries that replace the teacher's, for ablations and faults.

    Raises:
        ScheduleError: diffusers cannot make it of this configuration; what pipelines call of it raises the same.
    """
    import diffusers

    class_name = SCHEDULERS[name][0]
    try:
        made = getattr(diffusers, class_name).from_config(config, **{**changes(name, config), **overrides})
    except Exception as error:  # whatever a library raises of a configuration is the configuration's fault
        what = f"no {class_name} can be made of the scheduler's configuration: {error}"
        raise ScheduleError(what, hint=HINT) from error
    for method in RUN:
        setattr(made, method, _told(class_name, method, getattr(made, method)))
    return made


def _told(class_name: str, method: str, call: Callable[..., Any]) -> Callable[..., Any]:
    """A scheduler's method, whose errors are the configuration's fault; pipelines look at its signature."""

    @functools.wraps(call)
    def told(*arguments: Any, **options: Any) -> Any:
        try:
            return call(*arguments, **options)
        except (MemoryError, ScheduleError):
            raise
        except Exception as error:
            said = " ".join(str(error).split())
            raise ScheduleError(
                f"{class_name} cannot be sampled with: {method}: {type(error).__name__}: {said}", hint=HINT
            ) from error

    return told


def timesteps(name: str, config: Any, steps: int, strength: float | None = None) -> tuple[float, ...]:
    """The timesteps that a case will run, in order, by the installed diffusers.

    Args:
        strength: of image-to-image, which skips the beginning; None for text-to-image.

    Raises:
        ScheduleError: the scheduler has no such schedule.
    """
    scheduler = make_scheduler(name, config)
    scheduler.set_timesteps(steps)
    return tuple(float(t) for t in scheduler.timesteps[first_skipped(steps, strength) * scheduler.order :])


def rehearse(name: str, config: Any, steps: int, strength: float | None = None) -> tuple[float, ...]:
    """Sample a few numbers with a schedule, as a pipeline does, each prediction of the size of noise.

    Returns:
        `timesteps`.

    Raises:
        ScheduleError: a step fails, or gives what is not finite.
    """
    import torch

    scheduler = make_scheduler(name, config)
    scheduler.set_timesteps(steps)
    first = first_skipped(steps, strength) * scheduler.order
    run = scheduler.timesteps[first:]
    drawn = torch.randn(2, *REHEARSED, generator=torch.Generator().manual_seed(0))
    sample = drawn[0] * scheduler.init_noise_sigma
    if strength is not None:
        if hasattr(scheduler, "set_begin_index"):
            scheduler.set_begin_index(first)
        sample = scheduler.add_noise(drawn[1], drawn[0], run[:1]) if len(run) else sample
    for t in run:
        scheduler.scale_model_input(sample, t)
        sample = scheduler.step(drawn[0], t, sample).prev_sample
        if not torch.isfinite(sample).all():
            what = f"{SCHEDULERS[name][0]} cannot be sampled with: at timestep {float(t):g} it gives what is not finite"
            raise ScheduleError(what, hint=HINT)
    return tuple(float(t) for t in run)


@dataclass(frozen=True)
class PlannedSchedule:
    """How a case is sampled: what a golden's record is held against."""

    timesteps: tuple[float, ...]
    settings: dict[str, JsonValue]
    """Of the scheduler, what is not Stable Diffusion's."""


def planned_schedule(case: Case, teacher: Teacher, store: Store) -> PlannedSchedule:
    """A case's schedule, worked out and rehearsed once for each version of diffusers.

    Raises:
        ScheduleError: it cannot be sampled with.
    """
    strength = None if case.source is None else case.strength
    key = {
        "teacher": teacher.digest,
        "scheduler": case.scheduler,
        "steps": case.steps,
        "strength": strength,
        "diffusers": importlib.metadata.version("diffusers"),
        "code": code_digest(__name__, "sdqa.models"),
    }

    def build(folder: Path) -> None:
        config = teacher.part("scheduler").config
        found = {
            "timesteps": rehearse(case.scheduler, config, case.steps, strength),
            "settings": remarkable(case.scheduler, config),
        }
        (folder / "schedule.json").write_text(json.dumps(found), encoding="utf-8")

    entry = store.memo("planned-schedule", key, build)
    found = json.loads((entry.path / "schedule.json").read_bytes())
    return PlannedSchedule(tuple(found["timesteps"]), found["settings"])
