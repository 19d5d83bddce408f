"""Files that nothing reads are all named where a plan is explained."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from safetensors.numpy import load_file, save_file

from sdqa import cli
from sdqa.models.idle import idle_beside_packages
from sdqa.models.packages import ExistingPackages

SUITE = """
name = "one"
goldens = "teacher"
models.one.source = "folder:model"
variants.fp16 = {}
lanes = [{ model = "one", variants = ["fp16"], runtime = "reference" }]
metrics.names = ["finite"]
cases.x = { prompt = "a cat", steps = 2 }
"""


def test_every_file_of_a_folder_that_nothing_reads_is_named(
    tmp_path: Path, saved: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(saved, "model")
    (tmp_path / "sdqa.toml").write_text(SUITE, "utf-8")
    assert cli.run(("plan", "--explain")) == 0
    assert "folder:model: no files that nothing reads" in capsys.readouterr().out
    unet = Path("model/unet")
    tensors = load_file(unet / "diffusion_pytorch_model.safetensors")
    shard = "diffusion_pytorch_model-00001-of-00001.safetensors"
    (unet / "diffusion_pytorch_model.safetensors").rename(unet / shard)
    index = unet / "diffusion_pytorch_model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": dict.fromkeys(tensors, shard)}))
    extra = [
        ".gitattributes",
        "README.md",
        "unet/notes.txt",
        *(f"unet/adapter_{number}.bin" for number in range(12)),
        "vae/diffusion_pytorch_model.fp16.safetensors",
        "tokenizer/README",
        "controlnet/config.json",
        "controlnet/deep/er/x.onnx",
    ]
    for name in extra:
        path = Path("model") / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("safetensors"):
            save_file(load_file("model/vae/diffusion_pytorch_model.safetensors"), path)
        else:
            path.write_text("{}")
    Path("model/linked").symlink_to("unet")
    assert cli.run(("plan", "--explain", "--json")) == 0
    found = json.loads(capsys.readouterr().out)["unread_files"]["folder:model"]
    named = {f"{folder}{name}".removeprefix("./") for folder, names in found.items() for name in names}
    assert named == {*extra, "linked"}
    assert cli.run(("plan", "--explain")) == 0
    said = capsys.readouterr().out
    assert f"folder:model: {len(named)} files that nothing reads" in said
    assert all(Path(name).name in said for name in named)


def test_files_beside_packages_are_named_and_those_inside_are_not(tmp_path: Path) -> None:
    for name in ("Unet", "TextEncoder", "Other"):
        (tmp_path / f"{name}.mlpackage" / "Data").mkdir(parents=True)
        (tmp_path / f"{name}.mlpackage" / "Data" / "model").write_text("")
    for name in ("packages.json", "vocab.json", "merges.txt", "notes.md"):
        (tmp_path / name).write_text("{}")
    found = idle_beside_packages(ExistingPackages.find(tmp_path, source="packages:x"))
    assert found == {"./": ["notes.md"], "Other.mlpackage/Data/": ["model"]}
