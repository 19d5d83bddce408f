"""Before anything is converted: steps that no schedule has are refused by path; what is cut or overridden is said."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from sdqa.bundle import Bundle
from sdqa.cli import run
from sdqa.errors import EXIT_USAGE
from sdqa.plan import load_suite, make_plan
from sdqa.store import Store
from sdqa.workflow import measure_lane, run_lane
from sdqa.workflow.examination import examine_plan
from sdqa.workflow.job import Job
from sdqa.workflow.report import report

SUITE = """
name = "one"
goldens = "teacher"
models.one.source = "{source}"
variants.fp16 = {{}}
lanes = [{{ model = "one", variants = ["fp16"], runtime = "{runtime}" }}]
metrics.names = ["finite"]
{cases}
"""
LONG = "a " * 90


def suite(folder: Path, source: str, cases: str, runtime: str = "reference") -> Path:
    path = folder / "sdqa.toml"
    path.write_text(SUITE.format(source=source, cases=cases, runtime=runtime), "utf-8")
    return path


def remarks(path: Path) -> tuple[str, ...]:
    return examine_plan(make_plan(load_suite(path), path)).get("one", ())


@pytest.mark.parametrize(("scheduler", "steps"), [("ddim", 1000), ("pndm", 1000), ("dpmsolver++", 1000)])
@pytest.mark.parametrize("verb", ["plan", "qa", "goldens"])
def test_steps_that_no_schedule_has_are_a_usage_error_with_the_cases_path(
    scheduler: str, steps: int, verb: str, tmp_path: Path, saved: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scheduler_file = json.loads((saved / "scheduler" / "scheduler_config.json").read_text())
    assert scheduler_file["timestep_spacing"] == "leading"
    cases = f'cases.x = {{ prompt = "a girl", scheduler = "{scheduler}", steps = {steps} }}'
    path = suite(tmp_path, f"folder:{saved}", cases)
    if verb == "goldens":
        path.write_text(path.read_text().replace('goldens = "teacher"', 'goldens = "recorded"'))
    assert (
        run([verb, "--suite", str(path), *([] if verb == "plan" else ["--store", str(tmp_path / "s")])]) == EXIT_USAGE
    )
    said = capsys.readouterr().err
    assert f"$.cases.x.steps: {steps} steps give" in said
    assert "Traceback" not in said
    assert not list(tmp_path.rglob("*.mlpackage"))


def test_a_lane_that_is_run_without_a_plan_is_examined_too(tmp_path: Path, saved: Path) -> None:
    path = suite(tmp_path, f"folder:{saved}", 'cases.x = { prompt = "a girl", scheduler = "ddim", steps = 1000 }')
    plan = make_plan(load_suite(path), path)
    job = Job(plan, Store(tmp_path / "store"), Bundle(tmp_path / "report"))
    lane = run_lane(job, plan.running[0])
    assert lane.failures[0].exit_code == EXIT_USAGE
    assert "$.cases.x.steps" in lane.failures[0].message
    assert not list(tmp_path.rglob("*.mlpackage"))


def test_prompts_that_are_cut_are_named_in_plan_run_and_page(tmp_path: Path, saved: Path) -> None:
    cases = f"""
    [cases.first]
    prompt = "{LONG}cat"
    steps = 1
    scheduler = "ddim"
    [cases.second]
    prompt = "a girl"
    negative_prompt = "{LONG}dog"
    source = "scene:portrait/1"
    source_prompt = "{LONG}fox"
    strength = 1.0
    steps = 1
    scheduler = "ddim"
    """
    path = suite(tmp_path, f"folder:{saved}", cases, runtime="torch")
    wanted = (
        f"case first: prompt cut after 75 tokens: {'a ' * 15 + 'cat'!r}",
        f"case second: negative prompt cut after 75 tokens: {'a ' * 15 + 'dog'!r}",
        f"case second: source prompt cut after 75 tokens: {'a ' * 15 + 'fox'!r}",
    )
    assert remarks(path)[-3:] == wanted
    plan = make_plan(load_suite(path), path)
    job = Job(plan, Store(tmp_path / "store"), Bundle(tmp_path / "report"))
    lane = run_lane(job, plan.running[0])
    assert lane.remarks[-3:] == wanted
    report(job, [lane])
    written = json.loads((tmp_path / "report" / "run.json").read_text())
    assert written["lanes"][0]["remarks"][-3:] == list(wanted)
    page = (tmp_path / "report" / "index.html").read_text()
    assert "case first: prompt cut after 75 tokens" in page


def test_prompts_that_the_text_encoder_cannot_tell_apart_are_named(tmp_path: Path, saved: Path) -> None:
    cases = f"""
    cases.cat = {{ prompt = "{LONG}cat", steps = 1 }}
    cases.dog = {{ prompt = "{LONG}dog", negative_prompt = "{LONG}fox", steps = 1 }}
    cases.small = {{ prompt = "a girl", steps = 1 }}
    cases.capital = {{ prompt = "A  Girl", steps = 1 }}
    cases.same = {{ prompt = "a girl", negative_prompt = "a girl", steps = 1, seed = 2 }}
    cases.unguided = {{ prompt = "a boy", negative_prompt = "a boy", steps = 1, guidance_scale = 1 }}
    cases.blank = {{ prompt = " ", steps = 1 }}
    """
    said = remarks(suite(tmp_path, f"folder:{saved}", cases))
    assert "case unguided: guidance_scale 1 is none: the negative prompt does nothing" in said
    found = [one for one in said if "the same to the text encoder" in one]
    assert found == [
        "case dog: prompt and negative prompt are the same to the text encoder: guidance does nothing",
        "case same: prompt and negative prompt are the same to the text encoder: guidance does nothing",
        "case blank: prompt and negative prompt are the same to the text encoder: guidance does nothing",
        "cases cat, dog: their prompts are the same to the text encoder after the cut",
        "cases small, capital: their prompts are the same to the text encoder",
    ]


def scheduler(folder: Path, kind: str, **settings: Any) -> None:
    place = folder / "scheduler" / "scheduler_config.json"
    place.write_text(json.dumps({**json.loads(place.read_text()), "_class_name": kind, **settings}))
    index = folder / "model_index.json"
    index.write_text(json.dumps({**json.loads(index.read_text()), "scheduler": ["diffusers", kind]}))


def test_a_folders_own_scheduler_is_kept_and_recorded_with_the_golden(
    tmp_path: Path, saved: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from sdqa.gate.manifest import read_manifest
    from sdqa.store import Store
    from sdqa.workflow.references import read_references
    from sdqa.workflow.stages import load_teacher

    folder = tmp_path / "model"
    shutil.copytree(saved, folder)
    scheduler(folder, "DDIMScheduler", set_alpha_to_one=True, clip_sample=True, skip_prk_steps=True)
    path = suite(tmp_path, f"folder:{folder}", 'cases.x = { prompt = "a girl", scheduler = "ddim", steps = 2 }')
    path.write_text(path.read_text().replace('goldens = "teacher"', 'goldens = "recorded"'))
    assert remarks(path) == (
        "ddim: drawn with DDIMScheduler; kept: clip_sample=true, set_alpha_to_one=true; "
        "not known to DDIMScheduler: skip_prk_steps=true",
    )
    assert run(["plan", "--suite", str(path), "--json"]) == 0
    assert "set_alpha_to_one=true" in json.loads(capsys.readouterr().out)["remarks"]["one"]
    assert run(["goldens", "--suite", str(path), "--store", str(tmp_path / "store"), "--reason", "first"]) == 0
    golden = tmp_path / "recorded" / "one" / "x"
    assert read_manifest(golden).scheduler == {"clip_sample": True, "set_alpha_to_one": True}
    plan = make_plan(load_suite(path), path)
    job = Job(plan, Store(tmp_path / "store"), Bundle(tmp_path / "report"))
    found = read_references(job, plan.running[0], load_teacher(job, plan.running[0]))
    assert not found.failures
    manifest = json.loads((golden / "manifest.json").read_text())
    del manifest["scheduler"]  # as an earlier release recorded it, having set both to something else
    (golden / "manifest.json").write_text(json.dumps(manifest))
    (failure,) = read_references(job, plan.running[0], load_teacher(job, plan.running[0])).failures
    assert failure.code == "SDQA-601"
    assert "the scheduler's settings changed" in failure.message


@pytest.mark.parametrize(
    ("kind", "settings", "drawn", "words"),
    [
        ("DDIMScheduler", {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing"}, "ddim", "nothing is left"),
        (
            "DDIMScheduler",
            {"thresholding": True, "dynamic_thresholding_ratio": 2.0},
            "ddim",
            "step: RuntimeError: quant",
        ),
        ("DDIMScheduler", {"trained_betas": [1.0] * 1000}, "ddim", "gives what is not finite"),
    ],
)
@pytest.mark.parametrize("verb", ["qa", "goldens"])
def test_a_scheduler_that_cannot_be_run_is_refused_with_the_cases_path_before_anything_is_converted(
    tmp_path: Path,
    saved: Path,
    capsys: pytest.CaptureFixture[str],
    kind: str,
    settings: dict[str, Any],
    drawn: str,
    words: str,
    verb: str,
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(saved, folder)
    scheduler(folder, kind, **settings)
    path = suite(tmp_path, f"folder:{folder}", f'cases.x = {{ prompt = "a girl", scheduler = "{drawn}", steps = 2 }}')
    if verb == "goldens":
        path.write_text(path.read_text().replace('goldens = "teacher"', 'goldens = "recorded"'))
        assert run(["goldens", "--suite", str(path), "--store", str(tmp_path / "s"), "--reason", "x"]) == EXIT_USAGE
        said = capsys.readouterr().err
    else:
        plan = make_plan(load_suite(path), path)
        job = Job(plan, Store(tmp_path / "store"), Bundle(tmp_path / "report"))
        (failure,) = run_lane(job, plan.running[0]).failures
        assert failure.exit_code == EXIT_USAGE
        said = failure.message
    assert "$.cases.x.scheduler: " in said
    assert words in said
    assert not list(tmp_path.rglob("*.mlpackage"))


def test_what_is_drawn_is_the_stated_schedule(saved: Path, tmp_path: Path) -> None:
    """The pipeline's constructor would set clip_sample to False and steps_offset to 1 again."""
    import numpy as np

    from sdqa.generate.noise import Noise
    from sdqa.generate.pipeline import Graph, Request
    from sdqa.generate.schedule import timesteps
    from sdqa.generate.teacher import graph_parts, teacher_runners
    from sdqa.models import load_teacher

    folder = tmp_path / "model"
    shutil.copytree(saved, folder)
    drawn = {}
    for name, settings in {"plain": {}, "clipped": {"clip_sample": True}, "offset": {"steps_offset": 0}}.items():
        scheduler(folder, "DDIMScheduler", **{"clip_sample": False, "steps_offset": 1, **settings})
        teacher = load_teacher(f"folder:{folder}")
        parts = teacher.pipeline_parts()
        noise = Noise.draw(1, (4, 16, 16))
        request = Request("a girl", "", None, 1.0, 3.0, 4, "ddim", noise)
        drawn[name] = Graph(teacher_runners(parts, teacher.family), graph_parts(parts)).generate(request)
        assert drawn[name].timesteps == timesteps("ddim", parts["scheduler"].config, 4)
    assert drawn["offset"].timesteps[-1] == 0
    assert not np.allclose(drawn["plain"].latents, drawn["clipped"].latents)


