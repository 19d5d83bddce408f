"""What cannot be drawn is refused when the plan is made: exit code 2, one sentence, no torch."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sdqa.cli import run
from sdqa.errors import EXIT_USAGE, ModelError, UnsupportedModel
from sdqa.models import load_teacher, look_at
from sdqa.models.opening import open_folder
from tests.models.conftest import REPOSITORY, Hub

SUITE = """
name = "one"
goldens = "teacher"
models.one.source = "{source}"
variants.fp16 = {{}}
lanes = [{{ model = "one", variants = ["fp16"] }}]
metrics.names = ["finite"]
cases.words = {{ prompt = "a girl", steps = 2 }}
"""
PROGRAM = """
import sys
from sdqa.cli import run
code = run(sys.argv[1:])
print("heavy:", sorted({"torch", "diffusers", "transformers", "coremltools"} & set(sys.modules)))
sys.exit(code)
"""


@pytest.fixture
def suite(tmp_path: Path) -> Callable[[str], str]:
    """A suite's file for one model."""

    def write(source: str) -> str:
        path = tmp_path / "sdqa.toml"
        path.write_text(SUITE.format(source=source), "utf-8")
        return str(path)

    return write


def edit(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **changes}), "utf-8")


def test_an_sdxl_folder_is_refused_by_the_plan_without_torch(saved_sdxl: Path, suite: Callable[[str], str]) -> None:
    arguments = [sys.executable, "-c", PROGRAM, "plan", "--suite", suite(f"folder:{saved_sdxl}")]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    found = subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert found.returncode == EXIT_USAGE, found.stderr
    assert "this StableDiffusionXLPipeline cannot be drawn" in found.stderr
    assert "what can be drawn: StableDiffusionPipeline, StableDiffusionImg2ImgPipeline" in found.stderr
    assert found.stdout == "heavy: []\n"
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 5


