"""Operations find each other through renaming, precision, and planted changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from sdqa import mil
from sdqa.diagnose.alignment import Alignment, align, plain
from tests.diagnose.conftest import Laboratory
from tests.diagnose.planting import Planting

pytestmark = pytest.mark.slow


def aligned(candidate: Path, reference: Path) -> Alignment:
    return align(mil.load(candidate, fuse=False), mil.load(reference, fuse=False))


def test_plain_names_lose_what_passes_append() -> None:
    assert plain("unet_conv_in_weight_to_fp16_palettized") == "unet_conv_in_weight"
    assert plain("input_7_cast_fp16") == "input_7"
    assert plain("cast_12") == "cast_12"


def test_half_precision_package_matches_its_float32_one(laboratory: Laboratory) -> None:
    found = aligned(laboratory.package("vae_decoder"), laboratory.package("vae_decoder", "fp32"))
    assert found.inserted == found.removed == ()
    assert all(plain(mine) == plain(theirs) for mine, theirs in found.operations.items())


def test_renamed_operations_match_by_what_they_do(laboratory: Laboratory) -> None:
    renamed = laboratory.planted("vae_decoder", lambda planting: planting.rename("x"))
    found = aligned(renamed, laboratory.package("vae_decoder", "fp32"))
    assert found.inserted == found.removed == ()
    sound = aligned(laboratory.package("vae_decoder"), laboratory.package("vae_decoder", "fp32"))
    assert list(found.operations.values()) == list(sound.operations.values())


def test_inserted_operation_is_found_and_the_rest_still_matches(laboratory: Laboratory) -> None:
    planted: list[str] = []
    path = laboratory.planted(
        "vae_decoder", lambda planting: planted.append(planting.scaled("input_69_cast_fp16", 1.2))
    )
    found = aligned(path, laboratory.package("vae_decoder", "fp32"))
    assert found.inserted == tuple(planted)
    assert found.removed == ()


def test_exchanged_kinds_are_changes_and_not_renamings(laboratory: Laboratory) -> None:
    def exchange(planting: Planting) -> None:
        first, second = planting.operation("op_66_cast_fp16"), planting.operation("op_67_cast_fp16")
        first.type, second.type = second.type, first.type

    found = aligned(laboratory.planted("unet", exchange), laboratory.package("unet", "fp32"))
    assert found.operations["op_66_cast_fp16"] == "op_66"
    assert found.operations["op_67_cast_fp16"] == "op_67"
