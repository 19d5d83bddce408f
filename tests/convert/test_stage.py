"""The stage hands on what ships: the package after compression, under a key that knows the recipe."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from sdqa.convert import stage
from sdqa.errors import CoverageError
from sdqa.models import load_teacher
from sdqa.plan import Variant
from sdqa.store import Store
from sdqa.workflow.execution import executed_packages

PLAIN = Variant(name="fp16")
SMALL = Variant(name="six", compression="palettize-6bit")


@pytest.mark.slow
def test_trap_checks_before_compression_do_not_test_what_ships(tmp_path: Path) -> None:
    teacher, store = load_teacher("random:miniature"), Store(tmp_path)
    plain = stage.convert_one(teacher, "text_encoder", PLAIN, store)
    small = stage.convert_one(teacher, "text_encoder", SMALL, store)
    executed = executed_packages({"text_encoder": small}, store, None)["text_encoder"]
    assert executed == small.record.paths
    assert small.record.digest != plain.record.digest
    assert "6" in small.record.bit_widths
    assert "6" not in plain.record.bit_widths
    assert sum(file.stat().st_size for file in executed[0].rglob("weight.bin")) < plain.record.bytes


def test_a_recipe_for_other_components_changes_nothing() -> None:
    only_unet = SMALL.model_copy(update={"compressed_components": ("unet",)})
    assert only_unet.facts_for("vae_decoder") == PLAIN.facts_for("vae_decoder")
    assert only_unet.facts_for("unet") != PLAIN.facts_for("unet")


def test_what_lost_a_parameter_is_refused_and_not_described(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The conversion is kept; the refusal is made again by whoever asks for it."""
    teacher, store = load_teacher("random:miniature"), Store(tmp_path)
    sound = stage.convert_one(teacher, "vae_decoder", PLAIN, store)
    shutil.rmtree(store.root / "description")
    lost = sound.record.coverage.model_copy(update={"missing": ("decoder.conv_out.bias",)})
    monkeypatch.setattr("sdqa.convert.describe.measure_coverage", lambda *arguments, **options: lost)
    for _ in range(2):
        with pytest.raises(CoverageError, match=r"decoder\.conv_out\.bias"):
            stage.convert_one(teacher, "vae_decoder", PLAIN, store)
    monkeypatch.undo()
    again = stage.convert_one(teacher, "vae_decoder", PLAIN, store)
    assert not again.fresh
    assert again.record == sound.record
