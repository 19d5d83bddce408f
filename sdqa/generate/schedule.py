"""Schedulers by their short names, as diffusers makes them, and the timesteps that they give."""

from __future__ import annotations

import importlib.metadata
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import JsonValue

from sdqa.errors import ModelError
from sdqa.generate.schedulers import SCHEDULERS, changes, remarkable
from sdqa.generate.timetable import first_skipped
from sdqa.store import code_digest

if TYPE_CHECKING:
    from sdqa.models import Teacher
    from sdqa.plan import Case
    from sdqa.store import Store

__all__ = ["SCHEDULERS", "PlannedSchedule", "make_scheduler", "planned_schedule", "timesteps"]


def make_scheduler(name: str, config: Any, **overrides: Any) -> Any:
    """A fresh diffusers scheduler from the teacher's scheduler configuration: what that states is kept.

    Args:
        name: a key of `SCHEDULERS`.
        config: the teacher's scheduler configuration (betas, prediction type, offsets).
        overrides: entries that replace the teacher's, for ablations and faults.

    Raises:
        ModelError: diffusers cannot make it of this configuration.
    """
    import diffusers

    try:
        return getattr(diffusers, SCHEDULERS[name][0]).from_config(config, **{**changes(name, config), **overrides})
    except Exception as error:  # whatever a library raises of a configuration is the configuration's fault
        raise ModelError(
            f"no {SCHEDULERS[name][0]} can be made of the scheduler's configuration: {error}",
            hint="draw with another scheduler, or repair scheduler/scheduler_config.json",
        ) from error


def timesteps(name: str, config: Any, steps: int, strength: float | None = None) -> tuple[float, ...]:
    """The timesteps that a case will run, in order, by the installed diffusers.

    Args:
        strength: of image-to-image, which skips the beginning; None for text-to-image.

    Raises:
        ModelError: the scheduler has no such schedule.
    """
    scheduler = make_scheduler(name, config)
    try:
        scheduler.set_timesteps(steps)
    except Exception as error:
        raise ModelError(f"{SCHEDULERS[name][0]} has no schedule of {steps} steps: {error}") from error
    return tuple(float(t) for t in scheduler.timesteps[first_skipped(steps, strength) * scheduler.order :])


@dataclass(frozen=True)
class PlannedSchedule:
    """How a case is sampled: what a golden's record is held against."""

    timesteps: tuple[float, ...]
    settings: dict[str, JsonValue]
    """Of the scheduler, what is not Stable Diffusion's."""


def planned_schedule(case: Case, teacher: Teacher, store: Store) -> PlannedSchedule:
    """A case's schedule, worked out once for each version of diffusers."""
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
            "timesteps": timesteps(case.scheduler, config, case.steps, strength),
            "settings": remarkable(case.scheduler, config),
        }
        (folder / "schedule.json").write_text(json.dumps(found), encoding="utf-8")

    entry = store.memo("planned-schedule", key, build)
    found = json.loads((entry.path / "schedule.json").read_bytes())
    return PlannedSchedule(tuple(found["timesteps"]), found["settings"])
