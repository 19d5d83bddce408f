"""Adopted packages in a plan: taken, left out, refused; each with the sentence that a run would give, and no torch."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sdqa import cli
from sdqa.convert.inventory import take_inventory
from sdqa.convert.stage import adopted
from sdqa.errors import EXIT_INFRASTRUCTURE, EXIT_PASS, EXIT_USAGE, SdqaError
from sdqa.models import ExistingPackages, Teacher, load_teacher
from tests.conftest import Convert
from tests.mil.packages import edit

SUITE = """
name = "adopted"
goldens = "teacher"
[models.m]
source = "packages:made"
reference = "random:miniature"
[variants.v]
{variant}
[[lanes]]
model = "m"
variants = ["v"]
runtime = "{runtime}"
[metrics]
names = ["finite"]
[limits]
parity_psnr = 45
[cases.text]
prompt = "a cat"
steps = 4
"""
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:4d\nsize 4\n"
UNET, CORE = Path("made/Unet.mlpackage"), "Data/com.apple.CoreML"


@pytest.fixture
def place(packages: Convert, teacher: Teacher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A suite and the miniature's packages, as another tool leaves them."""
    for component in teacher.components:
        path = packages(component).path
        shutil.copytree(path, tmp_path / "made" / path.name)
    monkeypatch.chdir(tmp_path)
    write(tmp_path)
    return tmp_path


def write(place: Path, variant: str = "", runtime: str = "reference") -> None:
    (place / "sdqa.toml").write_text(SUITE.format(variant=variant, runtime=runtime), "utf-8")


def plan(capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    status = cli.run(("plan",))
    return status, capsys.readouterr().out


def nested(folder: Path) -> None:
    folder.rename(folder.with_name("inner"))
    folder.mkdir()
    folder.with_name("inner").rename(folder / folder.name)


def emptied(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


def archived(folder: Path) -> None:
    packed = shutil.make_archive(str(folder.parent / "packed"), "zip", folder)
    shutil.rmtree(folder)
    Path(packed).rename(folder)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:2000])


def custom(folder: Path) -> None:
    def change(model: object) -> None:
        (function,) = model.mlProgram.functions.values()  # type: ignore[attr-defined]
        (body,) = function.block_specializations.values()
        next(one for one in body.operations if one.type == "conv").type = "my_layer"

    edit(folder, change)


@pytest.mark.parametrize(
    ("damage", "words", "next_step"),
    [
        (lambda unet: (unet / CORE / "weights/weight.bin").write_text(POINTER), "a Git LFS pointer", "git lfs pull"),
        (lambda unet: (unet / CORE / "model.mlmodel").write_text(POINTER), "a Git LFS pointer", "git lfs pull"),
        (lambda unet: (unet / "Manifest.json").write_text(POINTER), "a Git LFS pointer", "git lfs pull"),
        (nested, "a folder around a package", "move Unet.mlpackage out of it"),
        (emptied, "no Manifest.json and no single .mlmodel", "in it are: nothing"),
        (archived, "a zip archive", "unzip it"),
        (
            lambda unet: (unet / CORE / "model.mlmodel").write_bytes(b"\x08\x07\x12\x07pytorch\x3a\x02ab"),
            "an ONNX model",
            "convert the PyTorch",
        ),
        (lambda unet: cut(unet / CORE / "model.mlmodel"), "truncated, damaged", ""),
        (lambda unet: cut(unet / CORE / "weights/weight.bin"), "the file at 2000", ""),
        (
            lambda unet: unet.with_name("packages.json").write_text('{"unet": "Unet.mlpackage#style_b"}'),
            "no function 'style_b'",
            "its functions are ['main']",
        ),
        (
            lambda unet: unet.with_name("packages.json").write_text('{"unet": "VAEDecoder.mlpackage"}'),
            "cannot serve as unet",
            "Apple's inputs",
        ),
        (custom, "the operation 'my_layer' is not known", "custom layers"),
    ],
)
def test_what_a_run_would_refuse_is_refused(
    place: Path, capsys: pytest.CaptureFixture[str], damage: Callable[[Path], object], words: str, next_step: str
) -> None:
    assert plan(capsys)[0] == EXIT_PASS
    damage(place / UNET)
    status, said = plan(capsys)
    assert status == EXIT_USAGE
    assert words in said
    assert next_step in said
    assert "packages vae_decoder: VAEDecoder.mlpackage\n" in said
    assert ", refused\n" in said
    assert "ready: sdqa" not in said
    if "cannot serve" not in words:
        with pytest.raises(SdqaError) as caught:
            take_inventory(ExistingPackages.find(place / "made", source="x").packages["unet"][0])
        assert caught.value.what in said


