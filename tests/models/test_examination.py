"""What a folder's files say is drawn with, or refused by name, before a weight is read."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from sdqa.errors import ModelError
from sdqa.models import load_teacher
from sdqa.models.architecture import demand_architecture
from sdqa.models.opening import examine_folder
from sdqa.models.tokens import read_tokenizer
from tests.models.test_opening import edit

UNET, TEXT = "unet/diffusion_pytorch_model.safetensors", "text_encoder/model.safetensors"
PARTS = ("unet", "vae", "text_encoder")
PROMPTS = (
    "a portrait of a girl",
    "A  Portrait\tof an OLD man's café, 12345!!  naïve — <3 日本語 ıİ",
    " ".join(["word"] * 90) + " cat",
    "",
)


def save_as(folder: Path, variant: str) -> None:
    """Rename the plain files of weights to a variant's."""
    for part in PARTS:
        for path in list((folder / part).glob("*.safetensors")):
            path.rename(path.with_name(f"{path.stem}.{variant}.safetensors"))


def test_the_only_variant_is_taken_and_said(folder: Path) -> None:
    plain = load_teacher(f"folder:{folder}")
    wanted = {part: plain.part(part).state_dict() for part in PARTS}
    save_as(folder, "fp16")
    opened = examine_folder(folder, source="here")
    assert opened.remarks == ("weights of the only variant that is there: text_encoder: fp16, vae: fp16, unet: fp16",)
    teacher = load_teacher(f"folder:{folder}")
    assert dict(teacher.parameters) == dict(plain.parameters)
    for part in PARTS:
        got = teacher.part(part).state_dict()
        assert all(torch.equal(wanted[part][name], got[name]) for name in wanted[part])


def test_several_variants_are_named(folder: Path) -> None:
    for variant in ("bf16", "fp16"):
        shutil.copy(folder / UNET, folder / "unet" / f"diffusion_pytorch_model.{variant}.safetensors")
    assert examine_folder(folder, source="here").remarks == (
        "not used: unet/diffusion_pytorch_model.bf16.safetensors, unet/diffusion_pytorch_model.fp16.safetensors",
    )
    (folder / UNET).unlink()
    with pytest.raises(ModelError, match=r"unet has its weights in several variants \(bf16, fp16\) and none without"):
        examine_folder(folder, source="here")


@pytest.mark.parametrize("variant", ["", "fp16"])
def test_shards_are_found_by_their_index(folder: Path, variant: str) -> None:
    tensors = load_file(folder / UNET)
    whole = load_teacher(f"folder:{folder}").part("unet").state_dict()
    names = sorted(tensors)
    dot = f".{variant}" if variant else ""
    table = {}
    for number, part in enumerate((names[::2], names[1::2]), 1):
        file = f"diffusion_pytorch_model{dot}-{number:05}-of-00002.safetensors"
        save_file({name: tensors[name] for name in part}, folder / "unet" / file, metadata={"format": "pt"})
        table.update(dict.fromkeys(part, file))
    (folder / UNET).unlink()
    with pytest.raises(ModelError, match="shards of its weights, but no diffusion_pytorch_model"):
        examine_folder(folder, source="here")
    index = folder / "unet" / f"diffusion_pytorch_model.safetensors.index{dot}.json"
    index.write_text(json.dumps({"metadata": {}, "weight_map": table}), "utf-8")
    loaded = load_teacher(f"folder:{folder}").part("unet").state_dict()
    assert all(torch.equal(whole[name], loaded[name]) for name in whole)
    (folder / "unet" / f"diffusion_pytorch_model{dot}-00002-of-00002.safetensors").unlink()
    with pytest.raises(ModelError, match="shards are missing: diffusion_pytorch_model"):
        examine_folder(folder, source="here")
    index.write_text(json.dumps({"weight_map": {"a": "../../secret.safetensors"}}), "utf-8")
    with pytest.raises(ModelError, match="shards are missing"):
        examine_folder(folder, source="here")


@pytest.mark.parametrize("variant", ["", "fp16"])
@pytest.mark.parametrize("file", [UNET, "vae/diffusion_pytorch_model.safetensors", TEXT])
def test_a_whole_file_beside_an_index_of_shards_is_refused(folder: Path, file: str, variant: str) -> None:
    if variant:
        save_as(folder, variant)
    place, name = (folder / file).parent, Path(file).name
    index = place / (f"{name}.index.{variant}.json" if variant else f"{name}.index.json")
    index.write_text(json.dumps({"weight_map": {"a": "other.safetensors"}}), "utf-8")
    with pytest.raises(ModelError, match=rf"{place.name} has both a whole file .* and a shard index") as caught:
        examine_folder(folder, source="here")
    assert index.name in str(caught.value)
    assert "remove one" in caught.value.hint


