"""Limits stated by hand in a suite, for models that nobody has calibrated yet: a number with a name, and no more.

They say so wherever they are explained. A calibrated tolerance of the same metric is replaced by a stated limit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from sdqa.bundle import Better
from sdqa.errors import ConfigError, Problem
from sdqa.gate.tolerances import ANY_VARIANT, HarmlessNoise, Tolerance, Tolerances

#: Metrics whose figure is compared as it is: it already compares the candidate with the teacher. Unit and direction.
COMPARING: dict[str, tuple[str, Better]] = {
    "parity_psnr": ("dB", "higher"),
    "psnr": ("dB", "higher"),
    "tile_psnr": ("dB", "higher"),
    "latent_psnr": ("dB", "higher"),
    "ssim": ("", "higher"),
    "latent_cosine": ("", "higher"),
    "clip_image_similarity": ("", "higher"),
    "lpips": ("", "lower"),
    "conditioning_sensitivity": ("dB", "lower"),
}

EXECUTION_CHECKS = ("parity_psnr",)
"""What is judged of each component that a lane's cases run."""


def stated_tolerances(
    model: str,
    limits: Mapping[str, float],
    where: str,
    comparing: Mapping[str, tuple[str, Better]] = COMPARING,
) -> Tolerances:
    """Tolerances from `[limits]`: for the mean, for a single case and for a component alike.

    Args:
        limits: metric, or `component/metric`, to its limit.
        where: the suite's file, for errors.
        comparing: metrics that compare, with unit and direction; those of plugins among them.

    Raises:
        ConfigError: a metric that cannot be limited by a bare number, or a number that is not finite.
    """
    problems, table = [], {}
    for name, limit in sorted(limits.items()):
        component, _, metric = name.rpartition("/")
        if metric not in comparing:
            known = ", ".join(comparing)
            problems.append(Problem(f"$.limits.{name}", f"{metric!r} cannot be limited by hand; these can: {known}"))
        elif not math.isfinite(limit):
            problems.append(Problem(f"$.limits.{name}", "must be a finite number"))
        else:
            table[f"{metric}@{component}" if component else metric] = stated_tolerance(
                metric, component or None, limit, *comparing[metric]
            )
    if problems:
        raise ConfigError(problems, where=where)
    return Tolerances(model=model, checks=0, false_alarms=1.0, confidence=0.0, variants={ANY_VARIANT: table})


def stated_tolerance(metric: str, component: str | None, limit: float, unit: str, better: Better) -> Tolerance:
    """A tolerance that is nothing but a number: for the mean, for a single case and for a component alike."""
    nothing = HarmlessNoise(n=0, mean=limit, sd=0.0, worst=limit, bound=limit, case_bound=limit, conditions=("stated",))
    return Tolerance.model_validate(
        {
            "metric": metric,
            "component": component,
            "better": better,
            "unit": unit,
            "of": "value",
            "limit": limit,
            "case_limit": limit,
            "severe": limit,
            "harmless": nothing.model_dump(),
            "date": "stated in the suite",
        }
    )


def combined(calibrated: Tolerances | None, stated: Tolerances) -> Tolerances:
    """Calibrated tolerances with stated limits in the place of those that they name."""
    if calibrated is None:
        return stated
    by_hand = stated.variants[ANY_VARIANT]
    variants = {name: {**table, **by_hand} for name, table in calibrated.variants.items()}
    return calibrated.model_copy(update={"variants": {ANY_VARIANT: by_hand, **variants}})
