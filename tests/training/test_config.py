"""The recipes that ship are valid, and a wrong one lists its problems."""

from __future__ import annotations

from pathlib import Path

import pytest

from sdqa.errors import ConfigError
from training.config import CONFIGS, load


@pytest.mark.parametrize(
    ("name", "factor", "size"),
    [("shipped", 4, 64), ("continued", 4, 64), ("continued-guidance", 4, 64), ("finer", 4, 64), ("target", 8, 128)],
)
def test_shipped_recipes_share_the_latents_of_sixteen(name: str, factor: int, size: int) -> None:
    recipe = load(CONFIGS / f"{name}.toml")
    assert (recipe.vae.factor, recipe.data.size, recipe.latent_size) == (factor, size, 16)
    assert recipe.no_mid is not None
    assert not recipe.no_mid.mid_block


def test_a_scaled_recipe_is_longer_everywhere_and_another_one() -> None:
    recipe = load(CONFIGS / "shipped.toml")
    double = recipe.scaled(2)
    assert double.unet.schedule.steps == 2 * recipe.unet.schedule.steps
    assert double.vae.decoder.steps == 2 * recipe.vae.decoder.steps
    assert double.digest != recipe.digest
    assert recipe.scaled(1) is recipe


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ("size = 64", "size = 65", r"\$\.data\.size"),
        ("latent_std = 1.25", "latent_std = 0", r"\$\.vae\.latent_std"),
        ("batch = 48", "batch = 0", r"\$\.attributes\.schedule\.batch"),
        ("mid_block = false", "mid_block = true", "no_mid.mid_block must be false"),
        ("train_text = false", "train_text = true", "no_mid.train_text must be false"),
        ("count = 16000", "count = 900", "held_out must be smaller"),
        ("attention = [false, true, false]", "attention = [true]", "one flag for each"),
        ("channels = [24, 48, 64]", "channels = [24, 48, 64, 64, 64, 64]", "cannot be halved"),
        ("seed = 6", "sead = 6", r"\$\.sead"),
        ("seed = 6", "seed =", "Invalid value"),
    ],
)
def test_a_wrong_recipe_names_the_problem(tmp_path: Path, before: str, after: str, problem: str) -> None:
    text = (CONFIGS / "shipped.toml").read_text(encoding="utf-8")
    assert before in text
    path = tmp_path / "recipe.toml"
    path.write_text(text.replace(before, after), encoding="utf-8")
    with pytest.raises(ConfigError, match=problem):
        load(path)


def test_a_missing_recipe_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        load(tmp_path / "none.toml")
