from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from sdqa.errors import ModelError
from sdqa.models import load_source, load_teacher
from sdqa.models.weights import read_shapes

UNET = "unet/diffusion_pytorch_model.safetensors"


def test_folder_holds_the_weights_that_were_saved(folder: Path) -> None:
    random, loaded = load_teacher("random:miniature"), load_teacher(f"folder:{folder}")
    assert loaded.facts == random.facts
    assert dict(loaded.parameters) == {name: random.parameters[name] for name in random.components}
    for part in ("unet", "vae", "text_encoder"):
        wanted, got = random.part(part).state_dict(), loaded.part(part).state_dict()
        assert wanted.keys() == got.keys()
        assert all(torch.equal(wanted[name], got[name]) for name in wanted)
    words = "a portrait of a girl"
    assert loaded.part("tokenizer")(words)["input_ids"] == random.part("tokenizer")(words)["input_ids"]


def test_parts_are_float32_frozen_and_loaded_once(folder: Path) -> None:
    teacher = load_teacher(f"folder:{folder}")
    parts = teacher.pipeline_parts()
    assert parts["unet"] is teacher.part("unet")
    assert not parts["unet"].training
    assert {parameter.dtype for parameter in parts["unet"].parameters()} == {torch.float32}
    assert not any(parameter.requires_grad for parameter in parts["vae"].parameters())
    teacher.release()
    assert parts["unet"] is not teacher.part("unet")


def _settings(config: Any) -> dict[str, Any]:
    told = config.to_dict() if hasattr(config, "to_dict") else dict(config)
    return {name: value for name, value in told.items() if name not in ("_name_or_path", "dtype")}


def test_an_outline_has_the_configuration_of_the_part_and_reads_no_weights(folder: Path) -> None:
    teacher = load_teacher(f"folder:{folder}")
    (folder / UNET).rename(folder / "elsewhere")  # opened before, so that only loading would miss it
    outlines = teacher.outlines()
    with pytest.raises(ModelError, match="unet cannot be loaded"):
        teacher.part("unet")
    (folder / "elsewhere").rename(folder / UNET)
    for name in ("scheduler", "text_encoder", "unet", "vae"):
        mine, whole = _settings(outlines[name].config), _settings(teacher.part(name).config)
        assert mine == whole
        assert len(mine) > 10
    assert teacher.outline("unet") is teacher.part("unet")


def test_digest_follows_every_file(folder: Path) -> None:
    before = load_teacher(f"folder:{folder}").digest
    tensors = load_file(folder / UNET)
    tensors["conv_in.bias"][0] += 1
    save_file(tensors, folder / UNET)
    assert load_teacher(f"folder:{folder}").digest != before


def test_missing_parameters_are_refused(folder: Path) -> None:
    tensors = load_file(folder / UNET)
    del tensors["conv_in.bias"]
    save_file(tensors, folder / UNET)
    with pytest.raises(ModelError, match=r"1 missing keys: conv_in\.bias"):
        load_teacher(f"folder:{folder}").part("unet")


def test_leftover_parameters_are_refused(folder: Path) -> None:
    tensors = load_file(folder / UNET)
    save_file({**tensors, "mid_block.extra": torch.ones(3)}, folder / UNET)
    with pytest.raises(ModelError, match=r"1 unexpected keys: mid_block\.extra"):
        load_teacher(f"folder:{folder}").part("unet")


def test_pickles_are_not_read(folder: Path) -> None:
    (folder / UNET).rename(folder / "unet" / "diffusion_pytorch_model.bin")
    with pytest.raises(ModelError, match="safetensors only"):
        load_teacher(f"folder:{folder}")


def test_foreign_classes_are_not_imported(folder: Path) -> None:
    index = json.loads((folder / "model_index.json").read_text())
    index["unet"] = ["os", "system"]
    (folder / "model_index.json").write_text(json.dumps(index))
    with pytest.raises(ModelError, match="UNet2DConditionModel"):
        load_teacher(f"folder:{folder}")


def test_parts_of_different_models_are_refused(folder: Path) -> None:
    path = folder / "unet" / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "cross_attention_dim": 64}))
    with pytest.raises(ModelError, match="width 64"):
        load_teacher(f"folder:{folder}")


@pytest.mark.parametrize("name", ["truncated", "garbage"])
def test_damaged_safetensors_are_refused(folder: Path, name: str) -> None:
    data = (folder / UNET).read_bytes()
    (folder / UNET).write_bytes(data[:100] if name == "truncated" else b"\xff" * 100)
    with pytest.raises(ModelError, match="not a safetensors file"):
        load_teacher(f"folder:{folder}")


def test_shapes_come_from_the_header_whatever_the_dtype(tmp_path: Path) -> None:
    values = {"a": torch.zeros(2, 3, dtype=torch.bfloat16), "b": torch.zeros(()), "c": torch.zeros(0, 4)}
    save_file(values, tmp_path / "a.safetensors", metadata={"format": "pt"})
    assert read_shapes(tmp_path / "a.safetensors") == {"a": (2, 3), "b": (), "c": (0, 4)}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0" * 7,
        (2**40).to_bytes(8, "little") + b"{}",
        (2).to_bytes(8, "little") + b"[]",
        (2).to_bytes(8, "little") + b"{}" + b"more than the header speaks of",
        (62).to_bytes(8, "little") + b'{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_o',
    ],
)
def test_a_header_that_lies_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.safetensors").write_bytes(data)
    with pytest.raises(ModelError, match="not a safetensors file" if data else "an empty file"):
        read_shapes(tmp_path / "a.safetensors")


@pytest.mark.parametrize("source", ["nothing", "magic:x", "folder:", "random:unknown", "embedded:huge", "folder:/none"])
def test_unknown_sources_say_what_there_is(source: str) -> None:
    with pytest.raises(ModelError) as caught:
        load_source(source)
    assert caught.value.what


@pytest.mark.parametrize(
    "name", ["tokenizer/added_tokens.json", "tokenizer/chat/more.jinja", "text_encoder/generation_config.json"]
)
def test_digest_follows_files_that_a_loader_may_read(folder: Path, name: str) -> None:
    """A token that was added beside the vocabulary once changed the prompt and not the digest."""
    before = load_teacher(f"folder:{folder}").digest
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    known = load_teacher(f"folder:{folder}").part("tokenizer").eos_token_id
    (folder / name).write_text(json.dumps({"<|endoftext|>": known}), encoding="utf-8")
    assert load_teacher(f"folder:{folder}").digest != before


@pytest.mark.parametrize("name", ["unet/README.md", "unet/diffusion_pytorch_model.fp16.safetensors", "safety/x.json"])
def test_digest_ignores_what_nothing_reads(folder: Path, name: str) -> None:
    before = load_teacher(f"folder:{folder}").digest
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("{}", encoding="utf-8")
    assert load_teacher(f"folder:{folder}").digest == before
