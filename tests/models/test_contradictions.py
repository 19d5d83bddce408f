"""What a folder's files say of each other: one class, known keys, the tensors that a configuration asks for."""

from __future__ import annotations

import importlib.util
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from sdqa.cli import run
from sdqa.errors import EXIT_PASS, EXIT_USAGE, ModelError, UnsupportedModel
from sdqa.families import FAMILIES
from sdqa.models import load_teacher, look_at
from sdqa.models.opening import OpenedFolder, examine_folder
from tests.models.test_opening import SUITE, edit

UNET, TEXT = "unet/diffusion_pytorch_model.safetensors", "text_encoder/model.safetensors"
VAE, SCHEDULER = "vae/diffusion_pytorch_model.safetensors", "scheduler/scheduler_config.json"


def plan(folder: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    suite = folder.parent / "sdqa.toml"
    suite.write_text(SUITE.format(source=f"folder:{folder}"), "utf-8")
    status = run(["plan", "--suite", str(suite)])
    said = capsys.readouterr()
    return status, said.out + said.err


@pytest.mark.parametrize(
    ("file", "changes", "words"),
    [
        ("vae/config.json", {"_class_name": "AsymmetricAutoencoderKL"}, "is of AsymmetricAutoencoderKL"),
        ("vae/config.json", {"_class_name": "AutoencoderTiny"}, "both have to be diffusers.AutoencoderKL"),
        ("vae/config.json", {"_class_name": "ConsistencyDecoderVAE"}, "is of ConsistencyDecoderVAE"),
        ("vae/config.json", {"_class_name": ["mine", "MyVae"]}, "is of mine, MyVae"),
        ("vae/config.json", {"_class_name": None}, "is of None"),
        ("unet/config.json", {"_class_name": "UNetMotionModel"}, "both have to be diffusers.UNet2DConditionModel"),
        ("unet/config.json", {"_class_name": "UNet3DConditionModel"}, "is of UNet3DConditionModel"),
        ("unet/config.json", {"_class_name": "FlaxUNet2DConditionModel"}, "is of FlaxUNet2DConditionModel"),
        ("text_encoder/config.json", {"model_type": "t5"}, "the model_type 't5', model_index.json names CLIPText"),
        ("text_encoder/config.json", {"model_type": "clip"}, "whose is 'clip_text_model'"),
        ("text_encoder/config.json", {"architectures": ["T5EncoderModel"]}, "is of T5EncoderModel (architectures)"),
        ("text_encoder/config.json", {"architectures": ["CLIPTextModelWithProjection"]}, "is of CLIPTextModelWithProj"),
        (SCHEDULER, {"_class_name": "EulerDiscreteScheduler"}, "names PNDMScheduler: the two have to be one"),
    ],
)  # fmt: skip
def test_a_configuration_of_another_class_is_refused(
    folder: Path, file: str, changes: dict[str, Any], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(folder / file, **changes)
    status, said = plan(folder, capsys)
    assert status == EXIT_USAGE
    assert f"{file} " in said
    assert words in said
    assert "what can be drawn: StableDiffusionPipeline" in said


def test_a_configuration_that_names_no_class_is_of_the_index(folder: Path) -> None:
    for file, key in (("unet/config.json", "_class_name"), ("text_encoder/config.json", "model_type")):
        content = json.loads((folder / file).read_text("utf-8"))
        del content[key]
        (folder / file).write_text(json.dumps(content), "utf-8")
    edit(folder / "text_encoder/config.json", architectures=None)
    examine_folder(folder, source="here")


def test_a_tokenizer_of_another_class_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(folder / "tokenizer/tokenizer_config.json", tokenizer_class="T5Tokenizer")
    status, said = plan(folder, capsys)
    assert status == EXIT_USAGE
    assert "tokenizer/tokenizer_config.json is of 'T5Tokenizer'; what is loaded is CLIPTokenizer" in said


@pytest.mark.parametrize(
    ("file", "changes", "words"),
    [
        ("unet/config.json", {"my_new_key": 3}, "my_new_key=3 is none of UNet2DConditionModel's keys"),
        ("vae/config.json", {"scale_factor": 0.2}, "scale_factor=0.2 is none of AutoencoderKL's keys"),
        ("text_encoder/config.json", {"rope_theta": 1e4}, "rope_theta=10000.0 is none of CLIPTextModel's keys"),
        (SCHEDULER, {"use_magic": True}, "not known to DDIMScheduler: skip_prk_steps=true, use_magic=true"),
    ],
)
def test_a_key_that_nobody_follows_is_said(
    folder: Path, file: str, changes: dict[str, Any], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    suite = "scheduler" in file
    edit(folder / file, **changes)
    opened = look_at(f"folder:{folder}")
    assert opened is not None
    if not suite:
        (remark,) = opened.remarks
        assert remark == f"ignored: {file}: {words}"
        return
    path = folder.parent / "sdqa.toml"
    path.write_text(
        SUITE.format(source=f"folder:{folder}").replace("steps = 2", 'steps = 2, scheduler = "ddim"'), "utf-8"
    )
    assert run(["plan", "--suite", str(path)]) == EXIT_PASS
    assert words in capsys.readouterr().out


def test_a_misspelt_key_is_told_from_a_new_one(folder: Path) -> None:
    path = folder / "vae/config.json"
    content = json.loads(path.read_text("utf-8"))
    content["scaling_facter"] = content.pop("scaling_factor")
    path.write_text(json.dumps(content), "utf-8")
    assert examine_folder(folder, source="here").remarks == (
        "ignored: vae/config.json: scaling_facter=0.5 is none of AutoencoderKL's keys (did you mean scaling_factor?)",
    )


def no_weights(place: Path) -> None:
    (place / "config.json").write_text('{"_class_name": "ControlNetModel"}', "utf-8")


def deep_weights(place: Path) -> None:
    (place / "models").mkdir()
    save_file({"image_proj.weight": np.zeros(2, np.float32)}, place / "models" / "a.safetensors")


def adapter(place: Path) -> None:
    (place / "adapter_config.json").write_text("{}", "utf-8")


@pytest.mark.parametrize(
    ("name", "make", "words"),
    [
        ("controlnet", no_weights, "controlnet/ (a ControlNet"),
        ("extra", no_weights, "extra/ (a ControlNet"),
        ("styles", deep_weights, "styles/ (an IP-Adapter"),
        ("t2i", adapter, "t2i/ (an adapter"),
        ("unet/more", deep_weights, "unet/more/ (an IP-Adapter"),
        ("text_encoder_2", no_weights, "text_encoder_2/"),
    ],
)
def test_a_folder_that_the_index_does_not_name_is_said(
    folder: Path, name: str, make: Callable[[Path], None], words: str
) -> None:
    (folder / name).mkdir()
    make(folder / name)
    (folder / "pictures").mkdir()
    (remark,) = examine_folder(folder, source="here").remarks
    assert remark.startswith("not used: ")
    assert words in remark
    assert "pictures" not in remark


def test_code_is_never_run_and_said(folder: Path) -> None:
    (folder / "pipeline.py").write_text("x = 1", "utf-8")
    (folder / "unet" / "my_unet.py").write_text("x = 1", "utf-8")
    assert examine_folder(folder, source="here").remarks == (
        "not used: pipeline.py (code, which is never run), unet/my_unet.py (code, which is never run)",
    )


def test_what_the_index_says_besides_parts_is_said(folder: Path) -> None:
    edit(folder / "model_index.json", requires_safety_checker=False, clip_skip=2, freeu={"s1": 0.9}, _name_or_path="x")
    with pytest.raises(ModelError, match=r"names .* as freeu"):
        examine_folder(folder, source="here")
    edit(folder / "model_index.json", freeu=None)
    assert examine_folder(folder, source="here").remarks == ("ignored: model_index.json: clip_skip=2",)


def without(path: Path, name: str) -> None:
    tensors = load_file(path)
    del tensors[name]
    save_file(tensors, path)


def shorter(path: Path, name: str) -> None:
    tensors = load_file(path)
    save_file({**tensors, name: tensors[name][:-1].copy()}, path)


def more(path: Path, name: str) -> None:
    save_file({**load_file(path), name: np.zeros(2, np.float32)}, path)


DEEP = "encoder.layers.1.mlp.fc1.bias"


@pytest.mark.parametrize(
    ("file", "damage", "words"),
    [
        (UNET, lambda path: without(path, "conv_in.bias"), "unet: .*1 missing keys: conv_in.bias"),
        (UNET, lambda path: shorter(path, "conv_in.weight"), r"keys: conv_in.weight \(31, 4, 3, 3\) for \(32"),
        (UNET, lambda path: more(path, "extra.lora_A"), "1 unexpected keys: extra.lora_A"),
        (VAE, lambda path: without(path, "encoder.conv_out.weight"), "vae: .*missing keys: encoder.conv_out.weight"),
        (VAE, lambda path: shorter(path, "decoder.mid_block.attentions.0.to_q.bias"), "1 mismatched keys: decoder.mid"),
        (TEXT, lambda path: without(path, DEEP), "text_encoder: .*1 missing keys: encoder.layers.1.mlp.fc1.bias"),
    ],
)  # fmt: skip
def test_weights_that_are_not_the_configurations_are_refused(
    folder: Path, file: str, damage: Callable[[Path], None], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    damage(folder / file)
    with pytest.raises(ModelError, match=words):
        look_at(f"folder:{folder}")
    status, said = plan(folder, capsys)
    assert status == EXIT_USAGE
    assert "checkpoint and architecture do not match" in said
    assert "ready: sdqa" not in said


@pytest.mark.parametrize(
    ("part", "changes", "words"),
    [
        ("unet", {"norm_num_groups": 7}, "norm_num_groups is 7; allowed: a divisor of 32, the channels of down_blocks"),
        ("unet", {"resnet_time_scale_shift": "scale_shift"}, "mismatched keys: down_blocks.0.resnets.0.time_emb_proj"),
        ("unet", {"act_fn": "sliu"}, "unet/config.json: act_fn is 'sliu'"),
        ("unet", {"norm_eps": -1}, "unet/config.json: norm_eps is -1; allowed: a finite number above 0"),
        ("unet", {"mid_block_scale_factor": 0}, "mid_block_scale_factor is 0; allowed: a finite number above 0"),
        ("unet", {"layers_per_block": 2}, "missing keys: down_blocks.0.attentions.1"),
        ("vae", {"use_quant_conv": False}, "2 unexpected keys: quant_conv.bias, quant_conv.weight"),
        ("text_encoder", {"num_hidden_layers": 1}, "16 unexpected keys: encoder.layers.1"),
        ("text_encoder", {"num_hidden_layers": 3}, "16 missing keys: encoder.layers.2"),
        ("text_encoder", {"intermediate_size": 64}, "mismatched keys: encoder.layers.0.mlp.fc1.bias"),
    ],
)
def test_a_configuration_that_is_not_of_the_weights_is_refused(
    folder: Path, part: str, changes: dict[str, Any], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(folder / part / "config.json", **changes)
    status, said = plan(folder, capsys)
    assert status == EXIT_USAGE
    assert words in said


def test_blocks_of_another_architecture_are_refused(folder: Path) -> None:
    edit(folder / "unet/config.json", down_block_types=["KDownBlock2D", "DownBlock2D"])
    with pytest.raises(UnsupportedModel, match="down_block_types has 'KDownBlock2D'; supported is DownBlock2D or"):
        examine_folder(folder, source="here")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda table: table.pop("conv_in.bias"), "1 tensors that it does not name are: conv_in.bias in"),
        (lambda table: table.update(ghost=next(iter(table.values()))), "that its index names are not there: ghost"),
        (lambda table: table.update({"conv_in.bias": max(table.values())}), "conv_in.bias in .*00002-of-00002"),
    ],
)  # fmt: skip
def test_shards_hold_what_their_index_says(
    folder: Path, damage: Callable[[dict[str, str]], object], words: str
) -> None:
    tensors = load_file(folder / UNET)
    names, table = sorted(tensors), {}
    for number, part in enumerate((names[:100], names[100:]), 1):
        file = f"diffusion_pytorch_model-{number:05}-of-00002.safetensors"
        save_file({name: tensors[name] for name in part}, folder / "unet" / file)
        table.update(dict.fromkeys(part, file))
    (folder / UNET).unlink()
    index = folder / "unet" / "diffusion_pytorch_model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": table}), "utf-8")
    examine_folder(folder, source="here")
    damage(table)
    index.write_text(json.dumps({"weight_map": table}), "utf-8")
    with pytest.raises(ModelError, match=words):
        examine_folder(folder, source="here")


