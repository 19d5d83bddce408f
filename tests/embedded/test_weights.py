"""The shipped weights load anywhere, offline, and fit their size."""

from __future__ import annotations

import hashlib
import json
import shutil
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from sdqa import compat, embedded
from sdqa.embedded.variants import CHANGED, CONFIG, VARIANTS, assemble, assembled
from sdqa.errors import ModelError
from sdqa.models.sources import load_teacher


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("the embedded model must not reach for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def size(*folders: Path) -> int:
    return sum(path.stat().st_size for folder in folders for path in folder.rglob("*") if path.is_file())


def test_all_that_draws_and_scores_fits_ten_megabytes() -> None:
    assert size(embedded.PIPELINE, embedded.OPEN_CLIP) <= 10_000_000
    assert all(size(variant) <= 800_000 for variant in VARIANTS.values())
    assert size(embedded.ATTRIBUTES) <= 600_000


@pytest.mark.parametrize("name", VARIANTS)
def test_a_variant_is_a_whole_pipeline_that_draws(tmp_path: Path, name: str) -> None:
    compat.prepare_hub()
    from diffusers import StableDiffusionPipeline

    assemble(tmp_path / "variant", VARIANTS[name])
    pipe = StableDiffusionPipeline.from_pretrained(tmp_path / "variant", safety_checker=None)
    main = StableDiffusionPipeline.from_pretrained(embedded.PIPELINE, safety_checker=None)
    parameters = dict(main.unet.named_parameters())
    same = {name: torch.equal(own, parameters[name]) for name, own in pipe.unet.named_parameters()}
    assert {name for name in same if not same[name]} == set(load_file(VARIANTS[name] / CHANGED))

    from sdqa.embedded import attributes, scenes

    scene = scenes.parse("portrait/3?background=green&glasses=no&hat=none")
    pipe.set_progress_bar_config(disable=True)
    noise = torch.Generator().manual_seed(1)
    images = pipe(scene.caption, num_inference_steps=10, guidance_scale=3.0, generator=noise, output_type="pt").images
    read = attributes.load(embedded.ATTRIBUTES).read(images * 2 - 1)[0]
    assert (read["kind"], read["background"]) == ("portrait", "green")


def test_variants_are_what_they_are_named_for() -> None:
    main, no_mid, v = (load_teacher(f"embedded:{name}") for name in ("tiny", "tiny-no-mid", "tiny-v"))
    assert [teacher.facts.prediction_type for teacher in (main, no_mid, v)] == ["epsilon", "epsilon", "v_prediction"]
    assert len({main.digest, no_mid.digest, v.digest}) == 3
    assert main.parameters["unet"] == v.parameters["unet"] > no_mid.parameters["unet"]
    assert main.parameters["vae_decoder"] == no_mid.parameters["vae_decoder"]


@pytest.mark.parametrize("name", VARIANTS)
def test_a_variant_is_assembled_once_a_process(name: str) -> None:
    folder = assembled(name)
    assert folder == assembled(name)
    assert {path.name for path in folder.iterdir()} >= {"unet", "vae", "text_encoder", "tokenizer", "scheduler"}


@pytest.mark.parametrize(("file", "content"), [(CHANGED, b"\xff" * 20), (CONFIG, b"{}")])
def test_a_damaged_variant_is_one_clear_error(tmp_path: Path, file: str, content: bytes) -> None:
    shutil.copytree(VARIANTS["tiny-no-mid"], tmp_path / "no_mid")
    (tmp_path / "no_mid" / file).write_bytes(content)
    with pytest.raises(ModelError, match="cannot be assembled"):
        assemble(tmp_path / "variant", tmp_path / "no_mid")
    assert not (tmp_path / "variant").exists()


def test_weights_are_safetensors_and_json_only() -> None:
    assert {path.suffix for path in embedded.WEIGHTS.rglob("*") if path.is_file()} == {".safetensors", ".json"}


def test_provenance_names_the_weights_that_are_there() -> None:
    provenance = json.loads((embedded.WEIGHTS / "provenance.json").read_text(encoding="utf-8"))
    found = {
        str(path.relative_to(embedded.WEIGHTS)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in embedded.WEIGHTS.rglob("*.safetensors")
    }
    assert provenance["sha256"] == found
    assert all(run["machine"] and run["stages"] for run in provenance["history"])


def test_accessors_import_nothing_heavy() -> None:
    check = "import sys; import sdqa.embedded as t; assert t.PIPELINE.is_dir(); print('torch' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"


@pytest.mark.usefixtures("no_network")
def test_pipeline_draws() -> None:
    compat.prepare_hub()
    from diffusers import StableDiffusionImg2ImgPipeline, StableDiffusionPipeline
    from PIL import Image

    pipe = StableDiffusionImg2ImgPipeline.from_pretrained(embedded.PIPELINE, safety_checker=None)
    pipe.set_progress_bar_config(disable=True)
    assert pipe.unet.dtype == torch.float32
    source = Image.new("RGB", (64, 64), (200, 40, 40))
    result = pipe("a portrait of a man", image=source, strength=0.5, num_inference_steps=4, output_type="pt").images
    assert result.shape == (1, 3, 64, 64)
    assert torch.isfinite(result).all()
    assert isinstance(StableDiffusionPipeline.from_pretrained(embedded.PIPELINE).unet, torch.nn.Module)


@pytest.mark.usefixtures("no_network")
def test_open_clip_loads_from_a_read_only_copy(tmp_path: Path) -> None:
    folder = tmp_path / "site-packages" / "open_clip"
    shutil.copytree(embedded.OPEN_CLIP, folder)
    for path in (*folder.iterdir(), folder):
        path.chmod(path.stat().st_mode & ~(stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH))
    try:
        from sdqa.embedded import clip

        there, here = clip.load(folder), embedded.load_open_clip()
    finally:
        folder.chmod(0o755)
    tokens = there.tokenizer(["Portrait of a pretty girl", "a lake"])
    assert tokens.shape == (2, 32)
    assert torch.equal(tokens, here.tokenizer(["Portrait of a pretty girl", "a lake"]))
    with torch.no_grad():
        assert torch.equal(there.model.encode_text(tokens), here.model.encode_text(tokens))
        assert here.model.encode_image(torch.zeros(2, 3, 64, 64)).shape == (2, 128)
    assert here.preprocess.size == 64
    assert here.weights.is_file()


def test_truncated_open_clip_is_one_clear_error(tmp_path: Path) -> None:
    folder = tmp_path / "open_clip"
    shutil.copytree(embedded.OPEN_CLIP, folder)
    weights = folder / "open_clip_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:5000])
    from sdqa.embedded import clip

    with pytest.raises(ModelError, match="cannot be loaded"):
        clip.load(folder)


def test_missing_tokenizer_is_one_clear_error(tmp_path: Path) -> None:
    folder = tmp_path / "open_clip"
    shutil.copytree(embedded.OPEN_CLIP, folder)
    (folder / "tokenizer.json").unlink()
    from sdqa.embedded import clip

    with pytest.raises(ModelError, match="missing"):
        clip.load(folder)