@pytest.mark.parametrize("verb", ["plan", "qa", "convert", "generate", "score"])
def test_every_verb_refuses_before_it_converts(
    verb: str,
    saved_sdxl: Path,
    suite: Callable[[str], str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    more = [] if verb == "plan" else ["--store", str(tmp_path / "store")]
    assert run([verb, "--suite", suite(f"folder:{saved_sdxl}"), *more]) == EXIT_USAGE
    assert "SDQA-203: this StableDiffusionXLPipeline cannot be drawn" in capsys.readouterr().err
    assert not (tmp_path / "store").exists()


def test_an_architecture_that_cannot_be_drawn_can_still_be_converted(
    suite: Callable[[str], str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = suite("random:miniature-sdxl")
    assert run(["plan", "--suite", path]) == EXIT_USAGE
    assert "StableDiffusionXLPipeline cannot be drawn" in capsys.readouterr().err
    import sdqa.workflow.alone
    from sdqa.workflow.alone import StageRun

    asked: list[str] = []

    def convert(name: str, *_: object) -> StageRun:
        asked.append(name)
        return StageRun()

    monkeypatch.setattr(sdqa.workflow.alone, "run_stage", convert)
    assert run(["convert", "--suite", path, "--store", str(tmp_path / "store")]) == 0
    assert run(["generate", "--suite", path, "--store", str(tmp_path / "store")]) == EXIT_USAGE
    assert asked == ["convert"]


def test_a_controlnet_is_refused_by_class_and_part(
    folder: Path, suite: Callable[[str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "controlnet").mkdir()
    (folder / "controlnet" / "config.json").write_text('{"_class_name": "ControlNetModel"}', "utf-8")
    index = folder / "model_index.json"
    edit(index, _class_name="StableDiffusionControlNetPipeline", controlnet=["diffusers", "ControlNetModel"])
    assert run(["plan", "--suite", suite(f"folder:{folder}")]) == EXIT_USAGE
    said = capsys.readouterr().err
    assert "StableDiffusionControlNetPipeline" in said
    assert "controlnet" in said
    edit(index, _class_name="StableDiffusionPipeline")
    assert run(["plan", "--suite", suite(f"folder:{folder}")]) == EXIT_USAGE
    assert "its part controlnet (diffusers.ControlNetModel) is none of" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("key", "value"), [("time_cond_proj_dim", 256), ("class_embed_type", "timestep"), ("num_class_embeds", 10)]
)
def test_a_unet_with_further_inputs_is_refused_by_key(
    folder: Path, suite: Callable[[str], str], capsys: pytest.CaptureFixture[str], key: str, value: object
) -> None:
    edit(folder / "unet" / "config.json", **{key: value})
    assert run(["plan", "--suite", suite(f"folder:{folder}")]) == EXIT_USAGE
    assert f"unet's {key} is {value!r}" in capsys.readouterr().err


def test_weights_are_not_read_before_a_pipeline_is_refused(folder: Path) -> None:
    (folder / "unet" / "diffusion_pytorch_model.safetensors").unlink()
    edit(folder / "model_index.json", image_encoder=["transformers", "CLIPVisionModelWithProjection"])
    with pytest.raises(UnsupportedModel, match="its part image_encoder"):
        load_teacher(f"folder:{folder}")


def test_ignored_parts_are_in_the_plan(
    folder: Path, suite: Callable[[str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    edit(folder / "model_index.json", safety_checker=["stable_diffusion", "StableDiffusionSafetyChecker"])
    path = suite(f"folder:{folder}")
    assert run(["plan", "--suite", path]) == 0
    assert "model    one: ignored: safety_checker" in capsys.readouterr().out
    assert run(["plan", "--suite", path, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["remarks"] == {"one": "ignored: safety_checker"}


def test_a_folder_that_is_not_there_yet_is_a_remark(
    suite: Callable[[str], str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(["plan", "--suite", suite(f"folder:{tmp_path / 'nowhere'}")]) == 0
    assert "is not here yet" in capsys.readouterr().out


def test_an_opened_folder_has_the_facts_of_the_loaded_one(folder: Path) -> None:
    opened = open_folder(folder, source="here")
    assert (opened.family.name, opened.ignored) == ("sd", ())
    assert opened.facts == load_teacher(f"folder:{folder}").facts


@pytest.mark.parametrize("content", ["[]", "{", '{"a": ' * 100_000, "\ud800"])
def test_garbled_configurations_are_one_clear_error(folder: Path, content: str) -> None:
    (folder / "unet" / "config.json").write_bytes(content.encode("utf-8", "surrogatepass"))
    with pytest.raises(ModelError, match="JSON"):
        open_folder(folder, source="here")


def test_sources_are_looked_at_by_kind(hub: Hub, tmp_path: Path) -> None:
    embedded, random = look_at("embedded:tiny-v"), look_at("random:miniature-sdxl")
    assert embedded is not None
    assert embedded.family.name == "sd"
    assert random is not None
    assert random.family.name == "sdxl"
    assert look_at("packages:somewhere") is None
    assert look_at(f"hub:{REPOSITORY}") is None
    lock = tmp_path / "sdqa.lock"
    load_teacher(f"hub:{REPOSITORY}", lock=lock)
    hub.requests.clear()
    cached = look_at(f"hub:{REPOSITORY}", lock=lock)
    assert cached is not None
    assert (cached.family.name, hub.requests) == ("sd", [])


def test_weights_of_what_cannot_be_drawn_are_not_fetched(hub: Hub) -> None:
    edit(hub.folder / "model_index.json", _class_name="StableDiffusionXLPipeline")
    with pytest.raises(UnsupportedModel, match="StableDiffusionXLPipeline"):
        load_teacher(f"hub:{REPOSITORY}")
    assert not [request for request in hub.requests if request.endswith(".safetensors")]


def test_a_model_of_pictures_that_are_not_square_is_refused_in_one_sentence(folder: Path) -> None:
    path = folder / "unet" / "config.json"
    configuration = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**configuration, "sample_size": [16, 24]}), encoding="utf-8")
    with pytest.raises(UnsupportedModel, match=r"latents of 24×16 .*; only square pictures can be drawn"):
        look_at(f"folder:{folder}")