def test_a_scheduler_that_needs_a_library_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edit(folder / "model_index.json", scheduler=["diffusers", "LMSDiscreteScheduler"])
    edit(folder / SCHEDULER, _class_name="LMSDiscreteScheduler")
    examine_folder(folder, source="here")
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "scipy" else found(name))
    with pytest.raises(ModelError, match="its scheduler is LMSDiscreteScheduler, which cannot be loaded without scipy"):
        examine_folder(folder, source="here")


def test_every_scheduler_of_a_family_is_loaded_or_named(folder: Path) -> None:
    for name in FAMILIES["sd"].part("scheduler").classes:
        edit(folder / "model_index.json", scheduler=["diffusers", name])
        edit(folder / SCHEDULER, _class_name=name)
        needed = FAMILIES["sd"].part("scheduler").needs.get(name, "json")
        if importlib.util.find_spec(needed) is None:
            with pytest.raises(ModelError, match=f"which cannot be loaded without {needed}"):
                examine_folder(folder, source="here")
        else:
            assert type(load_teacher(f"folder:{folder}").part("scheduler")).__name__ == name


def test_a_plan_says_what_it_saw_of_weights_and_what_not(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tensors = load_file(folder / UNET)
    tensors["conv_in.weight"][0, 0, 0, 0] = np.nan
    save_file(tensors, folder / UNET)
    opened = examine_folder(folder, source="here")
    assert isinstance(opened, OpenedFolder)
    status, said = plan(folder, capsys)
    assert status == EXIT_PASS
    assert (
        f"{opened.tensors} tensors, by name and shape those of the configurations; their values are read by a" in said
    )


def test_looking_takes_no_time(folder: Path) -> None:
    started = time.perf_counter()
    examine_folder(folder, source="here")
    assert time.perf_counter() - started < 1


@pytest.mark.parametrize("header", [b"5", b"null", b"[1]", b'"lora"', b"{}"])
def test_weights_beside_whose_header_is_no_object_are_listed(folder: Path, header: bytes) -> None:
    (folder / "extra.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    assert "not used: extra.safetensors" in examine_folder(folder, source="folder:x").remarks