def test_pickles_alone_are_refused_with_the_right_hint(folder: Path) -> None:
    (folder / UNET).rename(folder / "unet" / "diffusion_pytorch_model.bin")
    with pytest.raises(ModelError, match=r"unet has no diffusion_pytorch_model.safetensors, only .*\.bin") as caught:
        examine_folder(folder, source="here")
    assert "safetensors only" in caught.value.hint


def only_others(path: Path) -> None:
    path.rename(path.with_name("model.safetensors"))


def as_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def dangling(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.parent / "nowhere")


def no_table(path: Path) -> None:
    path.rename(path.with_name("diffusion_pytorch_model-00001-of-00001.safetensors"))
    path.with_name("diffusion_pytorch_model.safetensors.index.json").write_text('{"weight_map": []}', "utf-8")


def one_of_two(path: Path) -> None:
    names = [f"diffusion_pytorch_model-0000{number}-of-00002.safetensors" for number in (1, 2)]
    path.rename(path.with_name(names[0]))
    index = path.with_name("diffusion_pytorch_model.safetensors.index.json")
    index.write_text(json.dumps({"weight_map": {"a": names[0], "b": names[1]}}), "utf-8")


@pytest.mark.parametrize(
    ("damage", "words", "next_step"),
    [
        (lambda path: path.unlink(), r"unet has no diffusion_pytorch_model\.safetensors", "download unet/diffusion_"),
        (only_others, r"only model\.safetensors", "call it diffusion_pytorch_model.safetensors"),
        (as_folder, "is a folder, not a file", "save the pipeline again"),
        (dangling, "is a link to nothing", "fetch the file again"),
        (no_table, r"index\.json has no weight_map", "download it again"),
        (one_of_two, "shards are missing: diffusion_pytorch_model-00002", "names 2 files, 1 are here"),
    ],
)
def test_weights_that_are_not_there_have_the_right_hint(
    folder: Path, damage: Callable[[Path], Any], words: str, next_step: str
) -> None:
    damage(folder / UNET)
    with pytest.raises(ModelError, match=words) as caught:
        examine_folder(folder, source="here")
    assert next_step in caught.value.hint


def test_a_pointer_of_git_lfs_is_named(folder: Path) -> None:
    (folder / UNET).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n", "utf-8")
    with pytest.raises(ModelError, match="a Git LFS pointer") as caught:
        examine_folder(folder, source="here")
    assert "git lfs pull" in caught.value.hint


def test_quantised_checkpoints_are_refused_by_name(folder: Path) -> None:
    tensors = load_file(folder / UNET)
    tensors["conv_in.weight"] = tensors["conv_in.weight"].to(torch.int8)
    save_file(tensors, folder / UNET)
    with pytest.raises(ModelError, match=r"unet stores conv_in\.weight as I8"):
        examine_folder(folder, source="here")


def test_folders_inside_are_named(folder: Path, tmp_path: Path) -> None:
    outer = tmp_path / "outer"
    shutil.copytree(folder, outer / "models" / "one")
    with pytest.raises(ModelError) as caught:
        examine_folder(outer, source="here")
    assert caught.value.hint == "inside are: models/one: name one"
    with pytest.raises(ModelError) as caught:
        examine_folder(folder / "unet", source="here")
    assert f"name {folder}" in caught.value.hint
    single = tmp_path / "single"
    single.mkdir()
    shutil.copy(folder / UNET, single / "v1-5-pruned.safetensors")
    with pytest.raises(ModelError) as caught:
        examine_folder(single, source="here")
    assert "from_single_file" in caught.value.hint


def test_what_lies_beside_is_named_as_not_used(folder: Path) -> None:
    save_file({"unet.lora.down": torch.ones(2, 2)}, folder / "pytorch_lora_weights.safetensors")
    save_file({"emb_params": torch.ones(1, 32)}, folder / "learned.safetensors")
    (folder / "ip_adapter").mkdir()
    save_file({"image_proj.w": torch.ones(1)}, folder / "ip_adapter" / "model.safetensors")
    shutil.copy(folder / UNET, folder / "unet" / "diffusion_pytorch_model.non_ema.safetensors")
    (remark,) = examine_folder(folder, source="here").remarks
    assert remark == (
        "not used: ip_adapter/ (an IP-Adapter, which takes a picture as a prompt), learned.safetensors (a textual "
        "inversion: its word means nothing to the tokenizer), pytorch_lora_weights.safetensors (a LoRA adapter: fuse "
        "it into the weights to draw with it), unet/diffusion_pytorch_model.non_ema.safetensors"
    )


