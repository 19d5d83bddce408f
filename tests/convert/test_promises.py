"""What a variant says of another tool's packages is held against what they hold."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sdqa.convert.adopt import adopt
from sdqa.convert.contract import contract
from sdqa.convert.fit import fit_component, look
from sdqa.convert.promises import Holding, broken_promises, single_share
from sdqa.models import ExistingPackages, Teacher
from sdqa.plan.variant import Variant
from tests.builders import Convert
from tests.mil.packages import edit

HALVES, SINGLES, SIX = Holding({16: 100}, 0.0), Holding({32: 100}, 1.0), Holding({6: 95, 16: 5}, 0.0)


@pytest.mark.parametrize(
    ("component", "found", "variant", "words"),
    [
        ("unet", HALVES, {}, ""),
        ("unet", SINGLES, {"precision": "float32"}, ""),
        ("unet", HALVES, {"precision": "float32"}, '"float32", 100 % of the weights are computed with in float16'),
        ("unet", SINGLES, {"precision": "float16"}, '"float16", 100 % of the weights are computed with in float32'),
        ("unet", SINGLES, {"precision": "mixed"}, '"mixed", 100 % of the weights are computed with in float32'),
        ("unet", HALVES, {"precision": "mixed"}, "in float32, the package computes with no weight"),
        ("vae_decoder", HALVES, {"precision": "mixed"}, ""),
        ("unet", Holding({16: 90, 32: 10}, 0.1), {"precision": "mixed"}, ""),
        ("unet", Holding({16: 100}, 1.0), {"precision": "float32"}, ""),
        ("unet", Holding({16: 55, 32: 45}, 0.45), {"precision": "float16"}, '"float16", 45 % of the weights'),
        ("unet", Holding({16: 55, 32: 45}, 0.45), {"precision": "float32"}, '"float32", 55 % of the weights'),
        ("vae_decoder", SINGLES, {"precision": "mixed", "keep_float32": ["decoder", "post_quant_conv"]}, ""),
        ("vae_decoder", HALVES, {"precision": "mixed", "keep_float32": ["decoder", "post_quant_conv"]}, "100 % of the"),
        ("unet", SINGLES, {"precision": "mixed", "keep_float32": ["unet.up_blocks"]}, ""),
        ("unet", Holding({6: 100}, None), {"precision": "float32", "compression": "palettize-6bit"}, ""),
        ("unet", SIX, {}, "names no compression, 95 % of the weights have fewer than 16 bits"),
        ("vae_decoder", SIX, {"compression": "palettize-6bit", "compressed_components": ["unet"]}, "the vae_decoder"),
        ("unet", SIX, {"compression": "palettize-6bit"}, ""),
        ("unet", SIX, {"compression": "palettize-4bit"}, "promises 4 bits (palettize-4bit), the weights have 6"),
        ("unet", HALVES, {"compression": "prune-50"}, "promises prune-50, 0 % of the weights are left out"),
        ("unet", Holding({0: 45, 16: 55}, 0.0), {"compression": "prune-50"}, ""),
        ("unet", Holding({0: 30, 16: 70}, 0.0), {}, "30 % of the weights have fewer than 16 bits"),
        ("unet", HALVES, {"compression": "mixed-bit:3.5bit"}, "promises mixed-bit:3.5bit, the weights have 16 bits"),
        ("vae_decoder", HALVES, {"compression": "mixed-bit:3.5bit"}, ""),
        ("unet", SIX, {"compression": "mixed-bit:3.5bit"}, ""),
        ("unet", HALVES, {"chunked": True}, "says chunked = true, the U-Net is in one piece"),
        ("unet", Holding({16: 100}, 0.0, (2,)), {}, "the U-Net is in 2 pieces: set chunked = true"),
        ("unet", Holding({16: 100}, 0.0, (2,)), {"chunked": True}, ""),
        ("unet", Holding({16: 100}, 0.0, (1, 2)), {"chunked": True}, ""),
        ("unet", Holding({16: 100}, 0.0, (1, 2)), {}, ""),
        ("vae_decoder", HALVES, {"chunked": True}, ""),
        ("unet", Holding({}, 0.0), {"precision": "float32", "compression": "palettize-6bit"}, ""),
        ("unet", Holding({16: 1}, 0.0, (1,), 9), {}, "its specification version is 9, iOS17 reads up to 8"),
    ],
)  # fmt: skip
def test_what_is_not_as_the_variant_says_is_a_sentence(
    component: str, found: Holding, variant: dict[str, Any], words: str
) -> None:
    breaches = broken_promises(component, found, Variant.model_validate(variant))
    assert len(breaches) == bool(words), breaches
    assert words in "".join(breaches)


def test_what_the_family_has_in_float32_is_no_breach() -> None:
    assert broken_promises("vae_decoder", SINGLES, Variant(), wide=True) == ()
    assert broken_promises("vae_decoder", SIX, Variant(), wide=True) != ()


def test_stored_bits_tell_the_precision_of_what_is_not_compressed() -> None:
    assert single_share({32: 90, 16: 10}) == 0.9
    assert single_share({6: 40, 16: 60}) == 0
    assert single_share({6: 60, 32: 40}) is None


def test_packages_of_another_precision_break_the_contract(packages: Convert, teacher: Teacher) -> None:
    declared = contract("vae_decoder", teacher.family, teacher.facts)
    half, single = packages("vae_decoder").path, packages("vae_decoder", precision="float32").path
    assert fit_component((half,), declared, Variant()).breaches == ()
    assert fit_component((single,), declared, Variant(precision="float32")).breaches == ()
    for package, said in ((half, "float32"), (single, "float16")):
        (breach,) = fit_component((package,), declared, Variant(precision=said)).breaches
        assert f'the variant says precision = "{said}"' in breach
    both = look("vae_decoder", (half,), declared, (Variant(name="a"), Variant(name="b", precision="float32")))
    assert len(both.breaches) == 1


def test_chunks_are_what_the_variant_says(packages: Convert, teacher: Teacher) -> None:
    declared = contract("unet", teacher.family, teacher.facts)
    whole, chunks = packages("unet").paths, packages("unet", chunked=True).paths
    assert fit_component(chunks, declared, Variant(chunked=True)).breaches == ()
    (said,) = fit_component(whole, declared, Variant(chunked=True)).breaches
    assert "the U-Net is in one piece" in said
    (said,) = fit_component(chunks, declared, Variant()).breaches
    assert "the U-Net is in 2 pieces" in said


def renamed(model: Any) -> None:
    model.description.input[0].name = "latents"


def halved(model: Any) -> None:
    model.description.output[0].type.multiArrayType.dataType = 65552


def resized(model: Any) -> None:
    model.description.input[0].type.multiArrayType.shape[2] = 64


def older(model: Any) -> None:
    model.specificationVersion = 7


def another(model: Any) -> None:
    model.description.metadata.userDefined["com.sdqa.component"] = "unet"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (renamed, "its description names the input 'latents', its program takes z"),
        (halved, "its description has the output 'image' as fp16, its program as fp32"),
        (resized, "its description has the input 'z' as [1, 4, 64, 16], its program as [1, 4, 16, 16]"),
        (older, "its specification version is 7, its program's operations (CoreML7) need 8"),
        (another, "its metadata says that it is the unet"),
    ],
)
def test_a_description_that_its_program_contradicts_breaks_the_contract(
    packages: Convert, teacher: Teacher, tmp_path: Path, change: Callable[[Any], None], words: str
) -> None:
    package = Path(shutil.copytree(packages("vae_decoder").path, tmp_path / "VAEDecoder.mlpackage"))
    edit(package, change)
    declared = contract("vae_decoder", teacher.family, teacher.facts)
    assert any(words in breach for breach in fit_component((package,), declared).breaches)
    assert words in "; ".join(look("vae_decoder", (package,), declared, (Variant(),)).breaches)
    if change is halved:
        existing = ExistingPackages.find(tmp_path, source="x")
        idle = [one for one in teacher.components if one != "vae_decoder"]
        record = adopt(existing, teacher, Variant(), idle=idle)["vae_decoder"]
        assert any(words in breach for breach in record.breaches)
