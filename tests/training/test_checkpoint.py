"""Checkpoints are whole or absent, and never those of something else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from sdqa.errors import ModelError
from training.checkpoint import STATE, Checkpoint, load, save, scatter


def one(step: int) -> Checkpoint:
    return Checkpoint(step, 1.5, {"a": torch.arange(4.0) + step, "b": torch.tensor(2.0)})


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    assert load(tmp_path, "r") is None
    for step in (1, 2):
        save(tmp_path, "r", one(step))
    found = load(tmp_path, "r")
    assert found is not None
    assert (found.step, found.seconds) == (2, 1.5)
    assert torch.equal(found.tensors["a"], torch.arange(4.0) + 2)
    assert sorted(path.name for path in tmp_path.iterdir()) == [STATE, "step-00000002.safetensors"]


def test_a_kill_between_tensors_and_state_keeps_the_old_pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path, "r", one(1))
    import training.checkpoint as module

    settle = module._settle

    def killed(partial: Path, final: Path) -> None:
        if final.name == STATE:
            raise KeyboardInterrupt
        settle(partial, final)

    monkeypatch.setattr(module, "_settle", killed)
    with pytest.raises(KeyboardInterrupt):
        save(tmp_path, "r", one(2))
    found = load(tmp_path, "r")
    assert found is not None
    assert found.step == 1


def test_damaged_tensors_are_refused(tmp_path: Path) -> None:
    save(tmp_path, "r", one(1))
    path = tmp_path / "step-00000001.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(ModelError, match="damaged"):
        load(tmp_path, "r")


def test_another_recipe_is_refused(tmp_path: Path) -> None:
    save(tmp_path, "r", one(1))
    with pytest.raises(ModelError, match="another recipe"):
        load(tmp_path, "s")


def test_a_state_cannot_point_out_of_its_folder(tmp_path: Path) -> None:
    save(tmp_path / "inner", "r", one(1))
    state = json.loads((tmp_path / "inner" / STATE).read_text(encoding="utf-8"))
    (tmp_path / "inner" / state["tensors"]).rename(tmp_path / state["tensors"])
    state["tensors"] = f"../{state['tensors']}"
    (tmp_path / "inner" / STATE).write_text(json.dumps(state), encoding="utf-8")
    with pytest.raises(ModelError, match="cannot be read"):
        load(tmp_path / "inner", "r")


def test_tensors_of_another_shape_are_refused() -> None:
    with pytest.raises(ModelError, match="does not fit"):
        scatter("p", {"p.a": torch.zeros(3)}, {"a": torch.zeros(4)})
