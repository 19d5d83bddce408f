"""Many weights that differ in the same way have one cause: an adapter, another checkpoint, a factor."""

from __future__ import annotations

import copy
from collections.abc import Callable

import numpy as np
import pytest

from sdqa.diagnose.pattern import pattern
from tests.diagnose.conftest import Laboratory

RANDOM = np.random.default_rng(0)
CHECKPOINT = {
    **{f"unet.m{index}.weight": RANDOM.standard_normal((48, 40)).astype(np.float32) for index in range(12)},
    **{f"unet.c{index}.weight": RANDOM.standard_normal((16, 16, 3, 3)).astype(np.float32) for index in range(4)},
    "unet.bias": RANDOM.standard_normal(48).astype(np.float32),
}
Change = Callable[[np.ndarray], np.ndarray]


def half(value: np.ndarray) -> np.ndarray:
    return value.astype(np.float16)


def low_rank(value: np.ndarray, rank: int = 4) -> np.ndarray:
    flat = value.reshape(len(value), -1)
    update = RANDOM.standard_normal((len(flat), rank)) @ RANDOM.standard_normal((rank, flat.shape[1]))
    return half(value + (0.2 * value.std() * update).reshape(value.shape))


def noisy(value: np.ndarray) -> np.ndarray:
    return half(value + 0.3 * value.std() * RANDOM.standard_normal(value.shape))


def held(change: Change, names: list[str]) -> dict[str, np.ndarray]:
    return {name: change(CHECKPOINT[name]) for name in names}


def test_updates_of_low_rank_are_a_missing_adapter() -> None:
    names = [name for name in CHECKPOINT if ".m" in name][:8]
    found = pattern(CHECKPOINT, held(low_rank, names), {}, 0.18215)
    assert found.kind == "adapter"
    assert found.words == (
        "8 of 17 parameters are not the checkpoint's: 8 matrices differ by updates of rank 4: "
        "an adapter of low rank is missing"
    )


def test_every_matrix_off_is_another_checkpoint() -> None:
    found = pattern(CHECKPOINT, held(noisy, [*CHECKPOINT]), {}, 0.18215)
    assert found.kind == "checkpoint"
    assert found.words.endswith("by 30 % in the median: it was converted from another checkpoint")


def test_one_weight_few_values_or_compression_are_no_pattern() -> None:
    matrices = [name for name in CHECKPOINT if name != "unet.bias"]
    assert not pattern(CHECKPOINT, held(noisy, matrices[:1]), {}, 1.0).kind
    assert not pattern(CHECKPOINT, held(noisy, matrices[:8]), {}, 1.0).kind

    def poked(value: np.ndarray) -> np.ndarray:
        changed = value.copy()
        changed.flat[0] += 5
        return half(changed)

    assert not pattern(CHECKPOINT, held(poked, matrices[:8]), {}, 1.0).kind

    def two_bits(value: np.ndarray) -> np.ndarray:
        levels = np.quantile(value, (0.125, 0.375, 0.625, 0.875))
        return half(levels[np.abs(value[..., None] - levels).argmin(-1)])

    assert not pattern(CHECKPOINT, held(two_bits, matrices), {}, 1.0).kind


@pytest.mark.parametrize(
    ("name", "factor", "kind", "words"),
    [
        ("encoder.conv_in.weight", 2.0, "range", "takes pictures in [0, 1] in place of"),
        ("encoder.conv_in.weight", 2 / 255, "range", "takes pictures in [0, 255]"),
        ("decoder.conv_out.weight", 0.5, "range", "gives pictures in [0, 1]"),
        ("post_quant_conv.weight", 1 / 0.18215, "scaling", "the scaling factor 0.18215 is inside"),
        ("quant_conv.weight", 0.18215, "scaling", "the scaling factor 0.18215 is inside"),
        ("quant_conv.weight", 1.3, "", ""),
    ],
)
def test_factors_with_a_name(name: str, factor: float, kind: str, words: str) -> None:
    weight = RANDOM.standard_normal((8, 8, 1, 1)).astype(np.float32)
    found = pattern({name: weight}, {name: half(factor * weight)}, {name: factor}, 0.18215)
    assert found.kind == kind
    assert words in found.words


@pytest.mark.slow
@pytest.mark.parametrize(
    ("count", "change", "words"),
    [(32, low_rank, "an adapter of low rank is missing"), (None, noisy, "it was converted from another checkpoint")],
)
def test_packages_of_the_base_are_told_from_a_broken_operation(
    laboratory: Laboratory, count: int | None, change: Change, words: str
) -> None:
    import torch

    parts = {**laboratory.teacher.pipeline_parts()}
    parts["unet"] = unet = copy.deepcopy(parts["unet"])
    matrices = [value for name, value in unet.named_parameters() if value.ndim > 1]
    if count is not None:
        matrices = [value for value in matrices if value.ndim == 2 and min(value.shape) >= 16][:count]
        assert len(matrices) == count
    with torch.no_grad():
        for value in matrices:
            value.copy_(torch.from_numpy(change(value.numpy()).astype(np.float32)))
    given = laboratory.evidence({"unet": laboratory.package("unet")}, references=False)
    from dataclasses import replace

    from sdqa.diagnose import diagnose

    found = diagnose(replace(given, parts=parts, teacher_identity="", store=None), sweep=False)
    cause = found.causes[0]
    assert (cause.component, cause.stage, cause.operation) == ("unet", "conversion", "")
    assert words in cause.evidence[0]
    (covered,) = found.coverage
    assert len(covered.changed) >= 0.9 * len(matrices)
    assert not covered.missing
