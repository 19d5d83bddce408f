from __future__ import annotations

import functools
import itertools
import math

import pytest
import torch
from torch import Tensor

from sdqa.convert.calibration_data import record_trajectory
from sdqa.convert.sensitivity import WIDTHS, TensorSensitivity, allocate, measure_sensitivity, predict_db, reach, spend
from sdqa.errors import ConversionError
from sdqa.models import load_teacher
from tests.builders import Convert
from tests.convert.test_component import compare


def geometric(scale: float, elements: int = 100) -> TensorSensitivity:
    return TensorSensitivity(elements, {width: scale * 4.0**-width for width in WIDTHS})


MODEL = {"loud": geometric(1000.0), "plain": geometric(1.0), "quiet": geometric(0.001), "big": geometric(1.0, 400)}


@pytest.mark.parametrize("average", [1.0, 2.0, 3.5, 5.0, 8.0])
def test_allocation_stays_within_its_budget_and_is_as_good_as_exhaustive_search(average: float) -> None:
    bits = spend(MODEL, average)
    elements = sum(each.elements for each in MODEL.values())
    assert sum(bits[name] * MODEL[name].elements for name in MODEL) <= average * elements
    best = max(
        predict_db(dict(zip(MODEL, widths, strict=True)), MODEL, 1.0)
        for widths in itertools.product(WIDTHS, repeat=len(MODEL))
        if sum(width * each.elements for width, each in zip(widths, MODEL.values(), strict=True)) <= average * elements
    )
    assert predict_db(bits, MODEL, 1.0) >= best - 1.5


def test_sensitive_tensors_get_more_bits() -> None:
    bits = spend(MODEL, 3.5)
    assert bits["loud"] > bits["plain"] >= bits["quiet"]


@pytest.mark.parametrize("decibel", [0.0, 10.0, 18.0])
def test_decibel_targets_are_reached(decibel: float) -> None:
    assert predict_db(reach(MODEL, 1.0, decibel), MODEL, 1.0) >= decibel


def test_impossible_averages_are_refused() -> None:
    with pytest.raises(ConversionError, match="below the smallest width"):
        spend(MODEL, 0.5)


def test_trajectory_is_what_the_teacher_sees() -> None:
    steps = record_trajectory(load_teacher("random:miniature-sdxl"), ("a girl",), steps=2)
    assert [tuple(tensor.shape) for tensor in steps[0]] == [(2, 4, 16, 16), (2,), (2, 80, 1, 77), (2, 6), (2, 48)]
    first, second = steps
    assert first[1][0] > second[1][0]
    assert not torch.equal(first[0], second[0])
    assert not torch.equal(first[2][0], first[2][1]), "without and with the prompt"


class TwoLayers(torch.nn.Module):
    """The first layer's errors are amplified a thousandfold by the second one's scale."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second = torch.nn.Linear(64, 64, bias=False), torch.nn.Linear(64, 64, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return 1000 * self.first(x) + self.second(x)


def test_sensitivity_sees_which_layer_matters() -> None:
    layers = TwoLayers().requires_grad_(False)
    before = {name: value.clone() for name, value in layers.state_dict().items()}
    found, signal = measure_sensitivity(layers, [(torch.randn(8, 64),)])
    assert found["first.weight"].noise[4] > 1e5 * found["second.weight"].noise[4]
    assert list(found["first.weight"].noise.values()) == sorted(found["first.weight"].noise.values(), reverse=True)
    assert signal > 0
    assert all(torch.equal(before[name], value) for name, value in layers.state_dict().items())


def test_measured_ratio_of_an_allocation_is_near_the_predicted_one() -> None:
    inputs = [(torch.randn(64, 64, generator=torch.Generator().manual_seed(1)),)]
    allocation = allocate(inputs, TwoLayers().requires_grad_(False), "4bit")
    assert math.isclose(allocation.predicted_db, allocation.measured_db, abs_tol=1.0)
    assert allocate(inputs, TwoLayers().requires_grad_(False), "30dB").measured_db >= 30


@pytest.mark.slow
def test_mixed_bit_unet_beats_the_uniform_one_of_the_same_size(
    packages: Convert, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = functools.partial(record_trajectory, prompts=("a girl",), steps=2)
    monkeypatch.setattr("sdqa.convert.calibration_data.record_trajectory", short)
    mixed = packages("unet", compression="mixed-bit:4.0bit")
    uniform = packages("unet", compression="palettize-4bit")
    assert {"2", "4", "6", "8"} & set(mixed.bit_widths)
    assert len(set(mixed.bit_widths) - {"16"}) > 1
    assert mixed.bytes <= 1.05 * uniform.bytes
    better, plain = (compare(packages, "unet", compression=name)[0] for name in ("mixed-bit:4.0bit", "palettize-4bit"))
    assert better > plain
