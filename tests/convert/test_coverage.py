from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from sdqa.convert.coverage import is_explained, measure_coverage, require_coverage
from sdqa.convert.fates import Held
from sdqa.errors import CoverageError
from tests.builders import Convert

RANDOM = np.random.default_rng(0)
WEIGHT = RANDOM.standard_normal((8, 4, 3, 3)).astype(np.float32)
BIAS = RANDOM.standard_normal(32).astype(np.float32)
PARAMETERS = {"conv.weight": WEIGHT, "conv.bias": BIAS}


def half(values: np.ndarray) -> np.ndarray:
    return values.astype(np.float16)


def test_everything_is_found_in_any_layout_and_under_any_name() -> None:
    constants = [("a", None, half(WEIGHT).transpose(1, 0, 2, 3)), ("b", None, half(BIAS).reshape(1, 32, 1, 1))]
    coverage = measure_coverage(PARAMETERS, constants)
    assert coverage.complete
    assert coverage.exact == coverage.found == 2


def test_missing_parameter_is_named() -> None:
    coverage = measure_coverage(PARAMETERS, [("a", None, half(WEIGHT))])
    assert coverage.missing == ("conv.bias",)
    with pytest.raises(CoverageError, match=r"missing: conv\.bias"):
        require_coverage(coverage, where="test")


def test_invented_weights_are_named() -> None:
    random = ("mid_block_conv_weight", None, half(RANDOM.standard_normal((8, 8))))
    coverage = measure_coverage(PARAMETERS, [("a", None, half(WEIGHT)), ("b", None, half(BIAS)), random])
    assert coverage.invented == ("mid_block_conv_weight",)
    assert not coverage.complete


def test_one_changed_value_is_noticed() -> None:
    changed = half(WEIGHT)
    changed[0, 0, 0, 0] += 1
    coverage = measure_coverage(PARAMETERS, [("conv_weight", None, changed), ("b", None, half(BIAS))])
    assert coverage.missing == ("conv.weight",)
    assert coverage.invented == ("conv_weight",)


def test_compressed_weights_are_found_by_their_hint_and_direction() -> None:
    rough = np.sign(WEIGHT) * np.abs(WEIGHT).mean()
    constants = [("conv_weight_palettized", "conv.weight", half(rough)), ("b", None, half(BIAS))]
    coverage = measure_coverage(PARAMETERS, constants)
    assert coverage.complete
    assert (coverage.found, coverage.exact) == (2, 1)


def test_shuffled_compressed_weights_are_not_accepted() -> None:
    shuffled = RANDOM.permutation(np.sign(WEIGHT).ravel()).reshape(WEIGHT.shape)
    coverage = measure_coverage(PARAMETERS, [("w", "conv.weight", half(shuffled)), ("b", None, half(BIAS))])
    assert "conv.weight" in coverage.missing


def test_equal_parameters_share_a_constant() -> None:
    parameters = {"a": np.zeros(32, np.float32), "b": np.zeros(32, np.float32)}
    assert measure_coverage(parameters, [("zeros", None, np.zeros(32, np.float16))]).complete


def test_tables_that_models_compute_from_nothing_are_explained() -> None:
    frequencies = torch.exp(-np.log(10000) * torch.arange(16) / 16).numpy()
    mask = np.triu(np.full((77, 77), -3e4, np.float16), 1)
    embedding = RANDOM.standard_normal((100, 8)).astype(np.float32)
    assert is_explained(half(frequencies), [])
    assert is_explained(mask, [])
    kernels = np.random.default_rng(0).standard_normal((64, 32, 1, 1)).astype(np.float16)
    assert not is_explained(kernels, []), "square in its last two axes, and no mask"
    assert is_explained(half(embedding[:77])[None], [embedding])
    assert is_explained(np.zeros(64, np.float16), [])
    assert not is_explained(half(frequencies[::-1]), [])
    assert not is_explained(np.triu(RANDOM.standard_normal((77, 77)), 1), [])


def test_a_constant_that_was_renamed_and_compressed_is_found_by_where_it_points() -> None:
    positions = np.random.default_rng(5).standard_normal((20, 4)).astype(np.float32)
    coarse = (np.round(positions * 4) / 4).astype(np.float16)
    found = measure_coverage({"embeddings.weight": positions}, [("embeddings_palettized", None, coarse)])
    assert found.complete
    invented = measure_coverage(
        {"embeddings.weight": positions}, [("embeddings_palettized", None, coarse[::-1].copy())]
    )
    assert not invented.complete


MATRICES = {f"m{index}.weight": RANDOM.standard_normal((32, 24)).astype(np.float32) for index in range(8)}


def named(values: dict[str, np.ndarray], **stored: Any) -> list[Held]:
    return [Held(name.replace(".", "_"), name, value, **stored) for name, value in values.items()]


