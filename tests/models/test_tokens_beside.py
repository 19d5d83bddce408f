"""Tokenizer files beside packages are the reference's tokenizer, or they are refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from sdqa.errors import EXIT_USAGE, ModelError, PackagesError
from sdqa.models.sources import look_at
from sdqa.models.tokens import PromptTokenizer, read_tokenizer
from sdqa.models.tokens_beside import compare_tokenizer


@pytest.fixture
def reference() -> PromptTokenizer:
    opening = look_at("random:miniature")
    assert opening is not None
    assert opening.tokenizer is not None
    return opening.tokenizer()


@pytest.fixture
def folder(reference: PromptTokenizer, tmp_path: Path) -> Path:
    """The reference's vocabulary and merges, as Apple's layout has them."""
    model = json.loads(reference.inner.to_str())["model"]
    words = {**model["vocab"], **reference.inner.get_vocab(with_added_tokens=True)}
    (tmp_path / "vocab.json").write_text(json.dumps(words), "utf-8")
    lines = [pair if isinstance(pair, str) else " ".join(pair) for pair in model["merges"]]
    (tmp_path / "merges.txt").write_text("#version: 0.2\n" + "\n".join(lines) + "\n", "utf-8")
    return tmp_path


def test_the_same_tokenizer_is_said(folder: Path, reference: PromptTokenizer, saved: Path) -> None:
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(saved / "tokenizer" / name, folder / name)
    (said,) = compare_tokenizer(folder, reference, source="packages:x")
    names = "vocab.json, merges.txt, tokenizer.json, tokenizer_config.json"
    assert said == f"{names}: the same tokenizer as the reference's, which draws"
    assert compare_tokenizer(saved, reference, source="packages:x") == ()


def test_a_folder_of_a_tokenizer_is_read_too(tmp_path: Path, reference: PromptTokenizer, saved: Path) -> None:
    shutil.copytree(saved / "tokenizer", tmp_path / "tokenizer")
    (said,) = compare_tokenizer(tmp_path, reference, source="packages:x")
    assert said.startswith("tokenizer/tokenizer.json, tokenizer/tokenizer_config.json: the same")
    (tmp_path / "tokenizer" / "tokenizer_config.json").write_text('{"model_max_length": 64}')
    with pytest.raises(PackagesError, match="model_max_length = 64"):
        compare_tokenizer(tmp_path, reference, source="packages:x")


def swapped(folder: Path) -> None:
    words = json.loads((folder / "vocab.json").read_text("utf-8"))
    words["a</w>"], words["b</w>"] = words["b</w>"], words["a</w>"]
    (folder / "vocab.json").write_text(json.dumps(words), "utf-8")


def reordered(folder: Path) -> None:
    lines = (folder / "merges.txt").read_text("utf-8").splitlines()
    lines[1], lines[2] = lines[2], lines[1]
    (folder / "merges.txt").write_text("\n".join(lines), "utf-8")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (swapped, "2 words differ: 'a</w>' is "),
        (reordered, "its merges differ"),
        (lambda folder: (folder / "merges.txt").unlink(), "vocab.json lies beside the packages without merges.txt"),
        (lambda folder: (folder / "vocab.json").unlink(), "merges.txt lies beside the packages without vocab.json"),
        (lambda folder: (folder / "vocab.json").write_text("[]"), "is not a JSON object"),
        (lambda folder: (folder / "tokenizer.json").write_text("{}"), "tokenizer.json cannot be used"),
        (
            lambda folder: (folder / "special_tokens_map.json").write_text('{"pad_token": {"content": "!"}}'),
            "pad_token = '!', the reference's tokenizer '<|endoftext|>'",
        ),
        (
            lambda folder: (folder / "tokenizer_config.json").write_text('{"model_max_length": 64}'),
            "model_max_length = 64, the reference's tokenizer 77",
        ),
        (lambda folder: (folder / "added_tokens.json").write_text('{"<mine>": 9}'), "<mine> = 9, the ref"),
    ],
)
def test_another_tokenizer_is_refused(
    folder: Path, reference: PromptTokenizer, change: Callable[[Path], object], words: str
) -> None:
    change(folder)
    with pytest.raises(PackagesError) as caught:
        compare_tokenizer(folder, reference, source="packages:x")
    assert words in caught.value.what
    assert caught.value.exit_code == EXIT_USAGE


@pytest.mark.parametrize("key", ["truncation_side", "padding_side"])
def test_a_prompt_that_is_cut_or_filled_at_its_beginning_is_refused(saved: Path, tmp_path: Path, key: str) -> None:
    place = tmp_path / "tokenizer"
    shutil.copytree(saved / "tokenizer", place)
    settings = json.loads((place / "tokenizer_config.json").read_text("utf-8"))
    for side in ("right", "left"):
        (place / "tokenizer_config.json").write_text(json.dumps({**settings, key: side}), "utf-8")
        if side == "right":
            read_tokenizer(place, source="here")
            continue
        with pytest.raises(ModelError, match=f"{key} is 'left'; allowed: 'right'"):
            read_tokenizer(place, source="here")
