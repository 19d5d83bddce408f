"""Convolutions against a direct sum over the kernel, written out in float64."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch

from .oracle import numbers, run, same

Array = np.ndarray[Any, Any]


def direct_conv(
    x: Array, w: Array, pads: list[tuple[int, int]], strides: list[int], dilations: list[int], groups: int
) -> Array:
    """out[n, o, p] = Σ x[n, i, p·stride + k·dilation - pad] w[o, i, k]."""
    x = np.pad(x.astype(np.float64), [(0, 0), (0, 0), *pads])
    kernel = w.shape[2:]
    extent = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    sizes = [(s - e) // st + 1 for s, e, st in zip(x.shape[2:], extent, strides, strict=True)]
    out = np.zeros((x.shape[0], w.shape[0], *sizes))
    inputs, outputs = x.shape[1] // groups, w.shape[0] // groups
    for g, k in itertools.product(range(groups), itertools.product(*map(range, kernel))):
        window = tuple(
            slice(i * d, i * d + (s - 1) * st + 1, st) for i, d, s, st in zip(k, dilations, sizes, strides, strict=True)
        )
        part = x[(slice(None), slice(g * inputs, (g + 1) * inputs), *window)]
        place: Any = (..., *k)
        weights = w[g * outputs : (g + 1) * outputs][place]
        out[:, g * outputs : (g + 1) * outputs] += np.einsum("oi,ni...->no...", weights, part)
    return out


def direct_conv_transpose(x: Array, w: Array, strides: list[int], dilations: list[int], groups: int) -> Array:
    """The full result: every input element adds its kernel at its own place."""
    kernel = w.shape[2:]
    full = [(s - 1) * st + (k - 1) * d + 1 for s, st, k, d in zip(x.shape[2:], strides, kernel, dilations, strict=True)]
    inputs, outputs = x.shape[1] // groups, w.shape[1]
    out = np.zeros((x.shape[0], outputs * groups, *full))
    for g, k in itertools.product(range(groups), itertools.product(*map(range, kernel))):
        window = tuple(
            slice(i * d, i * d + (s - 1) * st + 1, st)
            for i, d, s, st in zip(k, dilations, x.shape[2:], strides, strict=True)
        )
        part = x[:, g * inputs : (g + 1) * inputs].astype(np.float64)
        place: Any = (..., *k)
        weights = w[g * inputs : (g + 1) * inputs][place]
        out[(slice(None), slice(g * outputs, (g + 1) * outputs), *window)] += np.einsum(
            "io,ni...->no...", weights, part
        )
    return out


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("groups", [1, 2])
def test_conv_valid(rank: int, groups: int) -> None:
    x, w, b = numbers(2, 4, *[7] * rank), numbers(6, 4 // groups, *[3] * rank, seed=1), numbers(6, seed=2)
    expected = direct_conv(x, w, [(0, 0)] * rank, [1] * rank, [1] * rank, groups) + b.reshape(-1, *[1] * rank)
    same(run("conv", x=x, weight=w, bias=b, groups=groups), expected, atol=1e-4)


def test_conv_with_asymmetric_padding_strides_and_dilations() -> None:
    x, w = numbers(1, 3, 9, 8), numbers(2, 3, 3, 2, seed=1)
    expected = direct_conv(x, w, [(0, 2), (3, 1)], [2, 1], [1, 2], 1)
    actual = run("conv", x=x, weight=w, pad_type="custom", pad=[0, 2, 3, 1], strides=[2, 1], dilations=[1, 2])
    same(actual, expected, atol=1e-4)


@pytest.mark.parametrize(("pad_type", "pads"), [("same", [(0, 1), (1, 1)]), ("same_lower", [(1, 0), (1, 1)])])
def test_conv_same_puts_the_odd_element_after_and_same_lower_before(pad_type: str, pads: list[tuple[int, int]]) -> None:
    x, w = numbers(1, 2, 6, 5), numbers(3, 2, 2, 3, seed=1)
    expected = direct_conv(x, w, pads, [1, 1], [1, 1], 1)
    assert expected.shape[2:] == (6, 5)
    same(run("conv", x=x, weight=w, pad_type=pad_type), expected, atol=1e-4)


def test_conv_same_with_strides_gives_the_ceiling() -> None:
    result = run("conv", x=numbers(1, 1, 7, 8), weight=numbers(1, 1, 3, 3), pad_type="same", strides=[2, 3])
    assert result.shape == (1, 1, 4, 3)


def test_conv_ignores_pad_unless_custom() -> None:
    x, w = numbers(1, 1, 5), numbers(1, 1, 3)
    assert run("conv", x=x, weight=w, pad_type="valid", pad=[4, 4]).shape == (1, 1, 3)


def test_conv_refuses_a_rank_it_does_not_know() -> None:
    with pytest.raises(ValueError, match="1 to 3 spatial dimensions"):
        run("conv", x=numbers(1, 1, 2, 2, 2, 2), weight=numbers(1, 1, 1, 1, 1, 1))


def test_conv_promotes_half_precision_weights() -> None:
    x, w = numbers(1, 2, 5), numbers(3, 2, 3, seed=1).astype(np.float16)
    result = run("conv", x=x, weight=w)
    assert result.dtype == np.float32
    same(result, direct_conv(x, w.astype(np.float32), [(0, 0)], [1], [1], 1), atol=1e-4)


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("groups", [1, 2])
def test_conv_transpose_valid(rank: int, groups: int) -> None:
    x, w, b = numbers(2, 4, *[4] * rank), numbers(4, 3, *[3] * rank, seed=1), numbers(3 * groups, seed=2)
    expected = direct_conv_transpose(x, w, [2] * rank, [1] * rank, groups) + b.reshape(-1, *[1] * rank)
    same(run("conv_transpose", x=x, weight=w, bias=b, groups=groups, strides=[2] * rank), expected, atol=1e-4)


@pytest.mark.parametrize("dilations", [[1, 1], [2, 3]])
def test_conv_transpose_with_asymmetric_padding(dilations: list[int]) -> None:
    x, w = numbers(1, 2, 5, 6), numbers(2, 3, 3, 3, seed=1)
    full = direct_conv_transpose(x, w, [2, 1], dilations, 1)
    expected = full[:, :, 1 : full.shape[2] - 2, : full.shape[3] - 3]
    actual = run(
        "conv_transpose", x=x, weight=w, pad_type="custom", pad=[1, 2, 0, 3], strides=[2, 1], dilations=dilations
    )
    same(actual, expected, atol=1e-4)


@pytest.mark.parametrize("kernel", [3, 4, 5])
def test_conv_transpose_same_is_input_times_stride(kernel: int) -> None:
    x, w = numbers(1, 2, 5), numbers(2, 1, kernel, seed=1)
    full = direct_conv_transpose(x, w, [2], [1], 1)
    front = (full.shape[2] - 10) // 2
    same(run("conv_transpose", x=x, weight=w, pad_type="same", strides=[2]), full[:, :, front : front + 10], atol=1e-4)


def test_conv_transpose_same_of_a_kernel_below_the_stride_is_extended_with_the_bias() -> None:
    x, w, b = numbers(1, 1, 3), numbers(1, 2, 1, seed=1), np.array([5.0, -1.0], np.float32)
    result = run("conv_transpose", x=x, weight=w, bias=b, pad_type="same", strides=[3])
    expected = np.zeros((1, 2, 9))
    expected[:, :, :7] = direct_conv_transpose(x, w, [3], [1], 1)
    same(result, expected + b.reshape(1, 2, 1))


@pytest.mark.parametrize("extra", [0, 1])
@pytest.mark.parametrize("dilation", [1, 2])
def test_conv_transpose_output_shape_agrees_with_torch_output_padding(extra: int, dilation: int) -> None:
    x, w, b = numbers(1, 2, 5, 4), numbers(2, 3, 3, 3, seed=1), numbers(3, seed=2)
    expected = torch.nn.functional.conv_transpose2d(
        torch.from_numpy(x), torch.from_numpy(w), torch.from_numpy(b), 2, 1, extra, 1, dilation
    ).numpy()
    actual = run(
        "conv_transpose",
        x=x,
        weight=w,
        bias=b,
        pad_type="custom",
        pad=[1, 1, 1, 1],
        strides=[2, 2],
        dilations=[dilation, dilation],
        output_shape=list(expected.shape),
    )
    same(actual, expected, atol=1e-5)


def test_conv_transpose_output_shape_far_beyond_the_full_result_holds_the_bias() -> None:
    x, w, b = numbers(1, 1, 3), numbers(1, 1, 2, seed=1), np.array([2.0], np.float32)
    result = run("conv_transpose", x=x, weight=w, bias=b, output_shape=[1, 1, 9])
    assert result.shape == (1, 1, 9)
    same(result[0, 0, :4], direct_conv_transpose(x, w, [1], [1], 1)[0, 0] + 2.0)
    assert result[0, 0, 4:].tolist() == [2.0] * 5


def test_conv_transpose_refuses_padding_larger_than_the_result() -> None:
    with pytest.raises(ValueError, match="larger than the full result"):
        run("conv_transpose", x=numbers(1, 1, 2), weight=numbers(1, 1, 2), pad_type="custom", pad=[2, 2])


def test_conv_quantized_unpacks_its_weights() -> None:
    x, stored = numbers(1, 2, 5), np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    scale, offset = np.array([0.5, 0.25], np.float32), np.array([-1.0, 2.0], np.float32)
    weights = stored * scale.reshape(-1, 1, 1) + offset.reshape(-1, 1, 1)
    actual = run("conv_quantized", x=x, weight=stored, quantization_type="linear", quant_scale=scale, quant_bias=offset)
    same(actual, direct_conv(x, weights, [(0, 0)], [1], [1], 1), atol=1e-4)


def test_conv_quantized_refuses_a_table_it_is_not_given() -> None:
    with pytest.raises(ValueError, match="lut"):
        run(
            "conv_quantized",
            x=numbers(1, 1, 3),
            weight=np.zeros((1, 1, 1), np.uint8),
            quantization_type="lut",
            quant_scale=np.ones(1, np.float32),
            quant_bias=np.zeros(1, np.float32),
        )
