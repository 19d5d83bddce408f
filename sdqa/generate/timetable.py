"""The timesteps that a case will run, worked out without torch, and what is wrong with them.

The formulas are those of diffusers' `set_timesteps`; a test compares them over steps, spacings and offsets.
Source of the spacings: Lin et al., "Common Diffusion Noise Schedules and Sample Steps are Flawed" (2024), table 2.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from struct import pack, unpack
from typing import TYPE_CHECKING

from sdqa.generate.schedulers import resulting

if TYPE_CHECKING:
    from pydantic import JsonValue


BEGINS = 0.9
"""Of the training schedule: text-to-image that begins below has no pure noise to begin with."""
_BY_NOISE_LEVEL = (
    "use_karras_sigmas",
    "use_exponential_sigmas",
    "use_beta_sigmas",
    "use_lu_lambdas",
    "use_flow_sigmas",
)
"""Timesteps then follow from noise levels, which takes the scheduler itself."""


def first_skipped(steps: int, strength: float | None) -> int:
    """How many steps image-to-image leaves out at the beginning; `strength` is None for text-to-image."""
    return 0 if strength is None else max(steps - min(int(steps * strength), steps), 0)


def trained_steps(config: Mapping[str, JsonValue]) -> int:
    """Length of the training schedule."""
    betas = config.get("trained_betas")
    return len(betas) if isinstance(betas, list) else int(str(config.get("num_train_timesteps") or 1000))


def plain_timesteps(
    name: str, config: Mapping[str, JsonValue], steps: int, strength: float | None = None
) -> tuple[float, ...] | None:
    """The timesteps of a case in order; None where only the scheduler itself can tell.

    Args:
        name: a key of `SCHEDULERS`.
        config: the checkpoint's scheduler configuration.
    """
    settings = resulting(name, config)
    if name not in _WHOLE or any(settings.get(key) for key in _BY_NOISE_LEVEL):
        return None
    if settings.get("lambda_min_clipped", -math.inf) != -math.inf or settings.get("timestep_type") == "continuous":
        return None
    total, offset = int(str(settings["num_train_timesteps"])), int(str(settings["steps_offset"]))
    whole = _WHOLE[name](str(settings["timestep_spacing"]), total, steps, offset)
    return tuple(whole[first_skipped(steps, strength) :])


def _even(last: int, steps: int) -> list[float]:
    """`numpy.linspace(0, last, steps)`, to the bit."""
    if steps == 1:
        return [0.0]
    step = last / (steps - 1)
    return [*(index * step for index in range(steps - 1)), float(last)]


def _trailing(total: int, steps: int) -> list[float]:
    """`numpy.round(numpy.arange(total, 0, -total / steps)) - 1`, to the bit: its steps are rounded once, too."""
    step = -total / steps
    stride = (total + step) - total
    return [float(round(total + index * stride)) - 1 for index in range(math.ceil(-total / step))]


def _spaced(spacing: str, total: int, steps: int, offset: int) -> list[float]:
    """DDIM's, falling."""
    if spacing == "linspace":
        return [float(round(t)) for t in reversed(_even(total - 1, steps))]
    if spacing == "leading":
        return [float(index * (total // steps) + offset) for index in reversed(range(steps))]
    return _trailing(total, steps)


def _repeated(spacing: str, total: int, steps: int, offset: int) -> list[float]:
    """PNDM's: its second timestep is run twice."""
    plain = _spaced(spacing, total, steps, offset)
    return [*plain[:1], *plain[1:2], *plain[1:]]


def _without_last(spacing: str, total: int, steps: int, offset: int) -> list[float]:
    """DPM-Solver's: one more is spaced out, and the last one left out."""
    if spacing == "linspace":
        return [float(round(t)) for t in reversed(_even(total - 1, steps + 1))][:-1]
    if spacing == "leading":
        return [float(index * (total // (steps + 1)) + offset) for index in reversed(range(1, steps + 1))]
    return _trailing(total, steps)


def _exact(spacing: str, total: int, steps: int, offset: int) -> list[float]:
    """Euler's: as DDIM's, without rounding where they are spaced evenly, but for that to single precision."""
    if spacing == "linspace":
        return [float(unpack("f", pack("f", t))[0]) for t in reversed(_even(total - 1, steps))]
    return _spaced(spacing, total, steps, offset)


_WHOLE = {"ddim": _spaced, "pndm": _repeated, "dpmsolver++": _without_last, "euler": _exact}


def flaw(name: str, found: Sequence[float], trained: int, steps: int) -> str:
    """Why timesteps cannot be run, in words; empty where they can.

    Args:
        trained: length of the training schedule.
        steps: that were asked for.
    """
    if steps > trained:
        return f"{steps} steps of a training schedule of {trained}"
    outside = [t for t in found if not 0 <= t < trained]
    if outside:
        return f"{steps} steps give the timestep {outside[0]:g}; the training schedule is 0 to {trained - 1}"
    for index, (before, after) in enumerate(itertools.pairwise(found)):
        repeated = name == "pndm" and before == after and index <= 1
        if after >= before and not repeated:
            shown = ", ".join(f"{t:g}" for t in found[max(0, index - 1) : index + 2])
            return f"{steps} steps give timesteps that do not fall: … {shown} …"
    return "" if found else f"{steps} steps leave no timestep to run"


def undefined(name: str, config: Mapping[str, JsonValue], found: Sequence[float]) -> str:
    """Why the first step divides by zero, in words; empty where it does not.

    Without signal at its end (Lin et al., section 3.1), a schedule has no picture that noise could be taken from there;
    diffusers' other schedulers keep a little of it.
    """
    settings = resulting(name, config)
    ends_at_zero = name == "ddim" and settings.get("rescale_betas_zero_snr") and found
    if not ends_at_zero or settings["prediction_type"] != "epsilon" or found[0] < trained_steps(config) - 1:
        return ""
    return f"at timestep {found[0]:g} nothing is left of a picture (rescale_betas_zero_snr), and epsilon gives none"


def doubt(found: Sequence[float], trained: int, steps: int, strength: float | None) -> str:
    """What is odd about timesteps that can be run; empty where nothing is."""
    if strength is not None or not found or found[0] >= BEGINS * trained - trained / max(steps, 1):
        return ""
    return f"begins at timestep {found[0]:g} of {trained}: {steps} steps do not divide the training schedule"
