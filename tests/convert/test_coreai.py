"""Assets: what is read back from one is what was written, whole, compressed, and from another tool."""

from __future__ import annotations

from pathlib import Path
from shutil import copytree
from types import SimpleNamespace

import numpy as np
import pytest

from sdqa.convert import PackageRecord, Variant
from sdqa.convert.coreai.compression import compress_program
from sdqa.convert.coreai.constants import _unpacked, read_constant
from sdqa.convert.coreai.weights import Weight, oriented, without_copies
from sdqa.errors import ConversionError, PackageError, RuntimeUnavailable
from sdqa.models import Teacher
from sdqa.runtime import find_runtime
from tests.builders import Convert
from tests.coreai import needs_coreai, write_asset


@pytest.mark.parametrize("bits", [1, 2, 3, 4, 6])
@pytest.mark.parametrize("signed", [False, True])
def test_packed_integers_are_read_lowest_bit_first(bits: int, signed: bool) -> None:
    low = -(2 ** (bits - 1)) if signed else 0
    values = np.random.default_rng(bits).integers(low, low + 2**bits, 37)
    stream = "".join(format(int(value) % 2**bits, f"0{bits}b")[::-1] for value in values)
    stream += "0" * (-len(stream) % 8)
    packed = np.array([int(stream[i : i + 8][::-1], 2) for i in range(0, len(stream), 8)], np.uint8)
    assert _unpacked(packed, 37, bits, signed=signed).tolist() == values.tolist()


@pytest.mark.parametrize(("shape", "width"), [((2**20, 2**20), 32), ((2**62,), 8), ((2**40,), 4)])
def test_a_constant_that_claims_more_than_fits_is_refused_before_anything_is_reserved(
    shape: tuple[int, ...], width: int
) -> None:
    kind = SimpleNamespace(width=width)
    claimed = SimpleNamespace(shape=shape, has_static_shape=True, element_type=kind)
    with pytest.raises(PackageError, match=r"a constant of \d+ bytes"):
        read_constant(SimpleNamespace(result=SimpleNamespace(type=claimed)))


def test_a_weight_stored_once_for_each_row_counts_once() -> None:
    weight = np.random.default_rng(1).standard_normal((5, 7)).astype(np.float32)
    assert np.array_equal(without_copies(Weight("w", np.stack([weight, weight]), 32)).values, weight)
    assert np.array_equal(without_copies(Weight("w", weight[None], 32)).values, weight)
    different = np.stack([weight, weight + np.eye(5, 7, dtype=np.float32)])
    assert without_copies(Weight("w", different, 32)).values.shape == (2, 5, 7)
    packed = without_copies(Weight("w", np.stack([weight, weight]), 4, "palettized", (1, 5, 1)))
    assert packed.blocks == (5, 1), "the tables of the rows that are left"


def test_a_compressed_matrix_is_turned_towards_its_parameter() -> None:
    drawn = np.random.default_rng(2)
    weight, other = (drawn.standard_normal((8, 8)).astype(np.float32) for _ in range(2))
    rounded = np.round(weight, 1)
    turned = oriented(Weight("w", rounded.T, 4, "quantized", (1, 8)), [other, weight])
    assert np.array_equal(turned.values, rounded)
    assert turned.blocks == (8, 1), "the scales are turned with their rows"
    left = oriented(Weight("w", rounded, 4, "quantized", (8, 1)), [other, weight])
    assert np.array_equal(left.values, rounded)
    assert left.blocks == (8, 1)


def test_recipes_without_a_form_are_refused_by_name() -> None:
    with pytest.raises(ConversionError, match=r"mixed-bit:3\.5bit is not available for \.aimodel") as caught:
        compress_program(None, "mixed-bit:3.5bit", where="a test")
    assert "palettize-{1|2|3|4|6|8}bit" in caught.value.hint


