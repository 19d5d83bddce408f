"""Every family's record against what diffusers and transformers say of the same classes."""

from __future__ import annotations

import importlib
import inspect
import json
from pathlib import Path
from typing import Any

import pytest

from sdqa import compat

compat.prepare_hub()

import diffusers  # noqa: E402
import transformers  # noqa: E402

from sdqa.convert.wrappers import wrap  # noqa: E402
from sdqa.families import FAMILIES, Family  # noqa: E402
from sdqa.generate import pipeline, schedule  # noqa: E402
from sdqa.generate.teacher import FORWARDS, teacher_runners  # noqa: E402
from sdqa.models import load_teacher  # noqa: E402

LIBRARIES = {"diffusers": diffusers, "transformers": transformers}
OPTIONAL: dict[bool, dict[str, Any]] = {True: {"optional": True}, False: {}}
GOLDEN = json.loads((Path(__file__).parent / "contract.json").read_text("utf-8"))["families"]
MINIATURES = {"sd": "random:miniature", "sdxl": "random:miniature-sdxl"}


@pytest.fixture(params=sorted(FAMILIES))
def family(request: pytest.FixtureRequest) -> Family:
    return FAMILIES[request.param]


def test_parts_are_what_the_pipeline_classes_ask_for(family: Family) -> None:
    for name in family.pipeline_classes:
        asked = inspect.signature(getattr(diffusers, name).__init__).parameters
        modules = {one for one in asked if "bool" not in str(asked[one].annotation)} - {"self"}
        assert modules == {*family.part_names, *family.ignored, "image_encoder"}


def test_part_classes_are_what_the_pipeline_classes_ask_for(family: Family) -> None:
    asked = inspect.signature(getattr(diffusers, family.text_to_image).__init__).parameters
    for part in family.parts:
        library = LIBRARIES[part.library]
        assert all(hasattr(library, name) for name in part.classes)
        if part.name == "scheduler":  # any that adds noise by betas
            assert "Schedulers" in str(asked[part.name].annotation)
            installed = set(part.classes) - {"DPMSolverSDEScheduler"}  # takes a library of its own
            signatures = [inspect.signature(getattr(library, name).__init__) for name in installed]
            assert all("beta_schedule" in signature.parameters for signature in signatures)
        else:
            assert part.classes[0] in str(asked[part.name].annotation)


def test_settings_have_the_defaults_of_their_classes(family: Family) -> None:
    checked = 0
    for part in family.parts:
        if part.library != "diffusers" or part.name == "scheduler":  # silence means each scheduler's own
            continue
        defaults = inspect.signature(getattr(diffusers, part.classes[0]).__init__).parameters
        for setting in part.settings:
            if setting.key == "quantization_config":  # of the loader, not of the class
                continue
            assert defaults[setting.key].default == setting.default, setting.key
            checked += 1
    assert checked > 8


def test_the_pipeline_reads_the_mask_that_is_refused(family: Family) -> None:
    if family.drawable:
        assert "use_attention_mask" in inspect.getsource(getattr(diffusers, family.text_to_image).encode_prompt)


def test_contracts_are_the_golden_ones(family: Family) -> None:
    def ports(declared: Any) -> list[dict[str, Any]]:
        return [
            {
                "name": one.name,
                "shape": list(one.shape),
                "dtype": one.dtype,
                **({"optional": True} if one.optional else {}),
            }
            for one in declared
        ]

    assert list(family.component_names) == list(GOLDEN[family.name])
    for component in family.components:
        golden = GOLDEN[family.name][component.name]
        assert golden == {
            "file": component.file_name,
            "inputs": ports(component.inputs),
            "outputs": ports(component.outputs),
        }
        assert component.compared in {port.name for port in component.outputs}


def test_module_roots_are_those_of_the_wrappers_and_cover_the_parts(family: Family) -> None:
    teacher = load_teacher(MINIATURES[family.name])
    parts, seen = teacher.pipeline_parts(), 0
    for component in family.components:
        names = {name.split(".")[0] for name, _ in wrap(teacher, component.name).named_parameters()}
        assert names == set(component.roots)
        seen += sum(one.numel() for module in component.modules(parts).values() for one in module.parameters())
    whole = [parts[part.name] for part in family.weighted_parts]
    assert seen == sum(one.numel() for module in whole for one in module.parameters())


def test_what_can_be_drawn_has_a_graph_schedulers_and_forwards(family: Family) -> None:
    wrappers = importlib.import_module("sdqa.convert.wrappers")
    assert all(hasattr(wrappers, component.wrapper) for component in family.components)
    if family.drawable:
        assert pipeline.StableDiffusionPipeline.__name__ == family.text_to_image
        assert pipeline.StableDiffusionImg2ImgPipeline.__name__ == family.image_to_image
        assert set(family.between.schedulers) == set(schedule.SCHEDULERS)
        assert {component.wrapper for component in family.components} <= set(FORWARDS)
        runners = teacher_runners(load_teacher(MINIATURES[family.name]).pipeline_parts(), family)
        assert tuple(runners) == family.component_names
    else:
        assert family.reason


def test_only_the_denoiser_runs_at_each_step_and_only_the_encoder_needs_a_picture(family: Family) -> None:
    assert [one.name for one in family.components if one.runs == "each step"] == [family.denoiser.name]
    drawn = {one.name for one in family.drawn(image_to_image=False)}
    assert set(family.component_names) - drawn == {"vae_encoder"}
    assert family.drawn(image_to_image=True) == family.components
