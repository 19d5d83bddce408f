"""Metrics: one a file, registered with name, unit, direction, valid range and self-tests.

    models = MetricModels(clip="embedded:tiny", lpips="stlpips:alex")
    demand_sound(models)                                  # the metrics are tested before they are believed
    measurements = score(subject, None, models)           # for one case

Nothing heavy is imported before a metric needs it.
"""

from __future__ import annotations

from sdqa.metrics import (
    black,
    clip_directional,
    clip_image_similarity,
    clip_score,
    conditioning_sensitivity,
    constant,
    face_identity,
    finite,
    grey_wash,
    latent_cosine,
    latent_psnr,
    lpips,
    lpips_source,
    noise,
    outside_edit,
    psnr,
    saturation,
    shape,
    ssim,
    tile_psnr,
    tiling,
)
from sdqa.metrics.models import MetricModels
from sdqa.metrics.registry import METRICS, Metric, Reading, comparing, find, metric, self_test
from sdqa.metrics.scoring import SelfTestResult, applicable, demand_sound, run_self_tests, score
from sdqa.metrics.subject import Picture, Subject, offered

REGISTERED = (
    black,
    clip_directional,
    clip_image_similarity,
    clip_score,
    conditioning_sensitivity,
    constant,
    face_identity,
    finite,
    grey_wash,
    latent_cosine,
    latent_psnr,
    lpips,
    lpips_source,
    noise,
    outside_edit,
    psnr,
    saturation,
    shape,
    ssim,
    tile_psnr,
    tiling,
)
"""The modules whose import fills the registry."""

__all__ = [
    "METRICS",
    "Metric",
    "MetricModels",
    "Picture",
    "Reading",
    "SelfTestResult",
    "Subject",
    "applicable",
    "comparing",
    "demand_sound",
    "find",
    "metric",
    "offered",
    "run_self_tests",
    "score",
    "self_test",
]
