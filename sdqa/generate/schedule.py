"""Schedulers by their short names; only those that draw no noise of their own while sampling."""

from __future__ import annotations

import importlib.metadata
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdqa.store import code_digest

if TYPE_CHECKING:
    from sdqa.models import Teacher
    from sdqa.plan import Case
    from sdqa.store import Store

SCHEDULERS: dict[str, tuple[str, dict[str, Any]]] = {
    "pndm": ("PNDMScheduler", {"skip_prk_steps": True}),
    "ddim": ("DDIMScheduler", {"clip_sample": False, "set_alpha_to_one": False}),
    "dpmsolver++": ("DPMSolverMultistepScheduler", {"algorithm_type": "dpmsolver++"}),
    "euler": ("EulerDiscreteScheduler", {}),
}


def make_scheduler(name: str, config: Any, **overrides: Any) -> Any:
    """A fresh diffusers scheduler from the teacher's scheduler configuration.

    Args:
        name: a key of `SCHEDULERS`.
        config: the teacher's scheduler configuration (betas, prediction type, offsets).
        overrides: entries that replace the teacher's, for ablations and faults.
    """
    import diffusers

    class_name, own = SCHEDULERS[name]
    return getattr(diffusers, class_name).from_config(config, **{**own, **overrides})


def timesteps(name: str, config: Any, steps: int, strength: float | None = None) -> tuple[float, ...]:
    """The timesteps that a case will run, in order, by the installed diffusers.

    Args:
        strength: of image-to-image, which skips the beginning; None for text-to-image.
    """
    scheduler = make_scheduler(name, config)
    scheduler.set_timesteps(steps)
    skipped = 0 if strength is None else max(steps - min(int(steps * strength), steps), 0)
    return tuple(float(t) for t in scheduler.timesteps[skipped * scheduler.order :])


def planned_timesteps(case: Case, teacher: Teacher, store: Store) -> tuple[float, ...]:
    """A case's timesteps, worked out once for each version of diffusers: what a golden's schedule is held against."""
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
        found = timesteps(case.scheduler, teacher.part("scheduler").config, case.steps, strength)
        (folder / "timesteps.json").write_text(json.dumps(found), encoding="utf-8")

    entry = store.memo("schedule", key, build)
    return tuple(json.loads((entry.path / "timesteps.json").read_bytes()))
