"""Schedulers by their short names; only those that draw no noise of their own while sampling."""

from __future__ import annotations

from typing import Any

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
