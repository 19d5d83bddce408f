"""What becomes of the scheduler configuration that a checkpoint states when a suite draws with a scheduler of its own.

What the checkpoint states is kept. Where it is silent, a few values are those of Stable Diffusion and not of diffusers'
class; what would make a scheduler draw noise of its own, or start where image-to-image cannot, is imposed. Nothing here
imports diffusers: the tables are its signatures, and a test compares the two.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue

Settings = Mapping[str, JsonValue]

SCHEDULERS: dict[str, tuple[str, dict[str, JsonValue]]] = {
    "pndm": ("PNDMScheduler", {}),
    "ddim": ("DDIMScheduler", {"clip_sample": False, "set_alpha_to_one": False}),
    "dpmsolver++": ("DPMSolverMultistepScheduler", {}),
    "euler": ("EulerDiscreteScheduler", {}),
}
"""diffusers' class, and what is set where the checkpoint is silent; only those that draw no noise while sampling."""

IMPOSED: dict[str, dict[str, JsonValue]] = {
    "pndm": {"skip_prk_steps": True},  # Runge-Kutta steps cannot begin in the middle
    "dpmsolver++": {"algorithm_type": "dpmsolver++"},  # the others draw noise, or are another scheduler
}
"""What is set whatever the checkpoint states."""

REPLACED: dict[str, dict[str, tuple[str, ...]]] = {
    "dpmsolver++": {"solver_type": ("logrho", "bh1", "bh2")},  # other multistep schedulers': midpoint is taken
}
"""Values that diffusers' class knows as another's and replaces by its own, without a word."""

_COMMON: dict[str, JsonValue] = {
    "num_train_timesteps": 1000,
    "beta_start": 0.0001,
    "beta_end": 0.02,
    "beta_schedule": "linear",
    "trained_betas": None,
    "prediction_type": "epsilon",
    "timestep_spacing": "leading",
    "steps_offset": 0,
}
DEFAULTS: dict[str, dict[str, JsonValue]] = {
    "pndm": {**_COMMON, "skip_prk_steps": False, "set_alpha_to_one": False},
    "ddim": {
        **_COMMON,
        "clip_sample": True,
        "set_alpha_to_one": True,
        "thresholding": False,
        "dynamic_thresholding_ratio": 0.995,
        "clip_sample_range": 1.0,
        "sample_max_value": 1.0,
        "rescale_betas_zero_snr": False,
    },
    "dpmsolver++": {
        **_COMMON,
        "solver_order": 2,
        "thresholding": False,
        "dynamic_thresholding_ratio": 0.995,
        "sample_max_value": 1.0,
        "algorithm_type": "dpmsolver++",
        "solver_type": "midpoint",
        "lower_order_final": True,
        "euler_at_final": False,
        "use_karras_sigmas": False,
        "use_exponential_sigmas": False,
        "use_beta_sigmas": False,
        "use_lu_lambdas": False,
        "use_flow_sigmas": False,
        "flow_shift": 1.0,
        "final_sigmas_type": "zero",
        "lambda_min_clipped": -float("inf"),
        "variance_type": None,
        "timestep_spacing": "linspace",
        "rescale_betas_zero_snr": False,
        "use_dynamic_shifting": False,
        "time_shift_type": "exponential",
    },
    "euler": {
        **_COMMON,
        "interpolation_type": "linear",
        "use_karras_sigmas": False,
        "use_exponential_sigmas": False,
        "use_beta_sigmas": False,
        "sigma_min": None,
        "sigma_max": None,
        "timestep_spacing": "linspace",
        "timestep_type": "discrete",
        "rescale_betas_zero_snr": False,
        "final_sigmas_type": "zero",
    },
}
"""What diffusers' classes take, and what they set where nothing is said."""

PUBLISHED: dict[str, JsonValue] = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "steps_offset": 1,
}
"""Stable Diffusion's noise schedule: what is like it need not be recorded."""


