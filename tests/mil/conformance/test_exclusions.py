"""The evidence for every exclusion, repeated: an exact computation, without this project's runtime, fails too."""

from __future__ import annotations

import re
from importlib import resources
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from sdqa import compat
from sdqa.mil.conformance import exclusions

RTOL, ATOL = 1e-5, 1e-4
"""coremltools' tolerance for fp32."""


def missed(exact: Any, expected: Any) -> bool:
    """Whether an exact result lies outside the tolerance around an expectation."""
    return not np.allclose(np.asarray(exact, np.float64), np.asarray(expected, np.float64), rtol=RTOL, atol=ATOL)


def test_every_exclusion_has_a_reason_and_evidence() -> None:
    entries = exclusions.load()
    assert entries
    assert len({entry.pattern for entry in entries}) == len(entries)
    with pytest.raises(ValueError, match="lacks a reason or evidence"):
        exclusions.load("[[exclusion]]\npattern = 'x'\nreason = 'y'\nevidence = ' '\n")


@pytest.mark.parametrize(
    ("test", "excluded"),
    [
        ("iOS17/test_conv.py::TestConv::test_builder_to_backend_stress[precision='fp32'-x=(float16, float32)]", True),
        ("iOS17/test_conv.py::TestConv::test_builder_to_backend_stress[precision='fp16'-x=(float16, float32)]", False),
        ("iOS17/test_conv.py::TestConv::test_builder_to_backend_stress[precision='fp32'-x=(float32, float32)]", False),
        ("test_pool.py::TestPool::test_builder_to_backend_stress[precision='fp32'-x=(float16, float32)]", False),
    ],
)
def test_patterns_mean_no_more_than_they_say(test: str, excluded: bool) -> None:
    assert (exclusions.matching(test, exclusions.load()) is not None) == excluded


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize(
    ("data", "weights"), [(np.float16, np.float16), (np.float16, np.float32), (np.float32, np.float16)]
)
def test_convolutions_are_expected_from_numbers_before_they_are_rounded(
    transposed: bool, data: Any, weights: Any
) -> None:
    torch.manual_seed(0)
    layer = (torch.nn.ConvTranspose2d if transposed else torch.nn.Conv2d)(2, 4, (2, 4), stride=2, padding=2, groups=2)
    x = torch.randn(1, 2, 12, 14)
    with torch.no_grad():
        expected = layer(x).numpy().astype(data)  # the order of coremltools' test: compute, then round
    rounded = [torch.from_numpy(value.detach().numpy().astype(weights)).double() for value in layer.parameters()]
    run: Any = F.conv_transpose2d if transposed else F.conv2d
    exact = run(torch.from_numpy(x.numpy().astype(data)).double(), *rounded, stride=2, padding=2, groups=2)
    assert missed(exact.numpy().astype(data), expected)


def test_recurrent_layers_are_expected_from_numbers_before_they_are_rounded() -> None:
    torch.manual_seed(0)
    layer, x = torch.nn.LSTM(1, 2, bidirectional=True), torch.randn(8, 32, 1)
    with torch.no_grad():
        expected = layer(x)[0].numpy().astype(np.float16)
        for parameter in layer.parameters():
            parameter.copy_(parameter.half())
        exact = layer.double()(x.half().double())[0].numpy()
    assert missed(exact.astype(np.float16), expected)
    assert missed(exact.astype(np.float16), exact)  # what is expected in float64 cannot be met by an fp16 result


SMOKE = np.array([[-16.0, 13.0], [11.0, 16.0]])
"""The first channel of coremltools' instance_norm test; epsilon 1e-2, gamma -9, beta -0.8."""


def test_instance_norm_is_expected_in_digits_that_fp16_does_not_have() -> None:
    normalized = (SMOKE - SMOKE.mean()) / np.sqrt(SMOKE.var() + np.float64(np.float16(1e-2)))
    assert missed(normalized.astype(np.float16), [[-1.71524656, 0.54576027], [0.38982874, 0.77965748]])
    digits = [[14.63721807, -5.71184211], [-4.30845865, -7.8169173]]
    beta = np.float64(np.float16(-0.8))
    assert missed(normalized * -9.0 + beta, digits)
    exact = (SMOKE - SMOKE.mean()) / np.sqrt(SMOKE.var() + 1e-2)
    assert not missed(exact * -9.0 - 0.8, digits)  # with parameters in fp32 they are right


def test_l2_norm_is_expected_in_fp16_arithmetic() -> None:
    compat.prepare_coremltools()
    x = np.random.default_rng(0).uniform(-1, 1, (3, 2, 4, 3, 5)).astype(np.float16)
    flat = x.reshape(6, -1)
    expected = (flat / np.power(np.sum(flat * flat, axis=1, keepdims=True) + 1e-4, 0.5)).reshape(x.shape)
    wide = x.astype(np.float64)
    exact = wide / np.sqrt((wide**2).sum((-3, -2, -1), keepdims=True) + np.float64(np.float16(1e-4)))
    assert missed(exact.astype(np.float16), expected)


def test_resample_is_expected_at_a_coordinate_that_fp16_does_not_have() -> None:
    image, place = np.array([[11.0, 22.0], [33.0, 44.0]]), np.float64(np.float16(-3.7))
    folded = abs(place) % 2  # reflection over a width of 2: period 2
    across = 2 - folded if folded > 1 else folded
    assert missed(image[1, 0] + across * (image[1, 1] - image[1, 0]), 36.3)
    assert not missed(image[1, 0] + 0.3 * (image[1, 1] - image[1, 0]), 36.3)


def test_resample_for_ios15_counts_casts_that_only_fp16_has() -> None:
    files = resources.files("coremltools.converters.mil.mil.ops.tests")
    old = files.joinpath("iOS15", "test_image_resizing.py").read_text("utf-8")
    new = files.joinpath("iOS16", "test_image_resizing.py").read_text("utf-8")
    assert "self._test_builder_to_backend_smoke(compute_unit, backend, coordinates_dtype, 2)" in old
    assert 'expected_cast_ops = 2 if backend.precision == "fp16" else 0' in new


def test_tables_are_expected_with_a_sum_in_fp16() -> None:
    table = np.random.default_rng(0).random(8).astype(np.float16)
    assert missed(table.astype(np.float32) + 1, table + 1)
    assert (table + 1).dtype == np.float16


def test_crop_resize_permits_coordinates_up_to_one() -> None:
    compat.prepare_coremltools()
    from coremltools.converters.mil.mil.ops.defs.iOS15 import image_resizing

    words = " ".join(str(image_resizing.crop_resize.__doc__).split())
    assert re.search(r"If ``True``, the bounding box coordinates must be in the interval ``\[0, 1\]``", words)


def test_unvalidated_indices_are_undefined() -> None:
    compat.prepare_coremltools()
    from coremltools.converters.mil.mil.ops.defs.iOS17 import scatter_gather

    words = " ".join(str(scatter_gather.scatter.__doc__).split())
    assert "Behavior for out-of-bound indices is undefined but memory safe" in words


def test_int16_indices_are_introduced_at_fp16_precision_only() -> None:
    source = resources.files("coremltools.converters.mil.mil.passes").joinpath("pass_pipeline.py").read_text("utf-8")
    assert '"common::add_int16_cast",  # Will be removed if compute precision is not FP16.' in source
