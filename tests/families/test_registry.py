from __future__ import annotations

from dataclasses import replace

import pytest

from sdqa.errors import EXIT_USAGE, UnsupportedModel
from sdqa.families import FAMILIES, ModelIndex, family, find_family, flow_order, known_components, module_roots
from sdqa.families.registry import drawable_components


def test_a_name_or_a_class_that_is_taken_is_refused() -> None:
    known = FAMILIES["sd"]
    with pytest.raises(ValueError, match="two families named 'sd'"):
        family(lambda: known)
    with pytest.raises(ValueError, match="other and sd both claim StableDiffusionImg2ImgPipeline"):
        family(lambda: replace(known, name="other", text_to_image="AnotherPipeline"))
    assert "other" not in FAMILIES


def test_families_are_found_by_either_class_and_by_the_index() -> None:
    assert find_family("StableDiffusionPipeline") is find_family("StableDiffusionImg2ImgPipeline") is FAMILIES["sd"]
    index = ModelIndex.parse({"_class_name": "StableDiffusionXLImg2ImgPipeline"}, where="here")
    assert find_family(index) is FAMILIES["sdxl"]


@pytest.mark.parametrize(
    "name", ["StableDiffusion3Pipeline", "FluxPipeline", "StableDiffusionInpaintPipeline", "StableDiffusion"]
)
def test_unknown_classes_are_refused_by_name(name: str) -> None:
    with pytest.raises(UnsupportedModel) as refused:
        find_family(name)
    assert refused.value.exit_code == EXIT_USAGE
    assert name in refused.value.what
    assert "what can be drawn: StableDiffusionPipeline, StableDiffusionImg2ImgPipeline" in refused.value.what


def test_parts_that_no_family_knows_are_named() -> None:
    content = {
        "_class_name": "StableDiffusionControlNetPipeline",
        "controlnet": ["diffusers", "ControlNetModel"],
        "unet": ["diffusers", "UNet2DConditionModel"],
        "safety_checker": ["stable_diffusion", "StableDiffusionSafetyChecker"],
    }
    with pytest.raises(UnsupportedModel, match=r"StableDiffusionControlNetPipeline \(nor .* the parts controlnet\)"):
        find_family(ModelIndex.parse(content, where="here"))


def test_the_flow_of_all_families_keeps_the_flow_of_each() -> None:
    order = flow_order()
    for record in FAMILIES.values():
        places = [order.index(name) for name in record.component_names]
        assert places == sorted(places)
    assert tuple(known_components()) == order


def test_components_of_families_that_cannot_be_drawn_are_not_planned() -> None:
    assert drawable_components() == FAMILIES["sd"].component_names
    assert "text_encoder_2" in flow_order()


def test_module_roots_are_of_one_component_or_of_all() -> None:
    assert module_roots("vae_encoder") == ("encoder", "quant_conv")
    assert module_roots("nothing") == ()
    assert set(module_roots()) == {root for name in flow_order() for root in module_roots(name)}
