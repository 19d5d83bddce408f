"""A key of a configuration that is read: file, key and value are named, and what is allowed."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import pytest

from sdqa.cli import run
from sdqa.errors import EXIT_USAGE, ModelError, UnsupportedModel
from sdqa.models.opening import open_folder
from tests.models.test_opening import SUITE, edit

NAN = float("nan")
FILES = {"scheduler": "scheduler_config.json"}


@pytest.mark.parametrize(
    ("part", "key", "value", "allowed"),
    [
        ("unet", "sample_size", "abc", "a whole number from 1 to 2048, or a list of 2 such numbers"),
        ("unet", "sample_size", None, "a whole number"),
        ("unet", "sample_size", True, "a whole number"),
        ("unet", "sample_size", 64.5, "a whole number"),
        ("unet", "sample_size", 10**9, "a whole number"),
        ("unet", "sample_size", [16], "a list of 2 such numbers"),
        ("unet", "in_channels", "4", "a whole number from 1"),
        ("unet", "out_channels", [4], "a whole number from 1"),
        ("unet", "cross_attention_dim", "32", "a whole number from 1"),
        ("unet", "cross_attention_dim", [], "a list of such numbers"),
        ("vae", "block_out_channels", "abc", "a list of whole numbers"),
        ("vae", "block_out_channels", [], "a list of whole numbers"),
        ("vae", "latent_channels", 0, "a whole number from 1"),
        ("vae", "scaling_factor", 0, "a finite number above 0"),
        ("vae", "scaling_factor", NAN, "a finite number above 0"),
        ("vae", "scaling_factor", "0.18", "a finite number above 0"),
        ("text_encoder", "vocab_size", "many", "a whole number from 1"),
        ("text_encoder", "hidden_size", {}, "a whole number from 1"),
        ("text_encoder", "max_position_embeddings", -77, "a whole number from 1"),
        ("text_encoder", "architectures", 5, "a list of words"),
        ("scheduler", "num_train_timesteps", "1000", "a whole number from 1"),
        ("scheduler", "steps_offset", 0.5, "a whole number from 0"),
        ("scheduler", "trained_betas", "linear", "a list of finite numbers, or null"),
        ("scheduler", "trained_betas", [0.1, NAN], "a list of finite numbers, or null"),
        ("scheduler", "beta_end", NAN, "a finite number above 0"),
        ("scheduler", "clip_sample", "no", "true or false"),
        ("scheduler", "clip_sample_range", "x", "a finite number above 0"),
        ("scheduler", "sample_max_value", None, "a finite number above 0"),
        ("scheduler", "sigma_min", "a", "a finite number above 0"),
        ("scheduler", "lambda_min_clipped", "x", "a finite number"),
        ("scheduler", "euler_at_final", "x", "true or false"),
        ("scheduler", "interpolation_type", "nosuch", "linear or log_linear"),
        ("scheduler", "timestep_type", ["discrete"], "discrete or continuous"),
        ("scheduler", "variance_type", "learned_range", "fixed_small"),
        ("scheduler", "algorithm_type", "nosuch", "dpmsolver++"),
        ("scheduler", "solver_type", 3, "midpoint"),
        ("scheduler", "solver_order", 7, "a whole number from 1 to 3"),
        ("vae", "scaling_factor", 1e-30, "a finite number from 0.001 to 1000"),
        ("scheduler", "beta_end", 1.5, "a finite number above 0 and below 1"),
        ("scheduler", "trained_betas", [0.1, 2.0], "numbers above 0 and up to 1"),
    ],
)
def test_a_value_that_is_not_allowed_is_named(folder: Path, part: str, key: str, value: Any, allowed: str) -> None:
    file = FILES.get(part, "config.json")
    edit(folder / part / file, **{key: value})
    with pytest.raises(ModelError) as caught:
        open_folder(folder, source="here")
    assert caught.value.what.startswith(f"{part}/{file}: {key} is {value!r}; allowed: ")
    assert allowed in caught.value.what
    assert caught.value.hint


def test_a_key_that_is_missing_is_named(folder: Path) -> None:
    (folder / "unet" / "config.json").write_text("{}", "utf-8")
    with pytest.raises(ModelError, match=r"unet/config\.json has no in_channels"):
        open_folder(folder, source="here")


def test_what_a_scheduler_may_leave_open_is_open(folder: Path) -> None:
    open_keys = ("sigma_min", "sigma_max", "variance_type", "lower_order_final", "timestep_type")
    edit(folder / "scheduler" / FILES["scheduler"], lambda_min_clipped=-math.inf, **dict.fromkeys(open_keys))
    open_folder(folder, source="here")


def test_pictures_whose_sides_no_pipeline_draws_are_refused(folder: Path) -> None:
    edit(folder / "unet" / "config.json", sample_size=17)
    edit(folder / "vae" / "config.json", block_out_channels=[32, 64])
    with pytest.raises(UnsupportedModel, match=r"34×34: unet's sample_size is 17, .* divisible by 8"):
        open_folder(folder, source="here")


@pytest.mark.parametrize(
    ("channels", "kind"),
    [
        (9, "an inpainting checkpoint"),
        (8, "an editing checkpoint, as instruct-pix2pix"),
        (7, "an upscaler"),
        (5, "a depth-to-image checkpoint"),
    ],
)
def test_a_unet_that_takes_more_than_latents_is_refused_by_kind(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], channels: int, kind: str
) -> None:
    edit(folder / "unet" / "config.json", in_channels=channels)
    with pytest.raises(UnsupportedModel, match=f"unet's in_channels is {channels}, the VAE makes 4: .*{kind}"):
        open_folder(folder, source="here")
    suite = tmp_path / "sdqa.toml"
    suite.write_text(SUITE.format(source=f"folder:{folder}"), "utf-8")
    assert run(["plan", "--suite", str(suite)]) == EXIT_USAGE
    assert kind in capsys.readouterr().err


def test_other_numbers_of_channels_are_no_kind(folder: Path) -> None:
    edit(folder / "unet" / "config.json", in_channels=6)
    with pytest.raises(ModelError, match="unet's in_channels is 6, the VAE makes 4"):
        open_folder(folder, source="here")


def test_a_plan_says_what_is_wrong_with_a_folder_and_ends_with_2(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(folder / "unet" / "config.json", sample_size="abc")
    suite = tmp_path / "sdqa.toml"
    suite.write_text(SUITE.format(source=f"folder:{folder}"), "utf-8")
    assert run(["plan", "--suite", str(suite)]) == EXIT_USAGE
    said = capsys.readouterr().out
    assert "not ready" in said
    assert re.search(r"model +unet/config\.json: sample_size is 'abc'; allowed: a whole number", said)


def test_files_that_are_no_files_and_marks_are_named(folder: Path) -> None:
    config = folder / "unet" / "config.json"
    config.write_text(config.read_text("utf-8"), "utf-8-sig")
    with pytest.raises(ModelError, match="BOM") as caught:
        open_folder(folder, source="here")
    assert "plain UTF-8" in caught.value.hint
    config.unlink()
    config.mkdir()
    with pytest.raises(ModelError, match=r"unet/config\.json is a folder, not a file"):
        open_folder(folder, source="here")
