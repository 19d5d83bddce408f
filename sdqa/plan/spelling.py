"""The likeliest spelling of a name that is unknown."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

MEANT = {
    "fp16": "float16", "half": "float16", "f16": "float16", "16": "float16",
    "fp32": "float32", "full": "float32", "f32": "float32", "single": "float32", "32": "float32",
    "cpu": "CPU_ONLY", "gpu": "CPU_AND_GPU", "ane": "CPU_AND_NE", "ne": "CPU_AND_NE", "any": "ALL",
    "torch.float16": "float16", "pytorch": "torch", "core ml": "coreml", "mil": "reference",
    "cfg": "guidance_scale", "guidance": "guidance_scale", "num_inference_steps": "steps", "sampler": "scheduler",
    "vae": "vae_decoder", "decoder": "vae_decoder", "encoder": "vae_encoder", "text": "text_encoder", "u-net": "unet",
    "image": "source", "init_image": "source", "dpm++": "dpmsolver++", "dpm": "dpmsolver++", "euler_a": "euler",
}  # fmt: skip
"""What other tools call the same thing."""


def closest(name: str, known: Iterable[str]) -> str | None:
    """The known name that is nearly this one, or that other tools call so."""
    names = list(known)
    same = [one for one in names if one.lower() == name.lower()]
    meant = MEANT.get(name.lower())
    if same or meant in names:
        return same[0] if same else meant
    return next(iter(difflib.get_close_matches(name, names, n=1, cutoff=0.6)), None)


def not_one_of(name: str, known: Iterable[str]) -> str:
    """`'cormel' is not one of reference, coreml; did you mean 'coreml'?`"""
    names = tuple(known)
    close = closest(name, names)
    return f"{name!r} is not one of {', '.join(names)}" + (f"; did you mean {close!r}?" if close else "")
