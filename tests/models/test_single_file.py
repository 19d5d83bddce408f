"""What lies where a folder is expected is named for what it is, with what to do to get a folder of it."""

from __future__ import annotations

import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from sdqa.cli import run
from sdqa.errors import EXIT_PASS, EXIT_USAGE, ModelError
from sdqa.models import load_teacher, look_at
from tests.models.test_opening import SUITE

LOAD, UNPACK = "from_single_file", "unpack it, and give the folder that holds model_index.json"
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:4d\nsize 4\n"


def checkpoint(path: Path) -> None:
    save_file({"model.diffusion_model.out.0.weight": np.zeros(2, np.float32)}, path)


def pickled(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("archive/data.pkl", "x")


def zipped(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("model/model_index.json", "{}")


def tarred(path: Path) -> None:
    with tarfile.open(path, "w") as file:
        file.add(__file__, "model_index.json")


@pytest.mark.parametrize(
    ("name", "make", "what", "hint"),
    [
        ("sd.safetensors", checkpoint, "a checkpoint in one file (safetensors)", LOAD),
        ("sd.ckpt", pickled, "a checkpoint in one file (a pickle, which is never opened here)", LOAD),
        ("sd.zip", zipped, "a zip archive", UNPACK),
        ("sd.tar", tarred, "a tar archive", UNPACK),
        ("sd.tar.gz", lambda path: path.write_bytes(b"\x1f\x8b\x08" + bytes(9)), "a gzip archive", UNPACK),
        ("sd.gguf", lambda path: path.write_bytes(b"GGUF" + bytes(9)), "a GGUF model", "of the model that it was made"),
        ("sd", lambda path: path.write_text(POINTER), "a Git LFS pointer", "git lfs pull"),
        ("sd.txt", lambda path: path.write_text("hello"), "a file", "give the folder that holds model_index.json"),
    ],
)  # fmt: skip
def test_a_file_is_named_by_a_plan_and_by_a_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, make: Callable[[Path], object], what: str, hint: str
) -> None:
    make(tmp_path / name)
    source = f"folder:{tmp_path / name}"
    for use in (look_at, load_teacher):
        with pytest.raises(ModelError) as caught:
            use(source)
        assert caught.value.what.startswith(f"this is {what}")
        assert caught.value.what.endswith(", not a folder in diffusers format")
        assert hint in caught.value.hint
    suite = tmp_path / "sdqa.toml"
    suite.write_text(SUITE.format(source=source), "utf-8")
    assert run(["plan", "--suite", str(suite)]) == EXIT_USAGE
    assert hint in capsys.readouterr().out


def test_a_file_beside_a_folder_that_is_missing_may_be_meant(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    zipped(tmp_path / "sd.zip")
    suite = tmp_path / "sdqa.toml"
    suite.write_text(SUITE.format(source=f"folder:{tmp_path / 'sd'}"), "utf-8")
    assert run(["plan", "--suite", str(suite)]) == EXIT_PASS
    assert f"sd.zip beside it is a zip archive: {UNPACK}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("models", "path", "words"),
    [
        ('source = "sd.safetensors"', "$.models.one.source", "it may be a checkpoint in one file: load it with"),
        ('source = "models/one"', "$.models.one.source", "is not a source; use one of"),
        ('source = "packages:pk"', "$.models.one:", "packages:pk holds packages, and no PyTorch model"),
        ('source = "packages:pk"\nreference = "packages:other"', "$.models.one.reference", "packages:other holds pack"),
        ('source = "folder:a"\nreference = "folder:b"', "$.models.one.reference", "folder:a is a PyTorch model itself"),
    ],
)  # fmt: skip
def test_a_model_without_its_teacher_is_a_problem_of_the_suite(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], models: str, path: str, words: str
) -> None:
    suite = tmp_path / "sdqa.toml"
    text = SUITE.format(source="x").replace('models.one.source = "x"\n', "")
    suite.write_text(f"{text}\n[models.one]\n{models}\n", "utf-8")
    assert run(["plan", "--suite", str(suite)]) == EXIT_USAGE
    said = capsys.readouterr().err
    assert path in said
    assert words in said


def test_an_embedded_model_that_is_none_is_not_ready(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    suite = tmp_path / "sdqa.toml"
    suite.write_text(SUITE.format(source="embedded:huge"), "utf-8")
    assert run(["plan", "--suite", str(suite)]) == EXIT_USAGE
    assert "there is no embedded model 'huge'" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["made", "made/Unet.mlpackage"])
def test_packages_where_a_model_is_expected_are_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "made" / "Unet.mlpackage" / "Data").mkdir(parents=True)
    with pytest.raises(ModelError) as caught:
        look_at(f"folder:{tmp_path / name}")
    assert (
        f"packages: name them as packages:{tmp_path / 'made'}, and the model that they came from" in caught.value.hint
    )
