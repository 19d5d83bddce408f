from __future__ import annotations

import pytest

from sdqa.errors import ModelError
from sdqa.families import IndexEntry, ModelIndex


def test_parts_flags_and_absent_parts_are_told_apart() -> None:
    index = ModelIndex.parse(
        {
            "_class_name": "StableDiffusionPipeline",
            "_diffusers_version": "0.42.1",
            "_ignore_files": ["a", "b", "c"],
            "requires_safety_checker": False,
            "safety_checker": [None, None],
            "image_encoder": ["transformers", None],
            "unet": ["diffusers", "UNet2DConditionModel"],
        },
        where="here",
    )
    assert index.class_name == "StableDiffusionPipeline"
    assert index.parts == {"unet": IndexEntry("diffusers", "UNet2DConditionModel")}


@pytest.mark.parametrize("name", [None, 3, "", "os.system", ["a"]])
def test_an_index_without_a_class_is_refused(name: object) -> None:
    with pytest.raises(ModelError, match="names no pipeline class"):
        ModelIndex.parse({"_class_name": name}, where="here")


@pytest.mark.parametrize("entry", [["diffusers"], ["a", "b", "c"], [1, "b"], [None, "b"], {"a": "b"}, []])
def test_entries_that_are_no_pair_are_refused(entry: object) -> None:
    with pytest.raises(ModelError, match="as unet"):
        ModelIndex.parse({"_class_name": "StableDiffusionPipeline", "unet": entry}, where="here")
