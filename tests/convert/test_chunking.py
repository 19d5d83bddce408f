from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sdqa import mil
from sdqa.convert.chunking import chunk_package
from sdqa.convert.inventory import take_inventory
from sdqa.convert.package import package_bytes
from sdqa.errors import ConversionError
from tests.builders import Convert
from tests.convert.test_component import psnr

pytestmark = pytest.mark.slow


def inputs() -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    return {
        "sample": random.standard_normal((2, 4, 16, 16), dtype=np.float32),
        "timestep": np.full(2, 951, np.float32),
        "encoder_hidden_states": random.standard_normal((2, 32, 1, 77), dtype=np.float32),
    }


def test_chunks_compute_what_the_whole_computes(packages: Convert, tmp_path: Path) -> None:
    whole = packages("unet", compression="palettize-4bit")
    chunks = chunk_package(whole.path, tmp_path)
    first, second = (mil.load(path, fuse=False) for path in chunks)
    crossing = [feature.name.removesuffix("_crossing") for feature in first.outputs]
    wanted, inside = mil.load(whole.path, fuse=False).predict(inputs(), capture=crossing)
    given = first.predict({feature.name: inputs()[feature.name] for feature in first.inputs})
    for name in crossing:
        np.testing.assert_array_equal(given[f"{name}_crossing"], inside[name])
    # As the Swift package does it: the second stage gets the inputs and what the first one gave, by name.
    known = {**inputs(), **given}
    got = second.predict({feature.name: known[feature.name] for feature in second.inputs})
    # What crossed has another memory layout now, so sums are taken in another order: fp16 rounding, nothing more.
    assert psnr(wanted["noise_pred"], got["noise_pred"]) > 55


def test_chunks_halve_the_weights(packages: Convert, tmp_path: Path) -> None:
    chunks = chunk_package(packages("unet").path, tmp_path)
    sizes = [package_bytes(chunk) for chunk in chunks]
    assert 0.4 < sizes[0] / sum(sizes) < 0.6
    assert sum(sizes) < 1.05 * packages("unet").bytes


def test_chunked_variant_records_both_packages_and_keeps_its_compression(packages: Convert) -> None:
    record = packages("unet", compression="palettize-4bit", chunked=True)
    assert [path.name for path in record.paths] == ["UnetChunk1.mlpackage", "UnetChunk2.mlpackage"]
    assert not (record.path.parent / "Unet.mlpackage").exists()
    assert record.coverage.complete
    whole = packages("unet", compression="palettize-4bit")
    assert record.bit_widths["4"] == whole.bit_widths["4"], "every compressed weight is still 4 bits wide"
    operation = next(each for each in mil.load(record.paths[1]).operations if each.type == "conv")
    assert operation.module.startswith("unet.")


def test_chunks_are_the_same_bytes_every_time(packages: Convert, tmp_path: Path) -> None:
    first = chunk_package(packages("unet").path, tmp_path / "a")
    second = chunk_package(packages("unet").path, tmp_path / "b")
    for one, other in zip(first, second, strict=True):
        for file in sorted(path for path in one.rglob("*") if path.is_file()):
            assert file.read_bytes() == (other / file.relative_to(one)).read_bytes()


def test_crossing_values_are_declared_in_both(packages: Convert, tmp_path: Path) -> None:
    first, second = (take_inventory(path) for path in chunk_package(packages("unet").path, tmp_path))
    given = {str(tensor) for tensor in first.outputs}
    taken = {str(tensor) for tensor in second.inputs}
    assert given <= taken
    assert all("float32" in text for text in given)


def test_program_without_a_middle_is_refused(
    packages: Convert, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sdqa.convert.chunking.WINDOW", (0.5, 0.5))
    with pytest.raises(ConversionError, match="middle of its weights"):
        chunk_package(packages("vae_decoder").path, tmp_path)
