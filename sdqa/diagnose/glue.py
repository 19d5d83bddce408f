"""Glue: what lies between the components, named field by field, or guessed from what the candidate drew.

When the candidate's settings are known, each one that differs is put into an otherwise sound pipeline. When only its
pictures are known and its components are sound, the mistakes that people make are tried one by one: the one whose
picture is the recorded picture is the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from sdqa.bundle.diagnosis import GlueFinding
from sdqa.diagnose.evidence import ExaminedCase, with_field
from sdqa.diagnose.harness import Drawn, Harness
from sdqa.diagnose.loss import losses, rms
from sdqa.families import FAMILIES
from sdqa.generate.pipeline import Glue, Request

MATCHES = 0.35
"""A guess is believed when it leaves less than this share of the unexplained difference."""
OTHER_FACTORS = (*(family.between.published_scaling for family in FAMILIES.values()), 1.0)
"""The published scaling factors of the families, and the forgotten one."""


def glue_fields(harness: Harness) -> tuple[GlueFinding, ...]:
    """The loss that each of the candidate's differing settings makes alone, on the teacher's components."""
    evidence = harness.evidence
    metric, loss = next(iter(losses(evidence).items()))
    found = []
    for name, (expected, value) in evidence.glue_differences.items():
        alone = []
        for case in evidence.cases:
            glue, request = with_field(Glue(), case.request, name, evidence, case)
            alone.append(loss(case, harness.outcome(request, glue), harness.mixture(case, frozenset())))
        found.append(
            GlueFinding(
                field=name,
                expected=_shown(name, expected, harness),
                found=_shown(name, value, harness),
                loss=float(np.mean(alone)),
                metric=metric,
                words=words(name, expected, value, harness),
            )
        )
    return tuple(sorted(found, key=lambda one: -one.loss))


def unexplained(harness: Harness) -> float:
    """Mean RMS difference between what the candidate drew and what its components and settings should have drawn.

    0 when no picture was recorded.
    """
    players = frozenset({*harness.evidence.components, "glue"})
    differences = [
        _distance(case, harness.mixture(case, players)) for case in harness.evidence.cases if case.observed is not None
    ]
    return float(np.mean(differences)) if differences else 0.0


def guess(harness: Harness, *, progress: Callable[[str], None] | None = None) -> tuple[GlueFinding, ...]:
    """The settings that would explain what was drawn, the best first; empty when none does."""
    evidence = harness.evidence
    cases = [case for case in evidence.cases if case.observed is not None]
    before = unexplained(harness)
    if not cases or before == 0:
        return ()
    candidates = frozenset(evidence.components)
    found = []
    for name, value, change in suspicions(harness):
        if progress:
            progress(f"glue: {name} {value}")
        distances = []
        for case in cases:
            glue, request = change(evidence.glue or Glue(), case.request_as_run)
            distances.append(_distance(case, harness.outcome(request, glue, candidates)))
        left = float(np.mean(distances))
        if left < MATCHES * before:
            current = getattr(Glue(), name, getattr(cases[0].request, name, None))
            found.append(
                GlueFinding(
                    field=name,
                    expected=_shown(name, current, harness),
                    found=_shown(name, value, harness),
                    loss=before,
                    metric="rms",
                    words=words(name, current, value, harness),
                    left=left / before,
                )
            )
    return tuple(sorted(found, key=lambda one: one.left))


Change = Callable[[Glue, Request], tuple[Glue, Request]]


def suspicions(harness: Harness) -> Iterator[tuple[str, Any, Change]]:
    """The mistakes that people make: field, value, and how it changes glue and request."""
    own = float(harness.graph_parts["vae_config"]["scaling_factor"])
    for factor in (*(factor for factor in OTHER_FACTORS if factor != own), 1 / own):
        yield "scaling_factor", factor, _glue(scaling_factor=factor)
        yield "decode_scaling_factor", factor, _glue(decode_scaling_factor=factor)
    for override in (
        {"prediction_type": "v_prediction"},
        {"beta_schedule": "linear"},
        {"timestep_spacing": "trailing"},
        {"steps_offset": 0},
        {"set_alpha_to_one": True},
    ):
        yield "scheduler_overrides", override, _glue(scheduler_overrides=override)
    for offset in (-1.0, 1.0, 50.0, -50.0):
        yield "timestep_offset", offset, _glue(timestep_offset=offset)
    yield "drop_timesteps", 1, _glue(drop_timesteps=1)
    yield "swap_guidance", True, _glue(swap_guidance=True)
    for transform in ("bgr", "unit-range", "flip", "transpose"):
        yield "source_transform", transform, _glue(source_transform=transform)
        yield "output_transform", transform, _glue(output_transform=transform)
    for scheduler in harness.evidence.family.between.schedulers:
        yield "scheduler", scheduler, _request(scheduler=scheduler)
    for guidance in (1.0, 7.5):
        yield "guidance_scale", guidance, _request(guidance_scale=guidance)
    yield "prompt", "", _request(prompt="")
    yield "negative_prompt", "", _request(negative_prompt="")


def _glue(**changes: Any) -> Change:
    return lambda glue, request: (replace(glue, **changes), request)


def _request(**changes: Any) -> Change:
    return lambda glue, request: (glue, replace(request, **changes))


def _distance(case: ExaminedCase, outcome: Drawn) -> float:
    if case.observed is None or case.observed.shape != outcome.image.shape:
        return 1.0
    return rms(case, outcome, replace_image(outcome, case.observed))


def replace_image(outcome: Drawn, image: Any) -> Drawn:
    """The outcome with another picture."""
    return Drawn(image, outcome.latents, outcome.nonfinite)


def _shown(name: str, value: Any, harness: Harness) -> str:
    if value is None and "scaling_factor" in name:
        value = float(harness.graph_parts["vae_config"]["scaling_factor"])
    if isinstance(value, dict):
        return ", ".join(f"{key}={item}" for key, item in sorted(value.items())) or "the model's"
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value) if isinstance(value, int | str | bool) else "another"


def words(name: str, expected: Any, value: Any, harness: Harness) -> str:
    """What is wrong, in words."""
    right, wrong = _shown(name, expected, harness), _shown(name, value, harness)
    transforms = {
        "bgr": "has red and blue exchanged (BGR for RGB)",
        "unit-range": "is in [0, 1] in place of [-1, 1]",
        "flip": "is mirrored",
        "transpose": "has rows and columns exchanged",
    }
    match name:
        case "scaling_factor":
            return f"the VAE scaling factor is {wrong}, the model's is {right}"
        case "decode_scaling_factor":
            return f"latents are divided by {wrong} before decoding, the model's scaling factor is {right}"
        case "scheduler_overrides":
            return f"the schedule is another than the model's: {wrong}"
        case "timestep_offset":
            return f"the U-Net is told timesteps that are off by {wrong}"
        case "drop_timesteps":
            return f"the first {wrong} timesteps are left out"
        case "swap_guidance":
            return "the conditional and unconditional halves of guidance are exchanged"
        case "source_transform":
            return f"the source image {transforms.get(str(value), wrong)}"
        case "output_transform":
            return f"the output image {transforms.get(str(value), wrong)}"
        case "noise":
            return "other noise than the recorded one is used"
        case "source":
            return "another source image is used"
        case _:
            return f"{name.replace('_', ' ')} is {wrong!r}, should be {right!r}"
