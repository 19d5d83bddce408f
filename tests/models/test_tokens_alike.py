"""A tokenizer's folder that holds it in both forms holds the same one twice, or it is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sdqa.errors import ModelError
from sdqa.models.tokens import read_tokenizer


@pytest.fixture
def both(folder: Path) -> Path:
    """A copy of the miniature's tokenizer, in both forms."""
    place = folder / "tokenizer"
    model = json.loads((place / "tokenizer.json").read_text("utf-8"))["model"]
    (place / "vocab.json").write_text(json.dumps(model["vocab"]), "utf-8")
    lines = [pair if isinstance(pair, str) else " ".join(pair) for pair in model["merges"]]
    (place / "merges.txt").write_text("#version: 0.2\n" + "\n".join(lines) + "\n", "utf-8")
    return place


def test_both_forms_of_one_tokenizer_are_read(both: Path) -> None:
    assert read_tokenizer(both, source="folder:x").length == 77


def test_other_numbers_missing_words_and_other_merges_are_refused(both: Path) -> None:
    words, merges = (both / "vocab.json").read_text("utf-8"), (both / "merges.txt").read_text("utf-8")
    swapped = json.loads(words)
    swapped["a</w>"], swapped["b</w>"] = swapped["b</w>"], swapped["a</w>"]
    fewer = {word: number for word, number in json.loads(words).items() if word != "a</w>"}
    for changed, said in ((swapped, "2 words differ"), (fewer, "'a</w>' is None and")):
        (both / "vocab.json").write_text(json.dumps(changed), "utf-8")
        with pytest.raises(ModelError, match="tokenizer contradicts itself") as caught:
            read_tokenizer(both, source="folder:x")
        assert said in caught.value.what
    (both / "vocab.json").write_text(words, "utf-8")
    first, second, *rest = merges.splitlines()[1:]
    for lines, said in (([second, first, *rest], "differs is number 1"), ([first, second, *rest][:-1], "has more")):
        (both / "merges.txt").write_text("\n".join(lines), "utf-8")
        with pytest.raises(ModelError, match="merges") as caught:
            read_tokenizer(both, source="folder:x")
        assert said in caught.value.what
