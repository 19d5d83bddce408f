"""A suite for a model of one's own: it loads, fits what the folder says, and refuses what is no model."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from shutil import copytree

import pytest

from sdqa import cli
from sdqa.errors import EXIT_INFRASTRUCTURE, EXIT_PASS, EXIT_USAGE, ModelError
from sdqa.plan import Suite, load_suite
from sdqa.workflow.starter import StartingModel, starting_model, suite_text
from tests.builders import Convert


@pytest.fixture
def folder(saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the miniature, with the working directory above it."""
    monkeypatch.chdir(tmp_path)
    return Path(copytree(saved, tmp_path / "My Model (v2)"))


def loaded(model: StartingModel, tmp_path: Path, *, platform: str = "linux") -> Suite:
    path = tmp_path / "written.toml"
    path.write_text(suite_text(model, platform=platform), encoding="utf-8")
    return load_suite(path)


def test_a_folder_is_named_as_the_suite_sees_it(folder: Path, tmp_path: Path) -> None:
    suite = loaded(starting_model("My Model (v2)"), tmp_path)
    assert {name: model.source for name, model in suite.models.items()} == {"my-model-v2": "folder:My Model (v2)"}
    assert loaded(starting_model(str(folder)), tmp_path).models == suite.models


@pytest.mark.parametrize(
    ("class_name", "scheduler"),
    [("PNDMScheduler", "pndm"), ("EulerDiscreteScheduler", "euler"), ("EulerAncestralDiscreteScheduler", "ddim")],
)
def test_the_folders_own_scheduler_is_taken_where_it_is_known(
    folder: Path, tmp_path: Path, class_name: str, scheduler: str
) -> None:
    index = json.loads((folder / "model_index.json").read_text(encoding="utf-8"))
    index["scheduler"] = ["diffusers", class_name]
    (folder / "model_index.json").write_text(json.dumps(index), encoding="utf-8")
    settings = folder / "scheduler" / "scheduler_config.json"
    stated = json.loads(settings.read_text(encoding="utf-8"))
    settings.write_text(json.dumps({**stated, "_class_name": class_name}), encoding="utf-8")
    model = starting_model(str(folder))
    assert loaded(model, tmp_path).defaults.scheduler == scheduler
    assert class_name in suite_text(model)


def test_a_mac_gets_its_lane_and_others_a_remark(folder: Path, tmp_path: Path) -> None:
    model = starting_model(str(folder))
    assert [lane.runtime for lane in loaded(model, tmp_path, platform="linux").lanes] == ["reference"]
    assert [lane.runtime for lane in loaded(model, tmp_path, platform="darwin").lanes] == ["reference", "coreml"]
    assert "needs a Mac" in suite_text(model, platform="linux")


@pytest.mark.parametrize(("source", "cases", "steps"), [("random:miniature", 3, 20), ("random:sd-v1-5", 2, 10)])
def test_large_models_begin_with_less(tmp_path: Path, source: str, cases: int, steps: int) -> None:
    suite = loaded(starting_model(source), tmp_path)
    assert (len(suite.cases), suite.defaults.steps) == (cases, steps)


def test_a_name_on_a_hub_is_taken_before_it_is_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.run(("init", "--model", "nobody/no-such-model")) == EXIT_PASS
    said = capsys.readouterr().out
    assert "hub:nobody/no-such-model is not on this machine" in said
    assert "→ sdqa fetch" in said


def test_packages_say_that_their_teacher_is_missing(
    tmp_path: Path, packages: Convert, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for component in ("text_encoder", "vae_decoder"):
        record = packages(component)
        copytree(record.path, tmp_path / "made" / record.path.name)
    assert cli.run(("init", "--model", "made")) == EXIT_PASS
    said = capsys.readouterr().out
    assert "folder:path/to/the/diffusers/folder is not on this machine" in said
    assert "packages:made has no package for vae_encoder, unet" in said
    assert cli.run(("plan",)) == EXIT_PASS
    assert "not ready" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("model.safetensors", b"\x02\0\0\0\0\0\0\0{}", "safetensors"),
        ("model.ckpt", b"\x80\x02}q", "pickle"),
        ("notes.txt", b"hello", "neither a diffusers folder nor"),
    ],
)
def test_what_is_no_model_is_said(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelError, match=words):
        starting_model(str(tmp_path / name))


def test_nothing_is_written_for_what_cannot_be_drawn(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    index = json.loads((folder / "model_index.json").read_text(encoding="utf-8"))
    index["_class_name"] = "StableDiffusionControlNetPipeline"
    (folder / "model_index.json").write_text(json.dumps(index), encoding="utf-8")
    assert cli.run(("init", "--model", str(folder))) == EXIT_USAGE
    assert "StableDiffusionControlNetPipeline" in capsys.readouterr().err
    assert cli.run(("init", "--model", "no such thing")) == EXIT_INFRASTRUCTURE
    assert not (tmp_path / "sdqa.toml").exists()


def test_the_output_can_be_named_and_is_not_written_over(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "quality" / "suite.toml"
    assert cli.run(("init", "--model", str(folder), "--output", str(target))) == EXIT_PASS
    assert tomllib.loads(target.read_text(encoding="utf-8"))["goldens"] == "goldens"
    assert cli.run(("init", "--output", str(target))) == EXIT_USAGE


def test_what_is_part_of_a_model_is_said_as_a_plan_says_it(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "made" / "Unet.mlpackage").mkdir(parents=True)
    wrong = {
        str(folder / "unet"): "this is a part of a pipeline: name",
        str(folder / "model_index.json"): "give its folder, My Model (v2)",
        str(folder / "unet" / "diffusion_pytorch_model.safetensors"): "from_single_file",
        "made/Unet.mlpackage": "give the folder that holds it, made",
        "https://huggingface.co/somebody/model": "OWNER/NAME: somebody/model",
    }
    for given, hint in wrong.items():
        with pytest.raises(ModelError) as caught:
            starting_model(given)
        assert hint in caught.value.hint, given
    index = folder / "model_index.json"
    index.write_text(json.dumps({**json.loads(index.read_text()), "_class_name": ["pipeline", "MyPipe"]}))
    with pytest.raises(ModelError, match=r"a custom pipeline, MyPipe of pipeline\.py"):
        starting_model(str(folder))
