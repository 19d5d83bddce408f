"""Before a run: whatever it would stumble over is named, with the command that mends it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path
from shutil import copytree

import numpy as np
import pytest
from PIL import Image

from sdqa import cli
from sdqa.errors import EXIT_PASS, EXIT_USAGE
from sdqa.plan import load_suite, make_plan
from sdqa.workflow.preflight import Look, preflight
from sdqa.workflow.preflight.cost import estimate
from sdqa.workflow.preflight.models import look_at_models
from sdqa.workflow.preflight.record import Note

SUITE = """
schema_version = 1
name = "mine"
goldens = "{goldens}"
[models.mine]
{source}
[variants.fp16]
precision = "float16"
[[lanes]]
model = "mine"
variants = ["fp16"]
runtime = {runtime}
[metrics]
clip = "{clip}"
lpips = "{lpips}"
names = [{names}]
[limits]
{limits}
[cases.edit]
source = "{picture}"
prompt = "a portrait"
{more}
"""
COREML = '"coreml"\ncompute_units = ["CPU_ONLY"]'
SOUND = {
    "goldens": "teacher",
    "source": 'source = "random:miniature"',
    "runtime": '"reference"',
    "clip": "embedded:tiny",
    "lpips": "stlpips:alex",
    "names": '"finite", "shape", "psnr", "latent_psnr"',
    "limits": "psnr = 30\nlatent_psnr = 40\nparity_psnr = 45",
    "picture": "scene:portrait/115",
    "more": "",
}


def look(folder: Path, **changed: str) -> Look:
    path = folder / "sdqa.toml"
    path.write_text(SUITE.format(**{**SOUND, **changed}), encoding="utf-8")
    return preflight(make_plan(load_suite(path), path), store=folder / "store", output=folder / "report")


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))


def picture(folder: Path, *, colour: int | None = None, side: int = 48) -> None:
    row = np.arange(side, dtype=np.uint8) * 5
    grey = np.broadcast_to(row if colour is None else np.full(side, colour, np.uint8), (side, side))
    Image.fromarray(np.dstack([grey, grey, grey, np.where(grey < 50, 0, 255).astype(np.uint8)])).save(folder / "p.png")


def test_a_sound_suite_is_ready(tmp_path: Path) -> None:
    found = look(tmp_path)
    assert found.lacks == ()
    assert found.lines() == ["ready: sdqa qa"]
    assert {"goldens", "limits", "disk", "time"} <= {note.subject for note in found.notes}
    assert not (tmp_path / "store").exists(), "a look writes nothing"


def test_the_embedded_suite_is_ready_with_its_baselines(tmp_path: Path) -> None:
    path = Path(__file__).parents[3] / "sdqa.toml"
    found = preflight(make_plan(load_suite(path), path), store=tmp_path / "store", output=tmp_path / "report")
    assert found.lacks == ()
    assert Note("limits", "40 of 40 are known") in found.notes
    assert found.lines()[-1] == "ready: sdqa qa"


@pytest.mark.parametrize(
    ("changed", "subject", "words", "command", "in_suite"),
    [
        (
            {"source": 'source = "folder:nowhere"'},
            "model",
            "folder:nowhere is not on this machine",
            "put it there",
            False,
        ),
        ({"source": 'source = "hub:nobody/nothing"'}, "model", "not on this machine", "sdqa fetch", False),
        ({"picture": "file:absent.png"}, "picture", "absent.png", "give a PNG", True),
        (
            {"clip": "ViT-B-32/laion2b_s34b_b79k", "names": '"clip_score"'},
            "metrics",
            "ViT-B-32/laion2b_s34b_b79k are not on this machine",
            "sdqa fetch",
            False,
        ),
        (
            {"lpips": "lpips:vgg", "names": '"lpips"', "limits": "lpips = 0.1\nparity_psnr = 45"},
            "metrics",
            "backbone of lpips:vgg",
            "sdqa fetch",
            False,
        ),
        ({"goldens": "goldens"}, "goldens", "0 of 1 are recorded", "sdqa goldens", False),
        ({"limits": "psnr = 30"}, "limits", "1 of 6 are known", "sdqa calibrate", False),
        ({"limits": "black = 30"}, "limits", "'black' cannot be limited by hand", "correct", True),
        ({"runtime": COREML}, "lane", "no lane runs", "reference", False),
    ],
)
def test_what_is_missing_is_named_with_what_to_do(
    tmp_path: Path, changed: dict[str, str], subject: str, words: str, command: str, in_suite: bool
) -> None:
    if changed.get("runtime") == COREML and sys.platform == "darwin":
        pytest.skip("Core ML is here")
    found = [lack for lack in look(tmp_path, **changed).lacks if lack.subject == subject]
    assert len(found) == 1
    assert words in found[0].what
    assert command in found[0].command
    assert found[0].in_suite == in_suite


def test_missing_weights_are_seen_without_loading_any(tmp_path: Path, saved: Path) -> None:
    folder = copytree(saved, tmp_path / "model")
    assert look(tmp_path, source=f'source = "folder:{folder}"').lacks == ()
    (folder / "unet" / "diffusion_pytorch_model.safetensors").unlink()
    [lack] = look(tmp_path, source=f'source = "folder:{folder}"').lacks
    assert "unet has no diffusion_pytorch_model.safetensors" in lack.what
    assert lack.in_suite


def test_what_is_done_to_a_picture_is_a_note(tmp_path: Path) -> None:
    picture(tmp_path)
    found = look(tmp_path, picture="file:p.png", more='background = "black"')
    said = [note.text for note in found.notes if note.subject == "picture"]
    assert said == ["p.png has transparency: composited on black", "p.png of 48×48 is resized to 32×32"]


def test_a_picture_of_one_colour_is_wrong_in_the_suite(tmp_path: Path) -> None:
    picture(tmp_path, colour=200)
    [lack] = look(tmp_path, picture="file:p.png").lacks
    assert "nothing but the colour (200, 200, 200)" in lack.what
    assert lack.in_suite


def test_a_full_disk_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9, 10**6))
    [lack] = look(tmp_path).lacks
    assert (lack.subject, "1.0 MB are free" in lack.what) == ("disk", True)


def test_a_place_that_cannot_be_written_is_seen(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("a file", encoding="utf-8")
    [lack] = look(tmp_path).lacks
    assert (lack.subject, "--store" in lack.command) == ("place", True)


def test_an_estimate_grows_with_what_is_planned(tmp_path: Path, saved: Path) -> None:
    def cost(**changed: str) -> float:
        look(tmp_path, source=f'source = "folder:{saved}"', **changed)
        plan = make_plan(load_suite(tmp_path / "sdqa.toml"), tmp_path / "sdqa.toml")
        found = estimate(plan, look_at_models(plan)[0])
        assert found is not None
        return found.seconds

    assert cost(more="steps = 800") > cost(more="steps = 10") + 5
    assert cost(runtime='"torch"') < cost()


def test_a_core_ai_lane_is_estimated_by_its_own_pace(
    tmp_path: Path, saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sdqa.runtime.coreai.reason_without", lambda _: "")

    def cost(runtime: str, steps: int) -> float:
        look(tmp_path, source=f'source = "folder:{saved}"', runtime=f'"{runtime}"', more=f"steps = {steps}")
        plan = make_plan(load_suite(tmp_path / "sdqa.toml"), tmp_path / "sdqa.toml")
        found = estimate(plan, look_at_models(plan)[0])
        assert found is not None
        return found.seconds

    few, many = cost("coreai", 10), cost("coreai", 100)
    assert few > cost("reference", 10) + 4 * 20, "four components are converted in processes of their own"
    assert many - few > 50 * (cost("reference", 100) - cost("reference", 10))


def test_plan_says_it_in_words_in_json_and_by_its_exit_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    look(tmp_path, goldens="goldens")
    assert cli.run(("plan",)) == EXIT_PASS
    said = capsys.readouterr().out.splitlines()
    assert "not ready, 1 missing:" in said
    assert said[-1].strip() == "→ sdqa goldens"
    assert cli.run(("plan", "--json")) == EXIT_PASS
    data = json.loads(capsys.readouterr().out)
    assert data["preflight"]["ready"] is False
    assert data["preflight"]["missing"][0]["command"] == "sdqa goldens"
    assert {"suite", "lanes", "remarks", "metrics", "budgets"} <= set(data)
    look(tmp_path, picture="file:absent.png")
    assert cli.run(("plan",)) == EXIT_USAGE
    assert cli.run(("plan", "--json")) == EXIT_USAGE


def test_commands_name_a_suite_of_another_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    look(tmp_path, goldens="goldens")
    (tmp_path / "sdqa.toml").rename(tmp_path / "other.toml")
    assert cli.run(("plan", "--suite", "other.toml")) == EXIT_PASS
    assert "→ sdqa goldens --suite other.toml" in capsys.readouterr().out


def test_the_whole_look_loads_no_torch(tmp_path: Path) -> None:
    picture(tmp_path)
    look(tmp_path, picture="file:p.png", clip="ViT-B-32/laion2b_s34b_b79k", names='"clip_score", "lpips"')
    code = (
        "import sys; from sdqa import cli; cli.run(('plan',)); "
        "sys.exit(', '.join({'torch', 'coremltools', 'diffusers', 'open_clip', 'skimage'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
