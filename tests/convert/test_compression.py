from __future__ import annotations

from pathlib import Path
from shutil import copytree

import numpy as np
import pytest

from sdqa.convert.build import open_model
from sdqa.convert.compression import compress_model, require_finite
from sdqa.errors import ConversionError, PackageError
from tests.builders import Convert
from tests.convert.test_component import compare

DECODER = [
    ("palettize-8bit", "8", 40),
    ("palettize-6bit", "6", 35),
    ("palettize-4bit", "4", 22),
    ("palettize-2bit", "2", 10),
    ("palettize-1bit", "1", 5),
    ("linear-int8", "8", 38),
    ("linear-int8-per-tensor", "8", 34),
    ("prune-50", "0", 12),
]
"""Recipe, the bit width it leaves, and the least PSNR of the decoder's image in dB."""


@pytest.mark.parametrize(("recipe", "bits", "least"), DECODER)
def test_recipe_leaves_the_bits_it_promises_and_the_image_it_should(
    packages: Convert, recipe: str, bits: str, least: float
) -> None:
    record = packages("vae_decoder", compression=recipe)
    assert record.bit_widths[bits] > 0.4 * sum(record.bit_widths.values())
    assert record.bytes < packages("vae_decoder").bytes
    assert record.coverage.complete
    assert record.coverage.exact < record.coverage.found
    assert min(compare(packages, "vae_decoder", compression=recipe)) > least


@pytest.mark.slow
@pytest.mark.parametrize(
    ("recipe", "bits", "least"), [("palettize-4bit-grouped8", "4", 24), ("blockwise-int4", "4", 18)]
)
def test_recipe_of_ios18(packages: Convert, recipe: str, bits: str, least: float) -> None:
    record = packages("vae_decoder", compression=recipe, target="iOS18")
    assert record.bit_widths[bits] > 0.4 * sum(record.bit_widths.values())
    assert min(compare(packages, "vae_decoder", compression=recipe, target="iOS18")) > least


def test_fewer_bits_are_never_better(packages: Convert) -> None:
    quality = [min(compare(packages, "vae_decoder", compression=f"palettize-{bits}bit")) for bits in (1, 2, 4, 6, 8)]
    assert quality == sorted(quality)


def test_only_the_components_asked_for_are_compressed(packages: Convert) -> None:
    record = packages("vae_decoder", compression="palettize-4bit", compressed_components=("unet",))
    assert record.digest == packages("vae_decoder").digest


def test_infinite_weights_are_refused_before_a_table_is_made(packages: Convert) -> None:
    model = open_model(packages("vae_decoder").path)
    for operation in model._mil_program.functions["main"].operations:
        value = operation.outputs[0].val
        if operation.op_type == "const" and isinstance(value, np.ndarray) and value.ndim == 4:
            value.flags.writeable = True
            value[0, 0, 0, 0] = -np.inf
            break
    with pytest.raises(ConversionError, match="not finite before compression"):
        require_finite(model, where="test")
    with pytest.raises(ConversionError, match="1 of"):
        compress_model(model, "palettize-4bit", where="test")


def test_damaged_package_is_refused(packages: Convert, tmp_path: Path) -> None:

    damaged = copytree(packages("vae_decoder").path, tmp_path / "VAEDecoder.mlpackage")
    model = damaged / "Data/com.apple.CoreML/model.mlmodel"
    model.write_bytes(model.read_bytes()[:1000])
    with pytest.raises(PackageError):
        open_model(damaged)