def stated(config: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """What a checkpoint's scheduler configuration states, of its file or as diffusers loaded it.

    diffusers fills in what the file does not say, and lists those keys.
    """
    filled = config.get("_use_default_values") or ()
    assert isinstance(filled, list | tuple)
    return {key: value for key, value in config.items() if not key.startswith("_") and key not in filled}


def changes(name: str, config: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """What is set besides the checkpoint's own configuration, of a key of `SCHEDULERS`."""
    silent = {key: value for key, value in SCHEDULERS[name][1].items() if key not in stated(config)}
    return {**silent, **IMPOSED.get(name, {})}


def resulting(name: str, config: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Every setting that the scheduler ends up with; of one that came later, what is stated."""
    known = DEFAULTS.get(name)
    own = {key: value for key, value in stated(config).items() if known is None or key in known}
    return {**(known or {}), **own, **changes(name, config)}


def remarkable(name: str, config: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """The settings that are not Stable Diffusion's: what a golden records of its scheduler."""
    usual = {**DEFAULTS.get(name, {}), **PUBLISHED, **SCHEDULERS[name][1], **IMPOSED.get(name, {})}
    found = {key: value for key, value in resulting(name, config).items() if key not in usual or value != usual[key]}
    return {key: found[key] for key in sorted(found)}


def drawn_as_ever(name: str, settings: Settings) -> bool:
    """Whether a golden that records no settings was drawn with these: some were once set whatever was stated."""
    return not settings.keys() & SCHEDULERS[name][1].keys()


@dataclass(frozen=True)
class Kept:
    """What became of a checkpoint's scheduler configuration."""

    named: str
    """The class that the checkpoint names."""
    drawn: str
    """The class that the suite draws with."""
    kept: Settings
    """Of what is stated, what is neither the class's own value nor Stable Diffusion's."""
    overridden: Settings
    """Of what is stated, what the suite sets to something else."""
    foreign: Settings
    """What is stated and the class does not know."""

    @property
    def says_something(self) -> bool:
        """Whether the checkpoint's own pipeline would be sampled in another way."""
        return self.named != self.drawn or bool(self.overridden or self.foreign)

    def __str__(self) -> str:
        same = self.named == self.drawn
        said = [f"drawn with {self.drawn}" if same else f"the checkpoint names {self.named}, drawn with {self.drawn}"]
        for title, settings in (("kept", self.kept), ("overridden", self.overridden)):
            said += [f"{title}: {_listed(settings)}"] if settings else []
        said += [f"not known to {self.drawn}: {_listed(self.foreign)}"] if self.foreign else []
        return "; ".join(said)


def kept(name: str, named: str, config: Mapping[str, JsonValue]) -> Kept:
    """What becomes of a configuration when it is drawn with a scheduler.

    Args:
        named: diffusers' class in the checkpoint's index.
    """
    known, imposed = DEFAULTS.get(name, dict(config)), IMPOSED.get(name, {})
    usual = {**known, **PUBLISHED, **SCHEDULERS[name][1]}
    said = stated(config)
    replaced = {key for key, values in REPLACED.get(name, {}).items() if said.get(key) in values}
    overridden = {
        key: value for key, value in said.items() if (key in imposed and value != imposed[key]) or key in replaced
    }
    return Kept(
        named=named,
        drawn=SCHEDULERS[name][0],
        kept={
            key: value
            for key, value in said.items()
            if key in known and key not in imposed and key not in replaced and value != usual[key]
        },
        overridden=overridden,
        foreign={key: value for key, value in said.items() if key not in known and value not in (None, False)},
    )


LONG = 40
"""Letters of a value that are shown."""


def _listed(settings: Settings) -> str:
    return ", ".join(f"{key}={_shown(value)}" for key, value in sorted(settings.items()))


def _shown(value: JsonValue) -> str:
    text = json.dumps(value)
    return text if len(text) <= LONG else f"{text[:LONG]}…"