@pytest.mark.parametrize("component", ["unet"])
def test_without_core_ai_converting_is_a_typed_error(
    component: str, teacher: Teacher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sdqa.convert.formats import find_format
    from sdqa.runtime import coreai

    monkeypatch.setattr(coreai, "reason_without", lambda system: "it is not installed")
    with pytest.raises(RuntimeUnavailable, match="it is not installed"):
        find_format("aimodel").build(teacher, component, Variant(name="v"), tmp_path)


@needs_coreai
@pytest.mark.slow
def test_an_asset_holds_the_checkpoint(aimodel: PackageRecord, teacher: Teacher) -> None:
    assert aimodel.path.name == "VAEDecoder.aimodel"
    assert aimodel.coverage.complete
    assert aimodel.coverage.exact == aimodel.coverage.parameters > 50
    assert set(aimodel.bit_widths) == {"32"}
    assert aimodel.histogram["conv2d"] > 5
    assert aimodel.operations == sum(aimodel.histogram.values())
    assert aimodel.lint == ()
    cost = aimodel.cost
    assert cost.weight_bytes_stored == cost.weight_bytes_unpacked >= 4 * aimodel.bit_widths["32"]
    assert 4 * 3 * 32 * 32 <= cost.peak_live_bytes < cost.bytes_moved
    assert cost.flops > 10**7


@needs_coreai
@pytest.mark.slow
@pytest.mark.parametrize(
    ("recipe", "bits", "least_db"), [("palettize-6bit", "6", 30), ("linear-int8", "8", 40), ("prune-20", "0", 20)]
)
def test_compressed_assets_are_unpacked_as_core_ai_does(
    assets: Convert, aimodel: PackageRecord, recipe: str, bits: str, least_db: float
) -> None:
    from sdqa.generate.parity import psnr_db

    record = assets("vae_decoder", precision="float32", compression=recipe)
    assert record.coverage.complete, str(record.coverage)
    assert record.coverage.exact < record.coverage.found
    assert record.bit_widths[bits] > 1000
    assert record.cost.weight_bytes_stored < record.cost.weight_bytes_unpacked
    z = {"z": np.random.default_rng(3).standard_normal((1, 4, 16, 16)).astype(np.float32)}
    plain, compressed = (
        find_runtime("coreai").make_runner("vae_decoder", each.path).run(z)["image"] for each in (aimodel, record)
    )
    assert least_db < psnr_db(plain, compressed) < 100


@needs_coreai
@pytest.mark.slow
def test_what_the_format_has_no_form_of_is_refused(teacher: Teacher, tmp_path: Path) -> None:
    from sdqa.convert.coreai.build import build_here

    with pytest.raises(ConversionError, match="chunks are a form of"):
        build_here(teacher, "unet", Variant(name="v", chunked=True), tmp_path, None)
    with pytest.raises(ConversionError, match="mixed precision"):
        build_here(teacher, "unet", Variant(name="v", precision="mixed"), tmp_path, None)


@needs_coreai
@pytest.mark.slow
def test_another_tools_asset_is_fitted_and_held_to_its_variant(
    aimodel: PackageRecord, teacher: Teacher, tmp_path: Path
) -> None:
    from sdqa.convert.coreai.adopt import adopt_component

    asset = copytree(aimodel.path, tmp_path / "mine.aimodel")
    said = Variant(name="v", precision="float32", compression="palettize-4bit")
    record = adopt_component(teacher, "vae_decoder", asset, said)
    assert record.digest == aimodel.digest
    assert (record.names, record.batch) == ({}, None)
    assert record.breaches == ("the variant promises 4 bits (palettize-4bit), the weights have 32",)
    with pytest.raises(PackageError, match=r"reading the asset failed|cannot read the asset"):
        adopt_component(teacher, "vae_decoder", write_asset(tmp_path / "b.aimodel", b"MLIR" + bytes(50)), None)


@needs_coreai
@pytest.mark.slow
def test_a_fault_in_an_asset_is_seen_and_more_than_weights_is_refused(
    aimodel: PackageRecord, teacher: Teacher, tmp_path: Path
) -> None:
    from sdqa.convert.coreai.adopt import adopt_component
    from sdqa.errors import FaultError
    from sdqa.faults import injection

    asset = copytree(aimodel.path, tmp_path / "VAEDecoder.aimodel")
    noise = injection("vae-decoder-noise@mild")
    assert noise.edit_package is not None
    noise.edit_package(asset)
    coverage = adopt_component(teacher, "vae_decoder", asset, None).coverage
    assert len(coverage.missing) >= 8
    assert "decoder.conv_in.weight" in coverage.missing
    moved = injection("vae-kernel-transposed")
    assert moved.edit_package is not None
    with pytest.raises(FaultError, match="changes more than weights"):
        moved.edit_package(asset)


@pytest.mark.slow
def test_what_the_converter_dies_of_is_an_error_of_its_component(teacher: Teacher) -> None:
    """`perform` of a module that ends its process the way that native code does."""
    from sdqa.convert.isolate import ProcessDied, isolated

    with pytest.raises(ProcessDied, match="converting unet died with status -6") as caught:
        isolated("tests.convert.deadly", teacher, "unet", {})
    assert isinstance(caught.value, ConversionError)
