"""Unpacking of compressed weights: equal to coremltools' own, to the bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdqa import compat
from sdqa.mil.ops.constexpr import unpack_bits
from sdqa.mil.registry import unpacker

Array = np.ndarray[Any, Any]


def unpack(name: str, **arguments: Any) -> Any:
    found = unpacker(name)
    assert found is not None
    return found(**arguments)


def theirs(name: str, *, old: bool = False) -> Any:
    """coremltools' class of an operation."""
    compat.prepare_coremltools()
    from coremltools.converters.mil.mil.ops.defs.iOS16 import constexpr_ops
    from coremltools.converters.mil.mil.ops.defs.iOS18 import compression

    return getattr(constexpr_ops if old else compression, name)


def equal(actual: Any, expected: Any) -> None:
    """Same shape, dtype and bits."""
    if isinstance(expected, tuple):
        assert len(actual) == len(expected)
        for one, other in zip(actual, expected, strict=True):
            equal(one, other)
        return
    assert actual.dtype == expected.dtype
    np.testing.assert_array_equal(actual, expected)


def random(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


@settings(max_examples=100, deadline=None)
@given(bits=st.sampled_from([1, 2, 3, 4, 6, 8]), count=st.integers(0, 50), seed=st.integers(0, 1000))
def test_bits_are_packed_from_the_least_significant(bits: int, count: int, seed: int) -> None:
    numbers = random(seed).integers(0, 1 << bits, count)
    whole = sum(int(number) << (bits * place) for place, number in enumerate(numbers))
    packed = np.frombuffer(whole.to_bytes(-(-bits * count // 8), "little"), np.uint8)
    assert unpack_bits(packed, bits, count).tolist() == numbers.tolist()


def test_too_few_bytes_are_refused() -> None:
    with pytest.raises(ValueError, match="2 bytes cannot hold 5 numbers of 4 bits"):
        unpack_bits(np.zeros(2, np.uint8), 4, 5)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8])
@pytest.mark.parametrize("scale_dtype", [np.float16, np.float32])
@pytest.mark.parametrize("axis", [0, 2, -1, None])
def test_affine_dequantize(dtype: Any, scale_dtype: Any, axis: int | None) -> None:
    data = random(0).integers(-128 if dtype is np.int8 else 0, 127, (3, 4, 5)).astype(dtype)
    shape = () if axis is None else (data.shape[axis],)
    scale = np.asarray(random(1).uniform(0.01, 1, shape)).astype(scale_dtype)
    zero_point = np.asarray(random(2).integers(0, 100, shape)).astype(dtype)
    arguments = {"quantized_data": data, "scale": scale, "zero_point": zero_point, "axis": np.int32(axis or 0)}
    equal(
        unpack("constexpr_affine_dequantize", **arguments),
        theirs("constexpr_affine_dequantize", old=True).decompress(data, zero_point, scale, axis or 0),
    )


def test_cast() -> None:
    source = random(0).normal(size=(3, 4)).astype(np.float16)
    equal(unpack("constexpr_cast", source_val=source, output_dtype="fp32"), source.astype(np.float32))
    with pytest.raises(ValueError, match="only fp32"):
        unpack("constexpr_cast", source_val=source, output_dtype="int32")


@pytest.mark.parametrize("bits", [1, 2, 4, 6, 8])
def test_lut_to_dense_of_ios16(bits: int) -> None:
    shape = np.array([3, 5, 2], np.uint32)
    indices = random(bits).integers(0, 256, -(-30 * bits // 8)).astype(np.uint8)
    lut = random(1).normal(size=1 << bits).astype(np.float16)
    expected = theirs("constexpr_lut_to_dense", old=True).decompress(lut, indices, shape)
    equal(unpack("constexpr_lut_to_dense", indices=indices, lut=lut, shape=shape), expected)


def test_sparse_to_dense_of_ios16() -> None:
    shape = np.array([3, 5], np.uint32)
    mask = np.packbits(random(0).random(15) > 0.5, bitorder="little")
    values = random(1).normal(size=int(np.unpackbits(mask).sum())).astype(np.float16)
    actual = unpack("constexpr_sparse_to_dense", nonzero_data=values, mask=mask, shape=shape)
    kept = np.unpackbits(mask, bitorder="little", count=15).reshape(3, 5).astype(bool)
    equal(actual[kept], values)
    assert not actual[~kept].any()


@pytest.mark.parametrize("blocks", [(1, 1, 1), (6, 1, 1), (3, 2, 1), (1, 4, 5), (6, 4, 5)])
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("offset", ["none", "integers", "floats"])
def test_blockwise_shift_scale(blocks: tuple[int, ...], dtype: Any, offset: str) -> None:
    data = random(0).integers(-128, 128, (6, 4, 5)).astype(np.int8)
    scale = random(1).uniform(0.001, 2, blocks).astype(dtype)
    offsets = {
        "none": None,
        "integers": random(2).integers(-128, 128, blocks).astype(np.int8),
        "floats": random(3).normal(size=blocks).astype(dtype),
    }
    arguments = {"data": data, "scale": scale, "offset": offsets[offset]}
    expected = theirs("constexpr_blockwise_shift_scale").decompress(**arguments)
    given = {key: value for key, value in arguments.items() if value is not None}
    equal(unpack("constexpr_blockwise_shift_scale", **given), expected)


@pytest.mark.parametrize(("groups", "vector", "axis"), [((1, 1), 1, None), ((2, 1), 1, None), ((3, 2), 1, 0)])
@pytest.mark.parametrize("bits", [1, 3, 4, 8])
def test_lut_to_dense_of_ios18(groups: tuple[int, int], vector: int, axis: int | None, bits: int) -> None:
    indices = random(0).integers(0, 1 << bits, (6, 4)).astype(np.uint8)
    lut = random(1).normal(size=(*groups, 1 << bits, vector)).astype(np.float16)
    expected = theirs("constexpr_lut_to_dense").decompress(indices, lut, axis)
    equal(unpack("constexpr_lut_to_dense", indices=indices, lut=lut, vector_axis=axis), expected)


@pytest.mark.parametrize("vector", [2, 3])
@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_vectors_extend_along_their_axis(vector: int, axis: int) -> None:
    indices = random(0).integers(0, 4, (3, 4, 5)).astype(np.uint8)
    lut = random(1).normal(size=(1, 1, 1, 4, vector)).astype(np.float32)
    expected = theirs("constexpr_lut_to_dense").decompress(indices, lut, axis)
    equal(unpack("constexpr_lut_to_dense", indices=indices, lut=lut, vector_axis=axis), expected)


def test_vectors_of_the_documentation() -> None:
    indices = np.array([[[0, 0], [1, 0]], [[1, 1], [0, 0]]], np.uint8)
    lut = np.array([[10, 11, 12], [20, 21, 22]], np.int8).reshape(1, 1, 1, 2, 3)
    a, b = [10, 11, 12], [20, 21, 22]
    middle = unpack("constexpr_lut_to_dense", indices=indices, lut=lut, vector_axis=1)
    assert middle[0].T.tolist() == [a + b, a + a]
    last = unpack("constexpr_lut_to_dense", indices=indices, lut=lut, vector_axis=2)
    assert last.tolist() == [[a + a, b + a], [b + b, a + a]]


@pytest.mark.parametrize("chunk", [1, 7, 20])
@pytest.mark.parametrize(
    ("groups", "vector", "axis"), [((1, 1), 1, None), ((3, 2), 1, None), ((3, 1), 2, 0), ((1, 2), 2, 1)]
)
def test_looking_up_in_pieces_changes_nothing(
    chunk: int, groups: tuple[int, int], vector: int, axis: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    indices = random(0).integers(0, 4, (6, 8)).astype(np.uint8)
    lut = random(1).normal(size=(*groups, 4, vector)).astype(np.float16)
    monkeypatch.setattr("sdqa.mil.ops.constexpr.CHUNK", chunk)
    expected = theirs("constexpr_lut_to_dense").decompress(indices, lut, axis)
    equal(unpack("constexpr_lut_to_dense", indices=indices, lut=lut, vector_axis=axis), expected)


def mask_of(*shape: int) -> Array:
    return (random(9).random(shape) > 0.4).astype(np.uint8)


def test_sparse_to_dense_of_ios18() -> None:
    mask = mask_of(4, 6)
    values = random(1).integers(-8, 8, int(mask.sum())).astype(np.int8)
    expected = theirs("constexpr_sparse_to_dense").decompress(values, mask)
    equal(unpack("constexpr_sparse_to_dense", nonzero_data=values, mask=mask), expected)


@pytest.mark.parametrize(("vector", "axis"), [(1, None), (2, 0), (2, 1)])
def test_lut_to_sparse(vector: int, axis: int | None) -> None:
    mask = mask_of(4, 6)
    indices = random(1).integers(0, 4, int(mask.sum())).astype(np.uint8)
    lut = random(2).normal(size=(1, 1, 4, vector)).astype(np.float16)
    expected = theirs("constexpr_lut_to_sparse").decompress(mask, indices, lut, axis)
    actual = unpack(
        "constexpr_lut_to_sparse", indices_mask=mask, indices_nonzero_data=indices, lut=lut, vector_axis=axis
    )
    equal(actual, expected)


@pytest.mark.parametrize("blocks", [(1, 1), (4, 1), (2, 3)])
@pytest.mark.parametrize("shifted", [False, True])
def test_sparse_blockwise_shift_scale(blocks: tuple[int, int], shifted: bool) -> None:
    mask = mask_of(4, 6)
    values = random(1).integers(-128, 128, int(mask.sum())).astype(np.int8)
    scale = random(2).uniform(0.01, 1, blocks).astype(np.float16)
    offset = random(3).integers(-9, 9, blocks).astype(np.int8) if shifted else None
    expected = theirs("constexpr_sparse_blockwise_shift_scale").decompress(mask, values, scale, offset)
    arguments = {"data_mask": mask, "nonzero_data": values, "scale": scale}
    actual = unpack("constexpr_sparse_blockwise_shift_scale", **arguments, **({"offset": offset} if shifted else {}))
    equal(actual, expected)


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        (
            "constexpr_lut_to_dense",
            {"indices": np.array([3], np.uint8), "lut": np.zeros((1, 2, 1), np.float32)},
            "index 3 into a table of 2 entries",
        ),
        (
            "constexpr_lut_to_dense",
            {"indices": np.array([3], np.uint8), "lut": np.zeros((2, 1), np.float32)},
            "a table of shape",
        ),
        (
            "constexpr_lut_to_dense",
            {"indices": np.array([255], np.uint8), "lut": np.zeros(3, np.float32), "shape": np.array([8], np.uint32)},
            "a table of 3 entries",
        ),
        (
            "constexpr_blockwise_shift_scale",
            {"data": np.zeros((4, 3), np.int8), "scale": np.ones((3, 1), np.float32)},
            "do not divide",
        ),
        (
            "constexpr_blockwise_shift_scale",
            {
                "data": np.zeros((4, 3), np.int8),
                "scale": np.ones((2, 1), np.float32),
                "offset": np.ones((1, 1), np.float32),
            },
            "beside a scale",
        ),
        (
            "constexpr_sparse_to_dense",
            {"nonzero_data": np.zeros(3, np.float32), "mask": np.array([1, 0], np.uint8)},
            "3 values for a mask with 1 bits set",
        ),
    ],
)
def test_what_does_not_fit_together_is_refused(name: str, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        unpack(name, **arguments)
