"""Values that are not finite are found in files as they are stored, whatever their type, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from sdqa.models import stored_values
from sdqa.models.stored_values import unsound

MAX = torch.finfo(torch.float32).max


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_every_kind_of_infinity_and_nan_is_counted(
    tmp_path: Path, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored_values, "PIECE", 64)
    largest = min(torch.finfo(dtype).max, MAX)
    sound = torch.tensor([0.0, -0.0, 1.0, -largest, largest, 5e-324, *[0.5] * 94], dtype=dtype)
    bad = sound.clone()
    bad[[3, 40, 99]] = torch.tensor([float("nan"), float("inf"), -float("inf")], dtype=dtype)
    tensors = {"a.sound": sound, "b.bad": bad, "empty": sound[:0].clone(), "ids": torch.arange(5)}
    save_file(tensors, tmp_path / "w.safetensors", {"format": "pt"})
    assert list(unsound(tmp_path / "w.safetensors")) == [("b.bad", 3, 100)]


def test_what_overflows_in_fp32_is_not_finite_there(tmp_path: Path) -> None:
    values = torch.tensor([MAX, MAX * (1 + 2**-26), MAX * (1 + 2**-25), 1e39], dtype=torch.float64)
    save_file({"w": values}, tmp_path / "w.safetensors")
    assert list(unsound(tmp_path / "w.safetensors")) == [("w", int((~values.float().isfinite()).sum()), 4)]
