"""The plan reads a tokenizer's files as transformers does, or refuses them: nothing is drawn with another."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sdqa import compat

compat.prepare_hub()

from transformers import CLIPTokenizer  # noqa: E402

from sdqa.errors import ModelError  # noqa: E402
from sdqa.models.clip_tokens import PROBES  # noqa: E402
from sdqa.models.tokens import read_tokenizer  # noqa: E402

TEXTS = (*PROBES, "", "cat " * 100, "a <|endoftext|> cat <|startoftext|>", "a<cat>b ! !", "\ufeffa \u200bcat\x1b[31m")
CONFIG, WHOLE = "tokenizer_config.json", "tokenizer.json"


@pytest.fixture
def folder(saved: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(saved / "tokenizer", tmp_path / "tokenizer"))


def write(path: Path, **changes: Any) -> None:
    content = json.loads(path.read_text("utf-8")) if path.exists() else {}
    path.write_text(json.dumps({**content, **changes}), "utf-8")


def model(folder: Path, **changes: Any) -> None:
    content = json.loads((folder / WHOLE).read_text("utf-8"))
    write(folder / WHOLE, model={**content["model"], **changes})


def apart(folder: Path) -> None:
    """Vocabulary and merges in files of their own."""
    content = json.loads((folder / WHOLE).read_text("utf-8"))
    added = {word["content"]: word["id"] for word in content["added_tokens"]}
    pairs = [pair if isinstance(pair, str) else " ".join(pair) for pair in content["model"]["merges"]]
    (folder / "vocab.json").write_text(json.dumps({**content["model"]["vocab"], **added}), "utf-8")
    (folder / "merges.txt").write_text("\n".join(pairs), "utf-8")
    (folder / WHOLE).unlink()


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: None,
        lambda folder: write(folder / CONFIG, do_lower_case=False),
        lambda folder: write(folder / CONFIG, add_prefix_space=True),
        lambda folder: write(folder / CONFIG, pad_token="!"),
        lambda folder: write(folder / CONFIG, eos_token="!"),
        lambda folder: write(folder / CONFIG, unk_token="!"),
        lambda folder: write(folder / CONFIG, extra_special_tokens={"x": "<cat>"}),
        lambda folder: write(folder / CONFIG, additional_special_tokens=["<cat>"]),
        lambda folder: write(folder / "special_tokens_map.json", pad_token={"content": "!"}),
        lambda folder: write(folder / "added_tokens.json", **{"<cat>": 714}),
        lambda folder: write(folder / WHOLE, post_processor=None),
        lambda folder: write(
            folder / WHOLE,
            padding={
                "strategy": {"Fixed": 77},
                "direction": "Right",
                "pad_to_multiple_of": None,
                "pad_id": 1,
                "pad_type_id": 0,
                "pad_token": "!",
            },
        ),
        apart,
    ],
)
def test_prompts_are_read_as_transformers_reads_them(folder: Path, change: Callable[[Path], None]) -> None:
    change(folder)
    plan = read_tokenizer(folder, source="here")
    drawing = CLIPTokenizer.from_pretrained(folder, local_files_only=True)
    for text in TEXTS:
        ids = drawing(text, padding="max_length", max_length=plan.length, truncation=True).input_ids
        seen = list(plan.seen(text))
        assert ids[1 : len(seen) + 2] == [*seen, drawing.eos_token_id], text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda folder: write(folder / WHOLE, normalizer=None), "tokenizer.json reads 'A CAT"),
        (lambda folder: write(folder / WHOLE, pre_tokenizer={"type": "Whitespace"}), "CLIP's tokenizer of its vocab"),
        (lambda folder: model(folder, dropout=0.9), "tokenizer.json reads 'a photo"),
        (lambda folder: model(folder, end_of_word_suffix=""), "tokenizer.json reads 'a photo"),
        (lambda folder: model(folder, ignore_merges=True), "tokenizer.json reads 'a photo"),
        (lambda folder: model(folder, type="WordLevel", unk_token="!"), "tokenizer.json "),
        (
            lambda folder: write(
                folder / WHOLE,
                truncation={"direction": "Left", "max_length": 5, "strategy": "LongestFirst", "stride": 0},
            ),
            "the direction 'Left' for truncation",
        ),
    ],
)
def test_a_file_that_transformers_does_not_follow_is_refused(
    folder: Path, change: Callable[[Path], None], words: str
) -> None:
    change(folder)
    with pytest.raises(ModelError) as caught:
        read_tokenizer(folder, source="here")
    assert words in caught.value.what