def test_an_adapter_does_not_hide_behind_other_copies(folder: Path) -> None:
    for number in range(10):
        shutil.copy(folder / UNET, folder / f"copy{number}.safetensors")
    save_file({"unet.lora.down": torch.ones(2, 2)}, folder / "pytorch_lora_weights.safetensors")
    for number in range(9):
        (folder / f"{number}_controlnet").mkdir()
        save_file({"w": torch.ones(1)}, folder / f"{number}_controlnet" / "model.safetensors")
    (remark,) = examine_folder(folder, source="here").remarks
    assert "pytorch_lora_weights.safetensors (a LoRA adapter" in remark
    assert all(f"{number}_controlnet/ (a ControlNet" in remark for number in range(9))
    assert remark.endswith(") and 10 more")


def test_an_adapter_inside_a_part_is_refused(folder: Path) -> None:
    (folder / "text_encoder" / "adapter_config.json").write_text("{}", "utf-8")
    with pytest.raises(ModelError, match="text_encoder has an adapter_config"):
        examine_folder(folder, source="here")


@pytest.mark.parametrize(
    ("part", "name", "value"), [("unet", "conv_in.weight", float("nan")), ("vae", "encoder.conv_in.bias", float("inf"))]
)
def test_weights_that_are_not_finite_are_named_and_counted(folder: Path, part: str, name: str, value: float) -> None:
    path = folder / part / "diffusion_pytorch_model.safetensors"
    tensors = load_file(path)
    tensors[name].view(-1)[:3] = value
    save_file(tensors, path, metadata={"format": "pt"})
    with pytest.raises(
        ModelError, match=rf"{part} has values that are not finite: {name} \(3 of {tensors[name].numel()}"
    ):
        load_teacher(f"folder:{folder}").part(part)


def test_large_finite_weights_are_finite(folder: Path) -> None:
    tensors = load_file(folder / UNET)
    tensors["conv_in.weight"].fill_(3e38)  # their sum overflows
    save_file(tensors, folder / UNET, metadata={"format": "pt"})
    load_teacher(f"folder:{folder}").part("unet")


def strip_merges(place: Path) -> None:
    whole = json.loads((place / "tokenizer.json").read_text("utf-8"))
    whole["model"]["merges"] = []
    (place / "tokenizer.json").write_text(json.dumps(whole), "utf-8")


def split_files(place: Path) -> None:
    """As older releases save it: vocabulary and merges."""
    whole = json.loads((place / "tokenizer.json").read_text("utf-8"))["model"]
    (place / "tokenizer.json").unlink()
    (place / "vocab.json").write_text(json.dumps(whole["vocab"]), "utf-8")
    merges = "\n".join(pair if isinstance(pair, str) else " ".join(pair) for pair in whole["merges"])
    (place / "merges.txt").write_text(f"#version: 0.2\n{merges}\n", "utf-8")


def no_merges_file(place: Path) -> None:
    split_files(place)
    (place / "merges.txt").unlink()


def garbled_merges(place: Path) -> None:
    split_files(place)
    (place / "merges.txt").write_text("a b c\nnothing\n", "utf-8")


def foreign_merges(place: Path) -> None:
    split_files(place)
    (place / "merges.txt").write_text("日 本\n", "utf-8")


def garbled(place: Path) -> None:
    (place / "tokenizer.json").write_text('{"model": {"vocab": {"a": 0}, "type": "None"}}', "utf-8")


def fewer_merges(place: Path) -> None:
    path = place / "tokenizer.json"
    whole = json.loads(path.read_text("utf-8"))
    whole["model"]["merges"] = whole["model"]["merges"][:100]
    path.write_text(json.dumps(whole), "utf-8")


def fewer_lines_of_merges(place: Path) -> None:
    split_files(place)
    lines = (place / "merges.txt").read_text("utf-8").splitlines()
    (place / "merges.txt").write_text("\n".join(lines[:101]), "utf-8")


def fractional(place: Path) -> None:
    split_files(place)
    edit(place / "vocab.json", cat=5.5)