@pytest.mark.parametrize(
    ("name", "make", "words"),
    [
        ("Unet.mlmodelc", lambda path: path.mkdir(), "compiled model"),
        ("Unet.mlpackage.zip", lambda path: path.write_bytes(b"PK\x03\x04" + bytes(30)), "unzip it"),
        ("unet.onnx", lambda path: path.write_bytes(b"\x08\x07\x12\x07pytorch\x3a\x02ab"), "an ONNX model"),
    ],
)
def test_what_may_be_meant_as_a_package_is_named(
    place: Path, capsys: pytest.CaptureFixture[str], name: str, make: Callable[[Path], object], words: str
) -> None:
    make(place / "made" / name)
    status, said = plan(capsys)
    assert status == EXIT_PASS
    assert f"left out: {name} (" in said
    assert words in said
    shutil.rmtree(place / UNET)
    status, said = plan(capsys)
    assert status == EXIT_PASS, "it may be made yet"
    assert "packages:made has no package for unet" in said
    assert said.count(words) == 2, "where it is left out, and where it is missed"


def test_what_is_taken_ignored_and_broken_is_said(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(place, variant='compression = "palettize-6bit"')
    status, said = plan(capsys)
    assert status == EXIT_PASS
    assert "packages vae_encoder: VAEEncoder.mlpackage, ignored: nothing that is drawn runs it" in said
    assert "unet/contract will fail: the variant promises 6 bits" in said


def halved(unet: Path) -> None:
    edit(unet, lambda model: setattr(model.description.output[0].type.multiArrayType, "dataType", 65552))


@pytest.mark.parametrize(
    ("variant", "damage", "words"),
    [
        ('precision = "float32"', None, 'unet/contract will fail: the variant says precision = "float32", 100 %'),
        ("chunked = true", None, "unet/contract will fail: the variant says chunked = true, the U-Net is in one piece"),
        ("", halved, "unet/contract will fail: its description has the output 'noise_pred' as fp16, its pro"),
    ],
)  # fmt: skip
def test_what_a_package_is_not_is_said(
    place: Path, capsys: pytest.CaptureFixture[str], variant: str, damage: Callable[[Path], None] | None, words: str
) -> None:
    write(place, variant=variant)
    if damage is not None:
        damage(place / UNET)
    status, said = plan(capsys)
    assert status == EXIT_PASS
    assert words in said


@pytest.mark.parametrize("name", ["made.zip", "made.safetensors"])
def test_a_file_where_packages_are_expected_is_refused(
    place: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    (place / name).write_bytes(b"PK\x03\x04" + bytes(30) if name.endswith("zip") else b"\2\0\0\0\0\0\0\0{}")
    suite = place / "sdqa.toml"
    suite.write_text(suite.read_text("utf-8").replace("packages:made", f"packages:{name}"), "utf-8")
    status, said = plan(capsys)
    assert status == EXIT_USAGE
    assert ", not a folder (packages:" in said


def test_an_asset_that_has_not_arrived_is_refused(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(place, runtime="coreai")
    for name in ("TextEncoder", "Unet", "VAEDecoder"):
        asset = place / "made" / f"{name}.aimodel"
        asset.mkdir()
        for file in ("main.mlirb", "main.hash", "metadata.json"):
            (asset / file).write_text("x")
    assert "refused" not in plan(capsys)[1]
    (place / "made" / "Unet.aimodel" / "main.mlirb").write_text(POINTER)
    status, said = plan(capsys)
    assert status == EXIT_USAGE
    assert "main.mlirb is a Git LFS pointer, not the file itself (Unet.aimodel)" in said


def test_packages_are_read_without_torch(place: Path) -> None:
    code = (
        "import sys; from sdqa import cli; status = cli.run(('plan',)); "
        "sys.exit(status or ', '.join({'torch', 'coremltools', 'diffusers'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=place, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "packages unet: Unet.mlpackage" in done.stdout


def test_packages_are_opened_where_no_teacher_is(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    suite = place / "sdqa.toml"
    suite.write_text(suite.read_text("utf-8").replace("random:miniature", "folder:absent"), "utf-8")
    write_variant = suite.read_text("utf-8").replace("[variants.v]", '[variants.v]\ncompression = "palettize-6bit"')
    suite.write_text(write_variant, "utf-8")
    status, said = plan(capsys)
    assert status == EXIT_PASS, "the teacher may come yet"
    assert "unet/contract will fail: the variant promises 6 bits" in said
    cut(place / UNET / CORE / "model.mlmodel")
    status, said = plan(capsys)
    assert status == EXIT_USAGE
    assert "truncated, damaged" in said


def test_a_package_that_is_missing_is_infrastructure(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(place / UNET)
    assert plan(capsys)[0] == EXIT_PASS, "it may be made yet"
    with pytest.raises(SdqaError) as caught:
        adopted("packages:made", load_teacher("random:miniature"), idle=("vae_encoder",))
    assert caught.value.exit_code == EXIT_INFRASTRUCTURE
    shutil.rmtree(place / "made")
    assert plan(capsys)[0] == EXIT_PASS, "a folder that is not there may be made yet"


def test_tokenizer_files_beside_packages_are_read(place: Path, saved: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy(saved / "tokenizer" / "tokenizer.json", place / "made")
    status, said = plan(capsys)
    assert status == EXIT_PASS
    assert "tokenizer.json: the same tokenizer as the reference's, which draws" in said
    (place / "made" / "merges.txt").write_text("a b\n")
    status, said = plan(capsys)
    assert status == EXIT_USAGE
    assert "merges.txt lies beside the packages without vocab.json" in said
