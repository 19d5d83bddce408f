"""A miniature recipe trains every stage, goes on after a kill as if nothing had happened, and ships what loads."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from filelock import FileLock
from safetensors.torch import load_file

from sdqa.embedded import attributes, clip, variants
from sdqa.errors import EXIT_INTERRUPTED, EXIT_USAGE, UsageError
from training.__main__ import main
from training.config import TrainingRecipe, load
from training.shipping import PROVENANCE, ship
from training.studio import STAGES, Studio
from training.vae import encode, fit_half, squared_by
from training.vae import load as load_vae

pytestmark = pytest.mark.slow

Make = Callable[..., Studio]
Vary = Callable[..., TrainingRecipe]
ROOT = Path(__file__).parents[2]
VARIANTS = ("no_mid", "v_prediction")


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return {
        f"{path.relative_to(folder)}:{name}": tensor
        for path in sorted(folder.rglob("*.safetensors"))
        for name, tensor in load_file(path).items()
    }


def assert_equal_bits(a: Path, b: Path) -> None:
    first, second = weights(a), weights(b)
    assert first.keys() == second.keys()
    assert first
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("stage", ["vae", "clip", "attributes"])
def test_a_stopped_stage_goes_on_bit_for_bit(studio: Make, recipe: TrainingRecipe, stage: str) -> None:
    undisturbed = studio("undisturbed", recipe)
    assert undisturbed.train(stage)
    assert not studio("stopped", recipe, stop_after=2).train(stage)
    assert not studio("stopped", recipe, stop_after=5).train(stage)
    resumed = studio("stopped", recipe)
    assert resumed.train(stage)
    assert_equal_bits(undisturbed.folder(stage), resumed.folder(stage))


def test_another_seed_gives_other_weights(studio: Make, miniature: Vary) -> None:
    for name, seed in (("a", 0), ("b", 1)):
        studio(name, miniature(seed=seed)).train("attributes")
    first, second = (weights(studio(name, miniature()).folder("attributes")) for name in ("a", "b"))
    assert not torch.equal(first["model.safetensors:heads.kind.weight"], second["model.safetensors:heads.kind.weight"])


def test_every_stage_trains_resumes_and_ships(studio: Make, recipe: TrainingRecipe, tmp_path: Path) -> None:
    whole, broken = studio("whole", recipe), studio("broken", recipe)
    for stage in STAGES["all"]:
        assert whole.train(stage)
        assert not studio("broken", recipe, stop_after=3).train(stage)
        assert broken.train(stage)
        assert_equal_bits(whole.folder(stage), broken.folder(stage))

    shipped = tmp_path / "weights"
    ship(whole, shipped)
    from diffusers import PNDMScheduler, StableDiffusionPipeline, UNet2DConditionModel

    pipe = StableDiffusionPipeline.from_pretrained(shipped / "pipeline")
    pipe.set_progress_bar_config(disable=True)
    assert pipe("a lake", num_inference_steps=2, output_type="pt").images.shape == (1, 3, 32, 32)
    for stage, name in (("no-mid", "no_mid"), ("v-prediction", "v_prediction")):
        variants.assemble(tmp_path / name, shipped / name, shipped / "pipeline")
        variant = UNet2DConditionModel.from_pretrained(tmp_path / name / "unet")
        trained = UNet2DConditionModel.from_pretrained(whole.folder(stage) / "unet")
        assert (variant.mid_block is None) == (stage == "no-mid")
        assert all(
            torch.equal(p, q.half().float()) for p, q in zip(variant.parameters(), trained.parameters(), strict=True)
        )
    kinds = [
        PNDMScheduler.from_pretrained(folder / "scheduler").config.prediction_type
        for folder in (shipped / "pipeline", tmp_path / "no_mid", tmp_path / "v_prediction")
    ]
    assert kinds == ["epsilon", "epsilon", "v_prediction"]
    assert clip.load(shipped / "open_clip").preprocess.size == 32
    assert attributes.load(shipped / "attributes")(torch.zeros(1, 3, 32, 32))["kind"].shape == (1, 2)

    provenance = json.loads((shipped / PROVENANCE).read_text(encoding="utf-8"))
    assert set(provenance["history"][-1]["stages"]) == set(STAGES["all"])
    assert len(provenance["sha256"]) == 7
    with pytest.raises(FileExistsError):
        ship(whole, shipped)

    again = studio("again", recipe, start=shipped)
    assert again.train("no-mid")
    ship(again, tmp_path / "second")
    history = json.loads((tmp_path / "second" / PROVENANCE).read_text(encoding="utf-8"))["history"]
    assert [set(run["stages"]) for run in history] == [set(STAGES["all"]), {"no-mid"}]
    assert not [path for path in (tmp_path / "second").rglob("*.json") if str(tmp_path) in path.read_text("utf-8")]
    kept = "pipeline/unet/diffusion_pytorch_model.safetensors:conv_in.weight"
    assert torch.equal(weights(shipped)[kept], weights(tmp_path / "second")[kept])


def test_v_prediction_and_factor_eight_train(studio: Make, miniature: Vary) -> None:
    base = miniature().model_dump()
    unet: dict[str, Any] = {**base["unet"], "prediction": "v_prediction"}
    deep = miniature(vae={**base["vae"], "channels": [8, 8, 8, 16]}, unet=unet, **dict.fromkeys(VARIANTS))
    made = studio("deep", deep)
    assert deep.latent_size == 4
    for stage in ("vae", "unet"):
        assert made.train(stage)
    assert all(torch.isfinite(tensor).all() for tensor in weights(made.folder("unet")).values())


def test_an_anchor_holds_the_latents_where_they_were(studio: Make, miniature: Vary, tmp_path: Path) -> None:
    first = studio("first", miniature())
    for stage in ("vae", "unet", "clip", "attributes"):
        assert first.train(stage)
    ship(first, tmp_path / "weights")
    vae = {**miniature().model_dump()["vae"], "schedule": {"steps": 12, "batch": 4, "rate": 3e-3, "ema": 0.0}}

    def drift(name: str, anchor: float) -> float:
        made = studio(name, miniature(seed=1, vae={**vae, "anchor": anchor}), start=tmp_path / "weights")
        assert made.train("vae")
        before, after = load_vae(tmp_path / "weights" / "pipeline" / "vae"), load_vae(made.folder("vae"))
        images = made.drawings.images(torch.arange(32))
        return (encode(after, images) - encode(before, images)).square().mean().item()

    assert drift("held", 100.0) < 0.5 * drift("free", 0.0)


@pytest.mark.parametrize("wanted", [1.0, 1.5])
def test_scaled_latents_have_the_spread_of_the_recipe(studio: Make, miniature: Vary, wanted: float) -> None:
    made = studio("spread", miniature(vae={**miniature().model_dump()["vae"], "latent_std": wanted}))
    assert made.train("vae")
    vae = load_vae(made.folder("vae"))
    latents = encode(vae, made.drawings.images(torch.arange(made.drawings.training))) * vae.config.scaling_factor
    assert latents.std().item() == pytest.approx(wanted, rel=1e-4)


def test_a_loud_encoder_is_made_to_fit_half_precision_and_keeps_its_latents(studio: Make, miniature: Vary) -> None:
    made = studio("loud", miniature())
    vae, images = made.vae(), made.drawings.images(torch.arange(16))
    with torch.no_grad():
        level, middle = vae.encoder.down_blocks[-1].resnets, vae.encoder.mid_block.resnets
        for layer in (level[0].conv_shortcut, *(resnet.conv2 for resnet in (*level, *middle))):
            layer.weight *= 1000
    given: list[float] = []
    vae.encoder.conv_norm_out.register_forward_pre_hook(lambda norm, inputs: given.append(squared_by(norm, inputs[0])))
    before = encode(vae, images)
    fit_half(vae, images)
    after = encode(vae, images)
    assert given[0] > 255
    assert 64 <= given[-1] <= 128
    assert torch.allclose(before, after, atol=1e-4)


def test_a_stage_that_the_recipe_leaves_out_is_one_clear_error(studio: Make, miniature: Vary) -> None:
    bare = studio("bare", miniature(**dict.fromkeys(VARIANTS)))
    for stage in ("vae", "unet"):
        assert bare.train(stage)
    assert bare.stages == ("vae", "vae-decoder", "unet", "clip", "attributes")
    for name in VARIANTS:
        with pytest.raises(UsageError, match="no such variant") as caught:
            bare.train(name.replace("_", "-"))
        assert f"[{name}]" in str(caught.value)


def test_an_anchor_without_a_start_is_one_clear_error(studio: Make, miniature: Vary) -> None:
    anchored = miniature(vae={**miniature().model_dump()["vae"], "anchor": 1.0})
    with pytest.raises(UsageError, match="anchor"):
        studio("adrift", anchored).train("vae")


def test_edits_train_and_go_on_bit_for_bit(studio: Make, miniature: Vary) -> None:
    base = miniature().model_dump()
    edits = miniature(unet={**base["unet"], "edits": 0.5, "guidance": 2.0}, no_mid=None, v_prediction=None)
    whole, broken = studio("whole", edits), studio("broken", edits)
    assert whole.train("vae")
    assert broken.train("vae")
    assert whole.train("unet")
    assert not studio("broken", edits, stop_after=3).train("unet")
    assert broken.train("unet")
    assert_equal_bits(whole.folder("unet"), broken.folder("unet"))


def test_only_the_named_parameters_learn_and_ship(studio: Make, miniature: Vary, tmp_path: Path) -> None:
    base = miniature().model_dump()
    partly = miniature(no_mid={**base["no_mid"], "only": ["up_blocks.0.resnets.0."]})
    made = studio("partly", partly)
    for stage in ("vae", "unet", "no-mid", "clip", "attributes"):
        assert made.train(stage)
    ship(made, tmp_path / "weights")
    changed = load_file(tmp_path / "weights" / "no_mid" / variants.CHANGED)
    assert changed
    assert all(name.startswith("up_blocks.0.resnets.0.") for name in changed)


def test_a_unet_without_a_vae_is_one_clear_error(studio: Make, recipe: TrainingRecipe) -> None:
    with pytest.raises(UsageError, match="VAE is not trained"):
        studio("lonely", recipe).train("unet")


def test_a_killed_process_goes_on_where_it_was(tmp_path: Path, studio: Make) -> None:
    config = tmp_path / "recipe.toml"
    config.write_text(RECIPE, encoding="utf-8")
    arguments = ["--config", str(config), "--stage", "attributes", "--device", "cpu", "--threads", "1"]
    command = [sys.executable, "-m", "training", *arguments, "--work"]

    def start(work: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*command, str(tmp_path / work)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    disturbed = start("disturbed")
    metrics = tmp_path / "disturbed" / "metrics.jsonl"
    deadline = time.monotonic() + 120
    while not metrics.is_file() and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(disturbed.pid, signal.SIGTERM)
    _, message = disturbed.communicate(timeout=60)
    assert disturbed.returncode == EXIT_INTERRUPTED, message
    state = json.loads((tmp_path / "disturbed/checkpoints/attributes/state.json").read_text(encoding="utf-8"))
    assert 0 < state["step"] < 400
    resumed = start("disturbed")
    undisturbed = studio("whole", load(config))
    assert undisturbed.train("attributes")
    _, message = resumed.communicate(timeout=120)
    assert resumed.returncode == 0, message
    assert_equal_bits(undisturbed.folder("attributes"), tmp_path / "disturbed/stages/attributes")


def test_two_runs_cannot_share_a_folder(tmp_path: Path) -> None:
    config = tmp_path / "recipe.toml"
    config.write_text(RECIPE, encoding="utf-8")
    with FileLock(tmp_path / "lock"):
        result = CliRunner().invoke(main, ["--config", str(config), "--device", "cpu", "--work", str(tmp_path)])
    assert result.exit_code == EXIT_USAGE
    assert "another run works in this folder" in result.output


RECIPE = """
name = "killed"
data = { size = 32, count = 64, held_out = 16 }
vae = { schedule = { steps = 1, batch = 1, rate = 1e-3 }, decoder = { steps = 1, batch = 1, rate = 1e-3 } }
unet = { channels = [64, 64], attention = [false, true], schedule = { steps = 1, batch = 1, rate = 1e-3 } }
clip = { schedule = { steps = 1, batch = 1, rate = 1e-3 } }
attributes = { schedule = { steps = 400, batch = 8, rate = 1e-3, warmup = 5 } }
"""