def settings(**values: object) -> Callable[[Path], Any]:
    return lambda place: edit(place / "tokenizer_config.json", **values)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (fewer_merges, "100 of 200 words of the vocabulary are made by no merge"),
        (fewer_lines_of_merges, "100 of 200 words of the vocabulary are made by no merge"),
        (fractional, "'cat' has the number 5.5"),
        (settings(pad_token="<pad>"), "tokenizer knows the token 714, the text encoder has 714"),
        (settings(pad_token={"content": "<pad>"}), "tokenizer knows the token 714"),
        (settings(bos_token=None), "bos_token is None; allowed: a word"),
        (settings(eos_token=7), "eos_token is 7; allowed: a word"),
        (strip_merges, "no merges"),
        (no_merges_file, "no merges.txt"),
        (garbled_merges, "not a list of merges"),
        (foreign_merges, "do not fit together"),
        (garbled, "tokenizer.json cannot be used"),
        (lambda place: (place / "tokenizer.json").unlink(), "no vocab.json and no merges.txt"),
        (lambda place: edit(place / "tokenizer_config.json", model_max_length=None), "states no model_max_length"),
        (lambda place: edit(place / "tokenizer_config.json", model_max_length=10**30), "as model_max_length"),
        (lambda place: edit(place / "tokenizer_config.json", model_max_length=32), "prompts of 32 tokens"),
        (lambda place: edit(place.parent / "text_encoder" / "config.json", vocab_size=700), "knows the token 713"),
    ],
)
def test_a_tokenizer_that_cannot_serve_is_refused(folder: Path, damage: Callable[[Path], Any], words: str) -> None:
    damage(folder / "tokenizer")
    with pytest.raises(ModelError, match=words):
        examine_folder(folder, source="here")


@pytest.mark.parametrize("split", [False, True])
def test_tokens_are_those_of_transformers(folder: Path, split: bool) -> None:
    if split:
        split_files(folder / "tokenizer")
    from transformers import CLIPTokenizer

    own = read_tokenizer(folder / "tokenizer", source="here")
    theirs = CLIPTokenizer.from_pretrained(folder / "tokenizer")
    assert own.length == theirs.model_max_length
    for prompt in PROMPTS:
        assert own.ids(prompt) == theirs(prompt, add_special_tokens=False)["input_ids"]


def test_random_architectures_have_the_tokens_of_their_teacher() -> None:
    from sdqa.models import look_at

    opening = look_at("random:miniature")
    assert opening is not None
    assert opening.tokenizer is not None
    theirs = load_teacher("random:miniature").part("tokenizer")
    for prompt in PROMPTS:
        assert opening.tokenizer().ids(prompt) == theirs(prompt, add_special_tokens=False)["input_ids"]


def test_what_is_cut_is_what_the_text_encoder_does_not_see(folder: Path) -> None:
    own = read_tokenizer(folder / "tokenizer", source="here")
    cut = own.cut("a " * 80 + "cat")
    assert cut is not None
    assert (cut.after, cut.text) == (75, "a a a a a cat")
    assert own.ids("a " * 75) == own.ids("a " * 80 + "cat")[:75]
    assert own.cut(PROMPTS[2]) is not None
    assert own.cut(PROMPTS[0]) is None


def test_what_is_left_over_or_missing_is_found_before_weights_are_read(folder: Path) -> None:
    tensors = load_file(folder / UNET)
    del tensors["conv_in.bias"]
    save_file({**tensors, "extra": torch.ones(3)}, folder / UNET)
    with pytest.raises(ModelError, match=r"1 missing keys: conv_in\.bias; 1 unexpected keys: extra"):
        demand_architecture(folder, examine_folder(folder, source="here"))


def test_a_word_that_was_added_beside_the_vocabulary_counts(folder: Path) -> None:
    path = folder / "tokenizer" / "added_tokens.json"
    path.write_text('{"<new>": 99999}', "utf-8")
    read, prompt = read_tokenizer(folder / "tokenizer", source="here"), "a portrait of <new> girl"
    loaded = load_teacher_tokenizer(folder)
    assert [*read.ids(prompt)] == loaded(prompt).input_ids[1:-1]
    assert read.highest == max(loaded.get_vocab().values())
    with pytest.raises(ModelError, match=r"tokenizer knows the token 714, the text encoder has 714 \(from 0\)"):
        examine_folder(folder, source="here")
    edit(folder / "tokenizer" / "tokenizer_config.json", added_tokens_decoder={"99999": {"content": "<other>"}})
    path.write_text('{"<|endoftext|>": 713}', "utf-8")
    assert read_tokenizer(folder / "tokenizer", source="here").highest == 714


def load_teacher_tokenizer(folder: Path) -> Any:
    from transformers import CLIPTokenizer

    return CLIPTokenizer.from_pretrained(folder / "tokenizer", local_files_only=True)
