"""What an application does wrong between the components, under names that only this set knows.

`Glue` says by name what happens to pictures and to the schedule. `install` teaches this process further names: a
picture's mistakes for `source_transform` and `output_transform`, and a sampler's for `scheduler_overrides`, whose key
is then `MISTAKE`. Everything else stays the product's.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

MISTAKE = "mistake"
Picture = Callable[["Tensor"], "Tensor"]
Step = Callable[..., Any]
PICTURES: dict[str, Picture] = {}
"""By name: what becomes of a picture (1, 3, H, W) in [-1, 1]."""
SAMPLERS: dict[str, Callable[[Any, Step], Step]] = {}
"""By name: what becomes of a scheduler's `step`."""


def picture(name: str) -> Callable[[Picture], Picture]:
    """Name a mistake with pictures."""

    def remember(change: Picture) -> Picture:
        PICTURES[name] = change
        return change

    return remember


def sampler(name: str) -> Callable[[Callable[[Any, Step], Step]], Callable[[Any, Step], Step]]:
    """Name a mistake with steps: a function of a scheduler and its sound `step` gives the other one."""

    def remember(change: Callable[[Any, Step], Step]) -> Callable[[Any, Step], Step]:
        SAMPLERS[name] = change
        return change

    return remember


def install() -> None:
    """Teach this process's pipeline the names; a second time does nothing."""
    from sdqa.generate import pipeline

    if getattr(pipeline, "HELD_OUT", False):
        return
    transform, make = pipeline._transform, pipeline.make_scheduler

    def transformed(image: Tensor, name: str) -> Tensor:
        return PICTURES[name](image) if name in PICTURES else transform(image, name)

    def made(name: str, config: Any, **overrides: Any) -> Any:
        mistake = overrides.pop(MISTAKE, None)
        scheduler = make(name, config, **overrides)
        if mistake is not None:
            sound = scheduler.step
            scheduler.step = functools.wraps(sound)(SAMPLERS[mistake](scheduler, sound))
        return scheduler

    pipeline._transform, pipeline.make_scheduler = transformed, made  # type: ignore[assignment]
    pipeline.HELD_OUT = True  # type: ignore[attr-defined]
