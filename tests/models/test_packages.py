"""A folder of packages: which is which, what is left out, and what is refused because nobody can tell."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from sdqa.errors import ModelError
from sdqa.models.packages import ExistingPackages


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Packages by Apple's names; their content is never read here."""
    for name in ("TextEncoder", "Unet", "VAEDecoder"):
        _package(tmp_path, name)
    return tmp_path


def _package(folder: Path, name: str) -> None:
    (folder / f"{name}.mlpackage").mkdir()
    (folder / f"{name}.mlpackage" / "Manifest.json").write_text(name)


def find(folder: Path) -> ExistingPackages:
    return ExistingPackages.find(folder, source="packages:folder")


def names(found: ExistingPackages) -> dict[str, list[str]]:
    return {component: [path.name for path in paths] for component, paths in found.packages.items()}


def test_what_is_left_out_is_said(folder: Path) -> None:
    _package(folder, "Upscaler")
    found = find(folder)
    assert found.lines() == [
        "text_encoder: TextEncoder.mlpackage",
        "unet: Unet.mlpackage",
        "vae_decoder: VAEDecoder.mlpackage",
        "left out: Upscaler.mlpackage (its name is none of the known ones; say in packages.json which component it is)",
    ]


def test_a_whole_unet_beside_chunks_is_refused(folder: Path) -> None:
    _package(folder, "UnetChunk1")
    _package(folder, "UnetChunk2")
    with pytest.raises(ModelError, match=r"Unet\.mlpackage and UnetChunk1\.mlpackage, UnetChunk2\.mlpackage are both"):
        find(folder)


def test_apples_long_names_beside_short_ones_are_refused(folder: Path) -> None:
    _package(folder, "Stable_Diffusion_version_x_unet_chunk1")
    _package(folder, "Stable_Diffusion_version_x_unet_chunk2")
    with pytest.raises(ModelError, match="both the U-Net"):
        find(folder)


@pytest.mark.parametrize(
    ("mapping", "taken", "left"),
    [
        ({"unet": "Unet.mlpackage"}, ["Unet.mlpackage"], {"UnetChunk1.mlpackage", "UnetChunk2.mlpackage"}),
        (
            {"unet_chunk1": "UnetChunk1.mlpackage", "unet_chunk2": "UnetChunk2.mlpackage"},
            ["UnetChunk1.mlpackage", "UnetChunk2.mlpackage"],
            {"Unet.mlpackage"},
        ),
        ({"unet_chunk1": "UnetChunk1.mlpackage"}, ["UnetChunk1.mlpackage", "UnetChunk2.mlpackage"], {"Unet.mlpackage"}),
    ],
)
def test_a_mapping_decides(folder: Path, mapping: dict[str, str], taken: list[str], left: set[str]) -> None:
    _package(folder, "UnetChunk1")
    _package(folder, "UnetChunk2")
    (folder / "packages.json").write_text(json.dumps(mapping))
    found = find(folder)
    assert names(found)["unet"] == taken
    assert {item.name for item in found.left_out} == left
    assert names(found)["text_encoder"] == ["TextEncoder.mlpackage"]


def test_a_mapping_may_be_partial(folder: Path) -> None:
    _package(folder, "MyUnet")
    (folder / "packages.json").write_text('{"unet": "MyUnet.mlpackage"}')
    found = find(folder)
    assert names(found) == {
        "text_encoder": ["TextEncoder.mlpackage"],
        "unet": ["MyUnet.mlpackage"],
        "vae_decoder": ["VAEDecoder.mlpackage"],
    }
    assert [item.name for item in found.left_out] == ["Unet.mlpackage"]


def test_a_mapping_may_name_a_function(folder: Path) -> None:
    (folder / "packages.json").write_text('{"unet": "Unet.mlpackage#style_b"}')
    found = find(folder)
    assert names(found)["unet"] == ["Unet.mlpackage#style_b"]
    assert found.left_out == ()


def test_hints_list_what_lies_in_the_folder(folder: Path) -> None:
    (folder / "packages.json").write_text('{"unet": "Missing.mlpackage"}')
    with pytest.raises(ModelError, match=r"in it are: TextEncoder\.mlpackage, Unet\.mlpackage, VAEDecoder\.mlpackage"):
        find(folder)


def test_unknown_names_are_listed(tmp_path: Path) -> None:
    _package(tmp_path, "words")
    with pytest.raises(ModelError, match=r"in it are: words\.mlpackage"):
        find(tmp_path)


def test_nested_packages_are_listed(tmp_path: Path) -> None:
    (tmp_path / "original" / "packages").mkdir(parents=True)
    _package(tmp_path / "original" / "packages", "Unet")
    with pytest.raises(ModelError, match=r"inside are: original/packages/Unet\.mlpackage"):
        find(tmp_path)


def test_compiled_models_are_named(tmp_path: Path) -> None:
    (tmp_path / "Unet.mlmodelc").mkdir()
    with pytest.raises(ModelError, match=r"compiled models \(Unet\.mlmodelc\)"):
        find(tmp_path)


