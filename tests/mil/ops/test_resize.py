"""Resizing against the tables of coremltools' documentation, its tests, and torch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from sdqa.mil.ops.resize import grid

from .oracle import numbers, run, same

# coremltools' documentation of resize_bilinear, for an input of two elements
GRIDS = [
    ("UNALIGN_CORNERS", 5, [0, 0.1, 0.5, 0.9, 1]),
    ("STRICT_ALIGN_CORNERS", 5, [0, 0.25, 0.5, 0.75, 1]),
    ("ALIGN_CORNERS", 5, [0, 0.25, 0.5, 0.75, 1]),
    ("DEFAULT", 5, [0, 0.4, 0.8, 1, 1]),
    ("OFFSET_CORNERS", 5, [0.1, 0.3, 0.5, 0.7, 0.9]),
    ("UNALIGN_CORNERS", 6, [0, 0, 1 / 3, 2 / 3, 1, 1]),
    ("STRICT_ALIGN_CORNERS", 6, [0, 0.2, 0.4, 0.6, 0.8, 1]),
    ("DEFAULT", 6, [0, 1 / 3, 2 / 3, 1, 1, 1]),
    ("OFFSET_CORNERS", 6, [1 / 12, 3 / 12, 5 / 12, 7 / 12, 9 / 12, 11 / 12]),
    ("STRICT_ALIGN_CORNERS", 1, [0]),
    ("ALIGN_CORNERS", 1, [0.5]),
]


@pytest.mark.parametrize(("mode", "count", "expected"), GRIDS)
def test_sampling_modes(mode: str, count: int, expected: list[float]) -> None:
    same(grid(mode, 2, count).clamp(0, 1).numpy(), expected)
    ramp = np.array([0.0, 1.0], np.float32).reshape(1, 1, 1, 2)
    actual = run("resize_bilinear", x=ramp, target_size_height=1, target_size_width=count, sampling_mode=mode)
    same(actual[0, 0, 0], expected)


def test_an_unknown_sampling_mode_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown sampling mode 'CORNERS'"):
        run("resize_bilinear", x=numbers(1, 1, 2, 2), target_size_height=3, sampling_mode="CORNERS")


@pytest.mark.parametrize(("mode", "aligned"), [("STRICT_ALIGN_CORNERS", True), ("UNALIGN_CORNERS", False)])
@pytest.mark.parametrize("size", [(7, 9), (2, 3), (1, 8)])
def test_resize_bilinear_agrees_with_torch(mode: str, aligned: bool, size: tuple[int, int]) -> None:
    x = numbers(2, 3, 4, 5)
    expected = F.interpolate(torch.from_numpy(x), size=size, mode="bilinear", align_corners=aligned).numpy()
    arguments = {"target_size_height": size[0], "target_size_width": size[1]}
    same(run("resize_bilinear", x=x, sampling_mode=mode, **arguments), expected, atol=1e-5)


@pytest.mark.parametrize("aligned", [False, True])
@pytest.mark.parametrize("scale", [(2.0, 3.0), (1.5, 0.75)])
def test_upsample_bilinear_agrees_with_torch(aligned: bool, scale: tuple[float, float]) -> None:
    x = numbers(2, 3, 4, 8)
    expected = F.interpolate(
        torch.from_numpy(x), scale_factor=scale, mode="bilinear", align_corners=aligned, recompute_scale_factor=True
    ).numpy()
    arguments = {"scale_factor_height": np.float32(scale[0]), "scale_factor_width": np.float32(scale[1])}
    same(run("upsample_bilinear", x=x, align_corners=aligned, **arguments), expected, atol=1e-5)


def test_upsample_bilinear_without_half_pixel_centers_starts_at_the_corner() -> None:
    x = np.array([0.0, 1.0], np.float32).reshape(1, 1, 1, 2)
    actual = run("upsample_bilinear", x=x, scale_factor_width=2, align_corners=False, half_pixel_centers=False)
    same(actual[0, 0, 0], [0, 0.5, 1, 1])


@pytest.mark.parametrize("scale", [(2, 3), (1.5, 2.25), (0.5, 1)])
@pytest.mark.parametrize("shape", [(2, 3, 4, 8), (3, 4, 8), (1, 2, 3, 4, 8)])
def test_upsample_nearest_neighbor_agrees_with_torch(scale: tuple[float, float], shape: tuple[int, ...]) -> None:
    x = numbers(*shape)
    sizes = (int(4 * scale[0]), int(8 * scale[1]))
    rows = np.arange(sizes[0]) * 4 // sizes[0]
    columns = np.arange(sizes[1]) * 8 // sizes[1]
    actual = run("upsample_nearest_neighbor", x=x, scale_factor_height=scale[0], scale_factor_width=scale[1])
    same(actual, x[..., rows, :][..., columns])


def test_resize_nearest_neighbor_takes_the_element_at_the_centre() -> None:
    x = np.arange(12, dtype=np.float32).reshape(1, 1, 3, 4)
    expected = F.interpolate(torch.from_numpy(x), size=(5, 3), mode="nearest-exact").numpy()
    same(run("resize_nearest_neighbor", x=x, target_size_height=5, target_size_width=3), expected)


def test_resize_nearest_of_coremltools_test() -> None:
    x = np.array([-6.174, 9.371], np.float32).reshape(1, 1, 1, 2, 1)
    arguments = {"shape": [1, 1, 3, 2], "resized_dims": 2, "interpolation_mode": "NEAREST_NEIGHBOR"}
    expected = np.array([-6.174, -6.174, 9.371, 9.371, 9.371, 9.371], np.float32).reshape(1, 1, 1, 3, 2)
    same(run("resize", x=x, **arguments), expected)


def test_resize_takes_the_last_sizes_and_keeps_those_that_are_zero() -> None:
    x = numbers(1, 2, 3, 4)
    assert run("resize", x=x, shape=[1, 6, 8], resized_dims=2).shape == (1, 2, 6, 8)
    same(run("resize", x=x, shape=[1, 0, 0], resized_dims=2), x)
    same(run("resize", x=np.array([[0, 1]], np.float32), shape=[1, 5], resized_dims=2), [[0, 0.4, 0.8, 1, 1]])


def test_resize_refuses_more_dimensions_than_there_are() -> None:
    with pytest.raises(ValueError, match="3 dimensions to resize"):
        run("resize", x=numbers(2, 3), shape=[2, 3], resized_dims=3)
    with pytest.raises(ValueError, match="no interpolation mode 'CUBIC'"):
        run("resize", x=numbers(2, 3), shape=[2, 3], resized_dims=2, interpolation_mode="CUBIC")
