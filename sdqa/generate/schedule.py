"""Schedulers by their short names, as diffusers makes them; only those that draw no noise of their own while sampling."""

from __future__ import annotations

import importlib.metadata
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdqa.errors import ModelError
from sdqa.generate.schedulers import SCHEDULERS, changes
from sdqa.generate.timetable import first_skipped

if TYPE_CHECKING:
    from sdqa.models import Teacher
    from sdqa.plan import Case
    from sdqa.store import Store

__all__ = ["SCHEDULERS", "make_scheduler", "planned_timesteps", "timesteps"]


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
    except (ValueError, TypeError, NotImplementedError, ArithmeticError) as error:
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
    except (ValueError, IndexError, ArithmeticError) as error:
        raise ModelError(f"{SCHEDULERS[name][0]} has no schedule of {steps} steps: {error}") from error
    return tuple(float(t) for t in scheduler.timesteps[first_skipped(steps, strength) * scheduler.order :])


def planned_timesteps(case: Case, teacher: Teacher, store: Store) -> tuple[float, ...]:
    """A case's timesteps, worked out once for each version of diffusers: what a golden's schedule is held against."""
    strength = None if case.source is None else case.strength
    key = {
        "teacher": teacher.digest,
        "scheduler": case.scheduler,
        "steps": case.steps,
        "strength": strength,
        "diffusers": importlib.metadata.version("diffusers"),
    }

    def build(folder: Path) -> None:
        found = timesteps(case.scheduler, teacher.part("scheduler").config, case.steps, strength)
        (folder / "timesteps.json").write_text(json.dumps(found), encoding="utf-8")

    entry = store.memo("schedule", key, build)
    return tuple(json.loads((entry.path / "timesteps.json").read_bytes()))
