"""Changes of shape and order against numpy, torch and coremltools' value inference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from .oracle import inferred, numbers, run, same


@pytest.mark.parametrize(
    "shape", [[6, 4], [-1, 3], [0, 3, 4], [0, 0, -1], [2, 0, 2, 2], [1, 0, -1, 0], [24], [0, 6, 0]]
)
def test_reshape(shape: list[int]) -> None:
    x = numbers(2, 3, 4)
    if shape in ([2, 0, 2, 2], [0, 6, 0]):  # 2·2·2·2 and 2·6·4 are not 24
        with pytest.raises(RuntimeError):
            run("reshape", x=x, shape=shape)
    else:
        same(run("reshape", x=x, shape=shape), inferred("reshape", x=x, shape=shape))


def test_reshape_refuses_another_number_of_elements() -> None:
    with pytest.raises(RuntimeError):
        run("reshape", x=numbers(2, 3), shape=[4])


def test_reshape_like() -> None:
    x = numbers(60)
    references = [numbers(2, 3, 4), numbers(1, 5, 2)]  # the example of coremltools' documentation, shorter
    arguments: dict[str, Any] = {"begins": [0, 1], "ends": [2, 0], "end_masks": [False, True]}
    same(run("reshape_like", x=x, ref_tensors=references, **arguments), x.reshape(2, 3, 5, 2))


def test_transpose_takes_negative_axes() -> None:
    x = numbers(2, 3, 4)
    same(run("transpose", x=x, perm=[2, 0, 1]), x.transpose(2, 0, 1))
    same(run("transpose", x=x, perm=[-1, 0, -2]), x.transpose(2, 0, 1))


@pytest.mark.parametrize("axes", [[0], [-1], [0, 2], [-1, 0], [1, 2, 5]])
def test_expand_dims(axes: list[int]) -> None:
    x = numbers(2, 3, 4)
    same(run("expand_dims", x=x, axes=axes), inferred("expand_dims", x=x, axes=axes))


def test_squeeze() -> None:
    x = numbers(1, 3, 1, 4, 1)
    assert run("squeeze", x=x).shape == (3, 4)
    assert run("squeeze", x=x, axes=[0, -1]).shape == (3, 1, 4)
    assert run("squeeze", x=x, axes=[0, 1]).shape == (3, 1, 4, 1)  # larger dimensions stay


@pytest.mark.parametrize(
    ("shape", "axis", "expected"),
    [((3,), -1, (1, 3)), ((3,), 1, (3, 1)), ((4, 3), -1, (4, 3)), ((2, 3, 2), -1, (6, 2)), ((5, 5, 2), 1, (5, 10))],
)
def test_flatten2d(shape: tuple[int, ...], axis: int, expected: tuple[int, int]) -> None:
    assert run("flatten2d", x=numbers(*shape), axis=axis).shape == expected


@pytest.mark.parametrize("axes", [[0], [0, 2], [-1]])
def test_reverse(axes: list[int]) -> None:
    x = numbers(2, 3, 4)
    same(run("reverse", x=x, axes=axes), np.flip(x, tuple(axes)))
    same(run("reverse", x=x), np.flip(x))


@pytest.mark.parametrize(("sequence", "batch"), [(1, 0), (0, 1), (2, 0), (1, 2), (-1, 1)])
def test_reverse_sequence(sequence: int, batch: int) -> None:
    x = numbers(3, 4, 5)
    lengths = np.random.default_rng(1).integers(0, x.shape[sequence] + 1, x.shape[batch]).astype(np.int32)
    expected = x.copy()
    moved, source = np.moveaxis(expected, [batch, sequence], [0, 1]), np.moveaxis(x, [batch, sequence], [0, 1])
    for place, length in enumerate(lengths):
        moved[place, :length] = source[place, :length][::-1]
    actual = run("reverse_sequence", x=x, lengths=lengths, seq_axis=sequence, batch_axis=batch)
    same(actual, expected)


def test_depth_to_space_takes_the_block_from_the_slow_part_of_the_channel() -> None:
    x = np.arange(16, dtype=np.float32).reshape(1, 8, 1, 2)
    expected = np.zeros((1, 2, 2, 4), np.float32)
    for c, i, j, w in np.ndindex(2, 2, 2, 2):
        expected[0, c, i, w * 2 + j] = x[0, (i * 2 + j) * 2 + c, 0, w]
    actual = run("depth_to_space", x=x, block_size=2)
    same(actual, expected)
    same(run("space_to_depth", x=actual, block_size=2), x)


def test_pixel_shuffle() -> None:
    x = numbers(2, 12, 3, 4)
    actual = run("pixel_shuffle", x=x, upscale_factor=2)
    expected = np.zeros((2, 3, 6, 8), np.float32)
    for c, i, j in np.ndindex(3, 2, 2):
        expected[:, c, i::2, j::2] = x[:, c * 4 + i * 2 + j]
    same(actual, expected)
    same(run("pixel_unshuffle", x=actual, downscale_factor=2), x)


def test_space_to_batch() -> None:
    x = numbers(2, 3, 4, 5)
    block, paddings = np.array([2, 3], np.int32), np.array([[1, 1], [0, 1]], np.int32)
    padded = np.pad(x, [(0, 0), (0, 0), (1, 1), (0, 1)])
    actual = run("space_to_batch", x=x, block_shape=block, paddings=paddings)
    for i, j, n in np.ndindex(2, 3, 2):
        same(actual[(i * 3 + j) * 2 + n], padded[n, :, i::2, j::3])
    crops = np.array([[1, 1], [0, 1]], np.int32)
    same(run("batch_to_space", x=actual, block_shape=block, crops=crops), x)


@pytest.mark.parametrize(("axis", "size", "stride"), [(0, 2, 1), (1, 3, 2), (-1, 2, 3)])
def test_sliding_windows(axis: int, size: int, stride: int) -> None:
    x = numbers(4, 5, 6)
    axis %= 3
    views = np.lib.stride_tricks.sliding_window_view(x, size, axis).take(
        range(0, x.shape[axis] - size + 1, stride), axis
    )
    same(run("sliding_windows", x=x, axis=axis - 3, size=size, stride=stride), np.moveaxis(views, -1, axis + 1))


def test_moving_values_does_not_round_them() -> None:
    from sdqa.mil.registry import operation

    for name in ("reshape", "transpose", "concat", "split", "gather", "pad", "slice_by_index", "select", "tile"):
        found = operation(name)
        assert found is not None
        assert found.movement, name
    conv = operation("conv")
    assert conv is not None
    assert not conv.movement


def test_views_share_memory() -> None:
    from sdqa.mil.registry import operation

    x, found = torch.zeros(2, 3), operation("transpose")
    assert found is not None
    result = found.run(x=x, perm=[1, 0])
    assert isinstance(result, torch.Tensor)
    assert result.data_ptr() == x.data_ptr()
