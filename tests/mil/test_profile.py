"""Costs of a program, counted by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from coremltools.converters.mil import Builder as mb

from sdqa import mil
from tests.mil.conftest import Convert


def test_costs_of_the_small_network(network: Path) -> None:
    costs = mil.load(network).profile()
    flops = {cost.name: cost.flops for cost in costs.operations}
    assert flops["first"] == 2 * 8 * 36 * 27
    assert flops["second"] == 2 * 8 * 36 * 72
    assert flops["dense"] == 2 * 4 * 288 + 4
    assert flops["residual"] == 288
    assert flops["flat"] == 0
    assert costs.flops == sum(count or 0 for count in flops.values())
    weights = 4 * (8 * 27 + 8 * 72 + 4 * 288)
    assert costs.weight_bytes_stored >= weights
    assert weights <= costs.weight_bytes_unpacked <= weights + 4 * 100
    # the second convolution runs while the input, the activation and its own result are alive
    assert costs.peak_live_bytes == 4 * (108 + 3 * 288)


def test_an_einsum_counts_the_sums_that_it_makes(convert: Convert) -> None:
    @mb.program(input_specs=[mb.TensorSpec(shape=(2, 7, 1, 8)), mb.TensorSpec(shape=(2, 8, 1, 5))])
    def attention(key: Any, query: Any) -> Any:
        return mb.einsum(values=(key, query), equation="bkhc,bchq->bkhq", name="scores")

    costs = {cost.name: cost for cost in mil.load(convert(attention, "einsum")).profile().operations}
    assert costs["scores"].flops == 2 * (2 * 8 * 5 * 7), "as the same product as a matmul"
    assert costs["scores"].bytes_written == 4 * (2 * 7 * 5)


def test_fp16_halves_the_traffic(network: Path, half_network: Path) -> None:
    full = {cost.name: cost for cost in mil.load(network).profile().operations}
    half = {cost.name: cost for cost in mil.load(half_network).profile().operations}
    assert half["residual_cast_fp16"].bytes_written == (full["residual"].bytes_written or 0) // 2
    assert half["residual_cast_fp16"].bytes_read == (full["residual"].bytes_read or 0) // 2
