"""From nothing to green with the wheel's own requirements: `init`, `plan`, `goldens`, `qa`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from shutil import copytree

import pytest

from tests.conftest import Convert
from tests.first_hour import Shell, extras


def test_what_is_blocked_cannot_be_imported(tmp_path: Path) -> None:
    shell = Shell.at(tmp_path, tmp_path / "blocked")
    assert {"skimage", "sklearn"} <= extras()
    done = subprocess.run(
        [sys.executable, "-c", "import skimage"], env={"PYTHONPATH": str(shell.blocked)}, capture_output=True, text=True
    )
    assert "No module named 'skimage'" in done.stderr


@pytest.mark.slow
def test_from_init_to_green(saved: Path, tmp_path: Path) -> None:
    copytree(saved, tmp_path / "models" / "mine")
    shell = Shell.at(tmp_path, tmp_path / "blocked")
    said = shell("init", "--model", "models/mine")
    assert "0 of 3 are recorded" in said
    assert "→ sdqa goldens" in said
    suite = tmp_path / "sdqa.toml"
    suite.write_text(suite.read_text(encoding="utf-8").replace("steps = 20", "steps = 4"), encoding="utf-8")
    assert "not ready, 1 missing:" in shell("plan")
    assert shell("goldens").count("recorded") == 3
    assert shell("plan").rstrip().endswith("ready: sdqa qa")
    assert "All 27 checks in 1 lane passed" in shell("qa")


@pytest.mark.slow
def test_the_starter_without_a_model_runs_as_it_is_written(tmp_path: Path) -> None:
    shell = Shell.at(tmp_path, tmp_path / "blocked")
    assert shell("init").splitlines() == ["sdqa.toml", "ready: sdqa qa"]
    assert "checks in 1 lane passed" in shell("qa")


ADOPTED = """
name = "adopted"
goldens = "teacher"
[models.mine]
source = "packages:made"
reference = "folder:models/mine"
[variants.fp16]
precision = "float16"
[[lanes]]
model = "mine"
variants = ["fp16"]
runtime = "reference"
[metrics]
names = ["finite", "latent_psnr"]
[limits]
latent_psnr = 40.0
parity_psnr = 45.0
[cases.text]
prompt = "a cat"
steps = 2
scheduler = "ddim"
"""


@pytest.mark.slow
def test_packages_of_another_tool_from_plan_to_green(saved: Path, packages: Convert, tmp_path: Path) -> None:
    copytree(saved, tmp_path / "models" / "mine")
    for component in ("text_encoder", "unet", "vae_decoder"):
        path = packages(component).path
        copytree(path, tmp_path / "made" / path.name)
    (tmp_path / "sdqa.toml").write_text(ADOPTED, encoding="utf-8")
    shell = Shell.at(tmp_path, tmp_path / "blocked")
    said = shell("plan")
    assert "packages unet: Unet.mlpackage" in said
    assert said.rstrip().endswith("ready: sdqa qa")
    assert "in 1 lane passed" in shell("qa")
    (tmp_path / "made" / "Unet.mlpackage" / "Manifest.json").write_text("version https://git-lfs.github.com/spec/v1\n")
    assert "Manifest.json is a Git LFS pointer" in shell("plan", code=2)
