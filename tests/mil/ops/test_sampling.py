"""Resampling, affine transforms and crops against torch and the expectations of coremltools' tests."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from .oracle import numbers, run, same

IMAGE = np.array([11.0, 22.0, 33.0, 44.0], np.float32).reshape(1, 1, 2, 2)
PLACES = np.array([-1.0, -2.0, -3.7, -1.0, 0.0, 0.0, 3.5, 1.2], np.float32).reshape(1, 2, 2, 2)

# sampling, padding, padding value, coordinates, align_corners, expectation: coremltools' TestResample
RESAMPLED = [
    ("bilinear", "constant", 6.17, "normalized_minus_one_to_one", True, [8.585, 6.17, 27.5, 6.17]),
    ("nearest", "border", -1.0, "unnormalized", False, [11.0, 11.0, 11.0, 44.0]),
    ("bilinear", "reflection", -1.0, "normalized_zero_to_one", True, [22.0, 36.3, 11.0, 34.1]),
    ("nearest", "symmetric", -1.0, "normalized_zero_to_one", False, [22.0, 33.0, 11.0, 33.0]),
]


@pytest.mark.parametrize(("sampling", "padding", "value", "coordinates", "aligned", "expected"), RESAMPLED)
def test_resample_as_coremltools_expects(
    sampling: str, padding: str, value: float, coordinates: str, aligned: bool, expected: list[float]
) -> None:
    actual = run(
        "resample",
        x=IMAGE,
        coordinates=PLACES,
        sampling_mode=sampling,
        padding_mode=padding,
        padding_value=value,
        coordinates_mode=coordinates,
        align_corners=aligned,
    )
    same(actual.reshape(-1), expected, rtol=1e-4)


@pytest.mark.parametrize("sampling", ["bilinear", "nearest"])
@pytest.mark.parametrize(
    ("padding", "aligned", "name"),
    [
        ("zeros", True, "constant"),
        ("zeros", False, "constant"),
        ("border", True, "border"),
        ("border", False, "border"),
        ("reflection", True, "reflection"),
        ("reflection", False, "symmetric"),
    ],
)
def test_resample_agrees_with_grid_sample(sampling: str, padding: str, aligned: bool, name: str) -> None:
    x, places = numbers(2, 3, 5, 6), numbers(2, 7, 4, 2, low=-2.5, high=2.5, seed=1)
    expected = F.grid_sample(torch.from_numpy(x), torch.from_numpy(places), sampling, padding, aligned).numpy()
    actual = run(
        "resample",
        x=x,
        coordinates=places,
        sampling_mode=sampling,
        padding_mode=name,
        padding_value=0.0,
        coordinates_mode="normalized_minus_one_to_one",
        align_corners=aligned,
    )
    same(actual, expected, rtol=1e-4, atol=1e-4)


def test_resample_of_one_pixel_reflects_onto_itself() -> None:
    arguments: dict[str, Any] = {"padding_value": 0.0, "coordinates_mode": "unnormalized", "align_corners": True}
    x, places = np.array([[[[7.0]]]], np.float32), np.array([[[[3.0, -2.0]]]], np.float32)
    result = run("resample", x=x, coordinates=places, sampling_mode="bilinear", padding_mode="reflection", **arguments)
    assert result.item() == 7.0


@pytest.mark.parametrize("argument", ["sampling_mode", "padding_mode", "coordinates_mode"])
def test_resample_refuses_unknown_modes(argument: str) -> None:
    arguments = {
        "sampling_mode": "bilinear",
        "padding_mode": "constant",
        "padding_value": 0.0,
        "coordinates_mode": "unnormalized",
        "align_corners": True,
    }
    with pytest.raises(ValueError, match=f"unknown {argument} 'other'"):
        run("resample", x=IMAGE, coordinates=PLACES, **arguments | {argument: "other"})


@pytest.mark.filterwarnings("ignore:Since version 1.3.0, affine_grid behavior has changed")
@pytest.mark.parametrize("aligned", [False, True])
@pytest.mark.parametrize("size", [(5, 6), (3, 9), (1, 1)])
@pytest.mark.parametrize("matrices", [1, 2])
def test_affine_agrees_with_torch(aligned: bool, size: tuple[int, int], matrices: int) -> None:
    x, theta = numbers(2, 3, 5, 6), numbers(matrices, 6, seed=1)
    every = torch.from_numpy(theta).expand(2, 6).reshape(2, 2, 3)
    grid = F.affine_grid(every, [2, 3, *size], align_corners=aligned)
    expected = F.grid_sample(torch.from_numpy(x), grid, align_corners=aligned).numpy()
    actual = run(
        "affine",
        x=x,
        transform_matrix=theta,
        output_height=size[0],
        output_width=size[1],
        sampling_mode="bilinear",
        padding_mode="constant",
        padding_value=0.0,
        coordinates_mode="normalized_minus_one_to_one",
        align_corners=aligned,
    )
    same(actual, expected, rtol=1e-4, atol=1e-4)


STEPS = np.arange(1, 17, dtype=np.float32).reshape(1, 1, 4, 4)


@pytest.mark.parametrize(
    ("box", "count", "expected"),
    [
        ([1, 1, 2, 2], 2, [6, 7, 10, 11]),
        ([1, 1, 2, 2], 1, [8.5]),
        ([2, 2, 1, 1], 2, [11, 10, 7, 6]),
    ],
)
def test_crop_resize_as_coremltools_expects(box: list[float], count: int, expected: list[float]) -> None:
    roi = np.array(box, np.float32).reshape(1, 1, 4, 1, 1)
    actual = run(
        "crop_resize", x=STEPS, roi=roi, target_height=count, target_width=count, sampling_mode="ALIGN_CORNERS"
    )
    assert actual.shape == (1, 1, 1, count, count)
    same(actual.reshape(-1), expected)


def test_crop_resize_pads_outside_the_image() -> None:
    boxes = np.array([[0.1, 0.3, 1.3, 1], [0.5, 1.8, 1.0, 0.3], [0.0, 0.4, 0.6, 0.7]], np.float32)
    expected = [3.1, 5.2, -5, -5, -5, 7.899, -5, 13.9, 2.2, 3.1, 9.4, 10.3]  # coremltools' test, its pad_value -5
    common: dict[str, Any] = {
        "target_height": 2,
        "target_width": 2,
        "normalized_coordinates": True,
        "sampling_mode": "ALIGN_CORNERS",
        "pad_value": -5.0,
    }
    actual = run("crop_resize", x=STEPS, boxes=boxes, box_indices=np.zeros(3, np.int32), **common)
    assert actual.shape == (3, 1, 2, 2)
    same(actual.reshape(-1), expected, rtol=1e-3)
    roi = np.concatenate([np.zeros((3, 1), np.float32), boxes], 1).reshape(3, 1, 5, 1, 1)
    same(run("crop_resize", x=STEPS, roi=roi, **common).reshape(-1), expected, rtol=1e-3)


def test_crop_resize_of_every_image_and_of_chosen_ones() -> None:
    x = numbers(3, 2, 5, 6)
    box = np.array([[0, 1, 3, 4]], np.float32)
    arguments: dict[str, Any] = {"target_height": 4, "target_width": 4, "sampling_mode": "ALIGN_CORNERS"}
    every = run("crop_resize", x=x, roi=box.reshape(1, 1, 4, 1, 1), **arguments)
    same(every, x[None, :, :, 0:4, 1:5])
    chosen = run("crop_resize", x=x, boxes=box, box_indices=np.array([2], np.int32), **arguments)
    same(chosen, x[2:, :, 0:4, 1:5])
    with pytest.raises(IndexError, match="outside the batch of 3"):
        run("crop_resize", x=x, boxes=box, box_indices=np.array([3], np.int32))


@pytest.mark.parametrize(
    ("mode", "box"),
    [
        ("CORNERS_HEIGHT_FIRST", [0, 1, 2, 4]),
        ("CORNERS_WIDTH_FIRST", [1, 0, 4, 2]),
        ("CENTER_SIZE_HEIGHT_FIRST", [1, 2.5, 2, 3]),
        ("CENTER_SIZE_WIDTH_FIRST", [2.5, 1, 3, 2]),
    ],
)
def test_crop_resize_box_coordinates(mode: str, box: list[float]) -> None:
    x = numbers(1, 1, 4, 6)
    actual = run(
        "crop_resize",
        x=x,
        boxes=np.array([box], np.float32),
        target_height=3,
        target_width=4,
        box_coordinate_mode=mode,
        sampling_mode="STRICT_ALIGN_CORNERS",
    )
    same(actual, x[:, :, 0:3, 1:5])


def test_crop_resize_with_offset_corners_is_roi_align_with_one_sample() -> None:
    x = numbers(1, 1, 8, 8)
    actual = run(
        "crop_resize",
        x=x,
        boxes=np.array([[4.0, 2.0, 12.0, 10.0]], np.float32),
        target_height=2,
        target_width=2,
        spatial_scale=0.5,
        sampling_mode="OFFSET_CORNERS",
    )
    same(actual, x[:, :, [3, 5]][..., [2, 4]])
