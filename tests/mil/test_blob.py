"""Packed values, against an independent reading of the bits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdqa.mil.blob import unpack_bits


@given(st.binary(min_size=1, max_size=40), st.sampled_from([1, 2, 3, 4, 6, 8]), st.booleans())
def test_unpacking_reads_the_low_bits_first(raw: bytes, bits: int, signed: bool) -> None:
    count = len(raw) * 8 // bits
    number = int.from_bytes(raw, "little")
    expected = [(number >> (index * bits)) & ((1 << bits) - 1) for index in range(count)]
    if signed:
        expected = [value - (1 << bits) if value >> (bits - 1) else value for value in expected]
    unpacked = unpack_bits(np.frombuffer(raw, np.uint8), bits, count, signed=signed)
    assert unpacked.tolist() == expected


def test_too_few_bytes_are_refused() -> None:
    with pytest.raises(ValueError, match="1 bytes for 3 values"):
        unpack_bits(np.zeros(1, np.uint8), 4, 3)