def test_weights_of_another_architecture_end_a_lane_before_it_converts(tmp_path: Path, saved: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(saved, folder)
    file = folder / "unet" / "diffusion_pytorch_model.safetensors"
    tensors = load_file(file)
    tensors.pop("conv_in.bias")
    save_file(tensors, file)
    path = suite(tmp_path, f"folder:{folder}", 'cases.x = { prompt = "a girl", steps = 2 }')
    plan = make_plan(load_suite(path), path)
    job = Job(plan, Store(tmp_path / "store"), Bundle(tmp_path / "report"))
    lane = run_lane(job, plan.running[0])
    assert "1 missing keys: conv_in.bias" in lane.failures[0].message
    assert not list(tmp_path.rglob("*.mlpackage"))


@pytest.mark.parametrize(("guidance", "runtime"), [(0, "torch"), (0.5, "torch"), (1, "torch"), (0, "reference")])
def test_guidance_up_to_one_is_accepted_and_drawn_without_a_pair(
    guidance: float, runtime: str, tmp_path: Path, saved: Path
) -> None:
    cases = f'cases.x = {{ prompt = "a girl", steps = 2, scheduler = "ddim", guidance_scale = {guidance} }}'
    path = suite(tmp_path, f"folder:{saved}", cases, runtime)
    plan = make_plan(load_suite(path), path)
    found = measure_lane(Job(plan, Store(tmp_path / "store"), Bundle(tmp_path / "report")), plan.running[0])
    assert not found.failures
    assert [one.value for one in found.scores.measurements if one.metric == "finite"] == [1.0]
    assert len(found.samples.by_case["x"].record.seconds["unet"]) == 2


def test_pictures_that_cannot_be_used_are_refused_before_anything_is_converted(tmp_path: Path, saved: Path) -> None:
    cases = """
    cases.gone = { prompt = "a girl", steps = 2, source = "file:nope.png" }
    cases.cut = { prompt = "a girl", steps = 2, source = "file:cut.png" }
    cases.flat = { prompt = "a girl", steps = 2, source = "file:flat.png" }
    cases.twice = { prompt = "a girl", steps = 2, source = "scene:portrait/1?hair=red&hair=blond", source_prompt = "x" }
    cases.sound = { prompt = "a girl", steps = 2, source = "scene:portrait/1" }
    """
    Image.new("RGB", (32, 32), "red").save(tmp_path / "flat.png")
    Image.effect_noise((64, 64), 50).save(tmp_path / "whole.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "whole.png").read_bytes()[:1500])
    path = suite(tmp_path, f"folder:{saved}", cases)
    plan = make_plan(load_suite(path), path)
    job = Job(plan, Store(tmp_path / "store"), Bundle(tmp_path / "report"))
    (failure,) = run_lane(job, plan.running[0]).failures
    assert failure.exit_code == EXIT_USAGE
    for name, said in {"gone": "No such file", "cut": "to its end", "flat": "nothing but", "twice": "twice"}.items():
        assert f"$.cases.{name}.source" in failure.message
        assert said in failure.message
    assert "$.cases.sound" not in failure.message
    assert not list(tmp_path.rglob("*.mlpackage"))
    path.write_text(path.read_text().replace('goldens = "teacher"', 'goldens = "recorded"'))
    assert run(["goldens", "--suite", str(path), "--store", str(tmp_path / "s"), "--reason", "x"]) == EXIT_USAGE


@pytest.mark.parametrize(("dtype", "value"), [("float32", float("nan")), ("float16", float("inf"))])
def test_a_value_that_is_not_finite_ends_a_lane_before_it_converts(
    tmp_path: Path, saved: Path, dtype: str, value: float
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(saved, folder)
    file = folder / "vae" / "diffusion_pytorch_model.safetensors"
    tensors = {name: one.to(getattr(torch, dtype)) for name, one in load_file(file).items()}
    tensors["decoder.conv_in.bias"][1] = value
    save_file(tensors, file)
    path = suite(tmp_path, f"folder:{folder}", 'cases.x = { prompt = "a girl", steps = 2 }')
    plan = make_plan(load_suite(path), path)
    job = Job(plan, Store(tmp_path / "store"), Bundle(tmp_path / "report"))
    (failure,) = run_lane(job, plan.running[0]).failures
    assert "vae has values that are not finite: decoder.conv_in.bias (1 of " in failure.message
    assert not list(tmp_path.rglob("*.mlpackage"))