def test_a_pointer_instead_of_the_mapping(folder: Path) -> None:
    (folder / "packages.json").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:4\nsize 4\n")
    with pytest.raises(ModelError, match="Git LFS pointer"):
        find(folder)


def test_assets_are_found_by_the_same_names(tmp_path: Path) -> None:
    (tmp_path / "Unet.aimodel").mkdir()
    (tmp_path / "VAEDecoder.aimodel").mkdir()
    found = ExistingPackages.find(tmp_path, source="packages:folder", suffix=".aimodel")
    assert names(found) == {"unet": ["Unet.aimodel"], "vae_decoder": ["VAEDecoder.aimodel"]}
    with pytest.raises(ModelError, match=r"has \.aimodels and no \.mlpackage") as caught:
        find(tmp_path)
    assert 'runtime = "coreai"' in caught.value.hint


@pytest.mark.parametrize(
    ("make", "words", "hint"),
    [
        (lambda place: place.symlink_to(place.name), "there is no such folder", "the folder that the packages lie in"),
        (lambda place: place.write_bytes(b"PK\x03\x04" + bytes(30)), "a zip archive, not a folder", "unzip it"),
    ],
)
def test_what_is_no_folder(tmp_path: Path, make: Callable[[Path], object], words: str, hint: str) -> None:
    make(tmp_path / "made")
    with pytest.raises(ModelError, match=words) as caught:
        find(tmp_path / "made")
    assert hint in caught.value.hint


def test_a_mapping_may_begin_with_a_mark_and_is_a_file(folder: Path) -> None:
    mapping = folder / "packages.json"
    mapping.write_text('{"unet": "Unet.mlpackage"}', "utf-8-sig")
    assert names(find(folder))["unet"] == ["Unet.mlpackage"]
    mapping.unlink()
    mapping.mkdir()
    with pytest.raises(ModelError, match=r"packages\.json cannot be read"):
        find(folder)


@pytest.mark.parametrize(("present", "missing"), [("1", "2"), ("2", "1")])
@pytest.mark.parametrize("stem", ["UnetChunk", "Stable_Diffusion_version_x_unet_chunk"])
def test_a_chunk_alone_names_the_one_that_it_lacks(tmp_path: Path, stem: str, present: str, missing: str) -> None:
    _package(tmp_path, f"{stem}{present}")
    with pytest.raises(ModelError, match=f"{stem}{present}.mlpackage is one chunk of the U-Net") as caught:
        find(tmp_path)
    assert f"its unet_chunk{missing} is missing" in caught.value.what
    assert f"put {stem}{missing}.mlpackage beside it" in caught.value.hint
    (tmp_path / f"{stem}{missing}.mlmodelc").mkdir()
    with pytest.raises(ModelError, match=rf"is missing; {stem}{missing}\.mlmodelc is no \.mlpackage"):
        find(tmp_path)


def test_packages_further_down_are_named_with_their_folder(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    _package(tmp_path / "inner", "Unet")
    with pytest.raises(ModelError) as caught:
        find(tmp_path)
    assert caught.value.hint == "inside are: inner/Unet.mlpackage: name their folder, packages:folder/inner"


def test_capitals_in_a_suffix_or_in_the_mappings_name_are_said(folder: Path) -> None:
    (folder / "Unet.mlpackage").rename(folder / "Unet.MLPACKAGE")
    (folder / "Packages.json").write_text("{}")
    said = {(item.name, item.reason) for item in find(folder).left_out}
    assert said == {
        ("Unet.MLPACKAGE", "call it Unet.mlpackage: capitals count"),
        ("Packages.json", "call it packages.json: capitals count"),
    }


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"unet": "Unet.mlpackage", "unet": "Other.mlpackage"}', "has the key 'unet' twice"),
        ('{"unet": "' + "x" * 2**16 + '"}', "is too big"),
    ],
)
def test_a_mapping_that_says_two_things_or_too_much_is_refused(folder: Path, content: str, words: str) -> None:
    (folder / "packages.json").write_text(content)
    with pytest.raises(ModelError, match=words):
        find(folder)


def test_components_own_names_are_taken_and_an_older_model_is_left_out(tmp_path: Path) -> None:
    for name in ("text_encoder", "unet", "vae_decoder", "vae_encoder"):
        _package(tmp_path, name)
    (tmp_path / "SafetyChecker.mlmodel").write_bytes(b"\x08\x01")
    found = find(tmp_path)
    assert set(found.packages) == {"text_encoder", "unet", "vae_decoder", "vae_encoder"}
    (left,) = found.left_out
    assert (left.name, "older format" in left.reason) == ("SafetyChecker.mlmodel", True)


def test_a_package_or_a_file_instead_of_a_folder_is_said(folder: Path) -> None:
    (folder / "notes.txt").write_text("hello")
    for name, said in (("Unet.mlpackage", "this is a package itself"), ("notes.txt", "this is a file, not a folder")):
        with pytest.raises(ModelError, match=said) as caught:
            find(folder / name)
        assert "the folder that" in caught.value.hint
