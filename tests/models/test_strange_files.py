"""Files and folders that are something else than their name says: one sentence, never a trace or a wait."""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sdqa import cli
from sdqa.errors import EXIT_PASS, EXIT_USAGE
from tests.models.test_opening import SUITE, edit

UNET = Path("model/unet")
WEIGHTS = UNET / "diffusion_pytorch_model.safetensors"


def circle(path: Path) -> None:
    shutil.rmtree(path)
    path.symlink_to(path.name)


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def replaced(path: Path, content: bytes) -> None:
    shutil.rmtree(path)
    path.write_bytes(content)


def halved(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def doubled(path: Path) -> None:
    """The first key of the outermost object, once more at its end."""
    text = path.read_text("utf-8")
    name = next(iter(json.loads(text)))
    path.write_text(f'{text.rstrip().removesuffix("}")}, "{name}": 1}}', "utf-8")


def named_twice(path: Path) -> None:
    """The header's first tensor, once more at its end."""
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = data[8 : 8 + length].rstrip()
    name, entry = next((name, entry) for name, entry in json.loads(header).items() if name != "__metadata__")
    header = header[:-1] + f',"{name}":{json.dumps(entry)}}}'.encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + data[8 + length :])


@pytest.mark.parametrize(
    ("damage", "status", "words"),
    [
        (lambda place: circle(place / "model"), EXIT_PASS, "is not on this machine"),
        (lambda place: replaced(place / "model", b"x"), EXIT_USAGE, "this is a file, not a folder"),
        (lambda place: replaced(place / "model", b"PK\x03\x04" + bytes(30)), EXIT_USAGE, "a zip archive, not a folder"),
        (lambda place: pipe(place / UNET / "config.json"), EXIT_USAGE, "config.json is a device or pipe"),
        (lambda place: pipe(place / WEIGHTS), EXIT_USAGE, "is a device or pipe, not a file"),
        (lambda place: (place / UNET / "config.json").write_text("[" * 10**5), EXIT_USAGE, "is not JSON"),
        (lambda place: (place / UNET / "config.json").write_bytes(bytes(range(256))), EXIT_USAGE, "is not JSON"),
        (
            lambda place: (place / UNET / "config.json").write_text('{"a": "' + "x" * 2**24 + '"}'),
            EXIT_USAGE,
            "too big to be a configuration",
        ),
        (
            lambda place: doubled(place / UNET / "config.json"),
            EXIT_USAGE,
            "unet/config.json has the key '_class_name' twice",
        ),
        (lambda place: doubled(place / "model/model_index.json"), EXIT_USAGE, "model_index.json has the key"),
        (lambda place: named_twice(place / WEIGHTS), EXIT_USAGE, "twice in its header"),
        (lambda place: halved(place / WEIGHTS), EXIT_USAGE, "is not a safetensors file"),
        (lambda place: (place / WEIGHTS).write_bytes(b"\x02" + bytes(7) + b"{}"), EXIT_USAGE, "hold no tensors"),
        (lambda place: (place / WEIGHTS).write_bytes(b"\xff" * 100), EXIT_USAGE, "is not a safetensors file"),
        (lambda place: edit(place / "model/model_index.json", unet=5), EXIT_USAGE, "it has no part unet"),
        (lambda place: edit(place / "model/model_index.json", unet=["a", "b", "c"]), EXIT_USAGE, "as unet"),
        (lambda place: shutil.rmtree(place / "model/tokenizer"), EXIT_USAGE, "tokenizer_config.json is missing"),
    ],
)
def test_strange_files_end_in_one_sentence(
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    damage: Callable[[Path], Any],
    status: int,
    words: str,
) -> None:
    assert folder == tmp_path / "model"
    monkeypatch.chdir(tmp_path)
    Path("sdqa.toml").write_text(SUITE.format(source="folder:model"), "utf-8")
    damage(tmp_path)
    found: list[int] = []
    looking = threading.Thread(target=lambda: found.append(cli.run(("plan",))), daemon=True)
    looking.start()
    looking.join(30)
    said = capsys.readouterr()
    assert found == [status], "it waits for a pipe" if not found else said
    assert words in said.out + said.err
    assert "SDQA-999" not in said.err
    assert "ready: sdqa" not in said.out