def palettized(weight: np.ndarray, bits: int, rows: int = 0) -> np.ndarray:
    """With 2^bits values: of the whole, or of each group of rows."""
    parts = [weight] if not rows else np.split(weight, len(weight) // rows)
    made = []
    for part in parts:
        levels = np.quantile(part, (np.arange(2**bits) + 0.5) / 2**bits)
        made.append(levels[np.abs(part[..., None] - levels).argmin(-1)])
    return np.concatenate(made).astype(np.float16)


def test_every_fate_is_counted() -> None:
    wanted = {
        **MATRICES,
        "ones": np.ones(64, np.float32),
        "zeros": np.zeros(64, np.float32),
        "gone": RANDOM.standard_normal(64).astype(np.float32),
    }
    held = dict(MATRICES)
    held["m1.weight"] = half(held["m1.weight"])
    held["m2.weight"] = half(1.5 * held["m2.weight"])
    held["m3.weight"] = half(held["m3.weight"] + 0.3 * RANDOM.standard_normal((32, 24)))
    bfloat = torch.from_numpy(held["m4.weight"]).bfloat16().float().numpy()
    constants = named({**held, "m4.weight": bfloat})
    constants[5] = constants[5]._replace(value=palettized(held["m5.weight"], 4), blocks=())
    constants.append(Held("noise", None, half(RANDOM.standard_normal((5, 7)))))
    found = measure_coverage(wanted, constants)
    assert (found.equal, found.rounded, found.compressed, found.exact) == (3, 2, 1, 5)
    assert found.scaled == {"m2.weight": pytest.approx(1.5, rel=1e-3)}
    assert found.changed == ("m3.weight",)
    assert found.folded == ("ones", "zeros")
    assert found.missing == ("gone",)
    assert found.invented == ("noise",)
    assert found.found == 9
    assert not found.complete
    assert "changed: 1 of 11 parameters (m3.weight)" in str(found)


def test_an_uncompressed_program_with_changed_parameters_fails() -> None:
    """Cosine 0.96: every matrix points where the checkpoint's does."""
    off = {name: half(value + 0.3 * RANDOM.standard_normal(value.shape)) for name, value in MATRICES.items()}
    found = measure_coverage(MATRICES, named(off))
    assert len(found.changed) == found.parameters == 8
    with pytest.raises(CoverageError, match="changed: 8 of 8 parameters"):
        require_coverage(found, where="test")


def test_freshly_initialised_norms_may_be_folded_away() -> None:
    norms = {"norm.weight": np.ones(32, np.float32), "norm.bias": np.zeros(32, np.float32)}
    found = measure_coverage({**MATRICES, **norms}, named(MATRICES))
    assert found.complete
    assert found.folded == ("norm.bias", "norm.weight")


def test_a_constant_factor_is_no_invention() -> None:
    scaled = {**MATRICES, "m0.weight": half(0.18215 * MATRICES["m0.weight"])}
    for constants in (named(scaled), [each._replace(hint=None) for each in named(scaled)]):
        found = measure_coverage(MATRICES, constants)
        assert found.complete
        assert found.scaled == {"m0.weight": pytest.approx(0.18215, rel=1e-3)}


@pytest.mark.parametrize("bits", [2, 3, 4, 6, 8])
@pytest.mark.parametrize("rows", [0, 8])
def test_compressed_weights_are_as_near_as_their_levels_allow(bits: int, rows: int) -> None:
    blocks = (32 // rows, 1) if rows else ()
    made = {name: palettized(value, bits, rows) for name, value in MATRICES.items()}
    assert measure_coverage(MATRICES, named(made, blocks=blocks)).compressed == 8
    if bits > 3:
        other = {name: value + 0.3 * RANDOM.standard_normal(value.shape) for name, value in MATRICES.items()}
        made = {name: palettized(value, bits, rows) for name, value in other.items()}
        found = measure_coverage(MATRICES, named(made, blocks=blocks))
        assert len(found.changed) == 8


@pytest.mark.parametrize("share", [0.3, 0.5, 0.75])
def test_pruned_weights_are_the_smallest(share: float) -> None:
    def pruned(value: np.ndarray, order: np.ndarray) -> np.ndarray:
        return half(np.where(order >= np.quantile(order, share), value, 0))

    sound = {name: pruned(value, np.abs(value)) for name, value in MATRICES.items()}
    assert measure_coverage(MATRICES, named(sound, blocks=(), sparse=True)).compressed == 8
    random = {name: pruned(value, RANDOM.random(value.shape)) for name, value in MATRICES.items()}
    found = measure_coverage(MATRICES, named(random, blocks=(), sparse=True))
    assert found.compressed == 0
    assert not found.complete


@pytest.mark.slow
@pytest.mark.parametrize(
    "recipe",
    [
        "palettize-1bit",
        "palettize-2bit",
        "palettize-4bit",
        "palettize-6bit",
        "palettize-8bit",
        "palettize-4bit-grouped8",
        "linear-int8",
        "linear-int8-per-tensor",
        "blockwise-int4",
        "prune-50",
        "prune-90",
    ],
)
def test_every_recipe_is_covered(recipe: str, packages: Convert) -> None:
    record = packages("unet", compression=recipe, target="iOS18")
    assert record.coverage.complete, str(record.coverage)
    assert record.coverage.compressed > 40
