from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sdqa import mil
from sdqa.convert import PackageRecord
from sdqa.convert.chunking import chunk_package
from sdqa.convert.inventory import take_inventory
from sdqa.errors import ConversionError
from tests.convert.conftest import Convert


def run_chunks(paths: tuple[Path, ...], inputs: dict[str, np.ndarray]) -> np.ndarray:
    """As the Swift package does it: each stage gets the inputs and what the stage before gave, by name."""
    known = dict(inputs)
    for path in paths:
        program = mil.load(path, fuse=False)
        known.update(program.predict({feature.name: known[feature.name] for feature in program.inputs}))
    return known["noise_pred"]


def inputs() -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    return {
        "sample": random.standard_normal((2, 4, 16, 16), dtype=np.float32),
        "timestep": np.full(2, 951, np.float32),
        "encoder_hidden_states": random.standard_normal((2, 32, 1, 77), dtype=np.float32),
    }


@pytest.mark.parametrize("compression", [None, "palettize-4bit"])
def test_chunks_compute_exactly_what_the_whole_computes(
    packages: Convert, tmp_path: Path, compression: str | None
) -> None:
    whole: PackageRecord = packages("unet", compression=compression)
    chunks = chunk_package(whole.path, tmp_path)
    wanted = mil.load(whole.path, fuse=False).predict(inputs())["noise_pred"]
    np.testing.assert_array_equal(run_chunks(chunks, inputs()), wanted)
    sizes = [sum(file.stat().st_size for file in chunk.rglob("*") if file.is_file()) for chunk in chunks]
    assert 0.4 < sizes[0] / sum(sizes) < 0.6
    assert sum(sizes) < 1.05 * whole.bytes


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


def test_program_without_a_middle_is_refused(packages: Convert, tmp_path: Path) -> None:
    # the token embedding alone is more than half of a small text encoder
    with pytest.raises(ConversionError, match="middle of its weights"):
        chunk_package(packages("text_encoder").path, tmp_path)
