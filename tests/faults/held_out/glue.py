"""Mistakes of an application: source pictures read otherwise, noise in another layout, pictures written otherwise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import numpy as np

from sdqa.faults.injection import Effect
from tests.faults.held_out.application import picture
from tests.faults.held_out.registry import mutation

if TYPE_CHECKING:
    from torch import Tensor

    from sdqa.generate.pipeline import Request

Values = np.ndarray[Any, np.dtype[Any]]


def _source(change: Callable[[Values], Values]) -> Effect:
    """Another source picture, (H, W, 3); text-to-image has none."""

    def request(one: Request) -> Request:
        if one.source is None:
            return one
        changed = np.clip(np.round(change(one.source.astype(np.float64))), 0, 255)
        return replace(one, source=changed.astype(np.uint8))

    return Effect(request=request)


def _noise(change: Callable[[Values], Values]) -> Effect:
    """Other initial noise, (C, h, w)."""

    def request(one: Request) -> Request:
        initial = np.ascontiguousarray(change(one.noise.initial)).astype(np.float32)
        return replace(one, noise=replace(one.noise, initial=initial))

    return Effect(request=request)


def _output(name: str) -> Effect:
    from sdqa.generate.pipeline import Glue

    return Effect(glue=Glue(output_transform=name))


@mutation("held-source-nearest", component="glue", stage="glue")
def source_nearest() -> Effect:
    """The source picture was scaled to half its size and back without a filter."""
    return _source(lambda pixels: pixels[::2, ::2].repeat(2, axis=0).repeat(2, axis=1))


@mutation("held-source-half-pixel", component="glue", stage="glue", subtle=True)
def source_half_pixel() -> Effect:
    """The source picture is sampled half a pixel off, as by resizing with corners aligned."""

    def change(pixels: Values) -> Values:
        padded = np.pad(pixels, ((0, 1), (0, 1), (0, 0)), mode="edge")
        return (padded[:-1, :-1] + padded[1:, :-1] + padded[:-1, 1:] + padded[1:, 1:]) / 4

    return _source(change)


@mutation("held-source-studio-range", component="glue", stage="glue", subtle=True)
def source_studio_range() -> Effect:
    """The source picture's values run from 16 to 235, as a video's do."""
    return _source(lambda pixels: 16 + pixels * (219 / 255))


@mutation("held-source-linear-light", component="glue", stage="glue")
def source_linear_light() -> Effect:
    """The source picture was decoded to linear light and never encoded again."""
    return _source(lambda pixels: 255 * (pixels / 255) ** 2.2)


@mutation("held-negative-prompt-filled", component="glue", stage="glue")
def negative_prompt_filled() -> Effect:
    """The application has a negative prompt of its own where the case has none."""
    return Effect(request=lambda one: replace(one, negative_prompt="low quality, blurry, dark background"))


@mutation("held-prompt-percent-encoded", component="glue", stage="glue")
def prompt_percent_encoded() -> Effect:
    """The prompt came through a URL and was not decoded: there is no space left in it."""
    return Effect(request=lambda one: replace(one, prompt=quote(one.prompt)))


@mutation("held-noise-channels-last", component="glue", stage="glue")
def noise_channels_last() -> Effect:
    """The initial noise was written channels last and is read channels first."""
    return _noise(lambda noise: noise.transpose(1, 2, 0).reshape(noise.shape))


@mutation("held-noise-one-channel", component="glue", stage="glue")
def noise_one_channel() -> Effect:
    """All channels of the initial noise are the first one: the generator was seeded anew for each."""
    return _noise(lambda noise: np.broadcast_to(noise[:1], noise.shape))


@picture("gamma-1.1")
def _gamma(image: Tensor) -> Tensor:
    return 2 * ((image.clamp(-1, 1) + 1) / 2) ** (1 / 1.1) - 1


@mutation("held-output-gamma", component="glue", stage="glue", subtle=True)
def output_gamma() -> Effect:
    """The decoded picture gets a gamma of 1.1 on its way to the screen."""
    return _output("gamma-1.1")


@picture("skewed")
def _skewed(image: Tensor) -> Tensor:
    import torch

    return torch.stack([row.roll(index, -1) for index, row in enumerate(image.unbind(2))], dim=2)


@mutation("held-output-skewed", component="glue", stage="glue")
def output_skewed() -> Effect:
    """Each row of the picture is written a pixel later than the one before: the stride is one too long."""
    return _output("skewed")
