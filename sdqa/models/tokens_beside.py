"""Tokenizer files beside packages: an application reads its prompts with them, sdqa with the reference's tokenizer."""

from __future__ import annotations

import json
from pathlib import Path

import tokenizers

from sdqa.errors import ModelError, PackagesError
from sdqa.models.json_file import read_json
from sdqa.models.tokens import MARKERS, SPECIAL_TOKENS, PromptTokenizer, clip_tokenizer, read_pairs

VOCABULARY, MERGES, WHOLE = "vocab.json", "merges.txt", "tokenizer.json"
SETTINGS = ("tokenizer_config.json", SPECIAL_TOKENS, "added_tokens.json")
LENGTH = "model_max_length"
SHOWN = 3
HINT = "put the tokenizer there that belongs to the reference, or name the reference that belongs to it"


PLACES = ("", "tokenizer/")
"""Where they lie: Apple's layout has them beside the packages, diffusers' in a folder."""


def tokenizer_files(folder: Path) -> list[str]:
    """The files of a folder of packages that a tokenizer may be read from, by their paths from there."""
    return [f"{place}{name}" for place in PLACES for name in _there(folder / place)]


def _there(place: Path) -> list[str]:
    return [name for name in (VOCABULARY, MERGES, WHOLE, *SETTINGS) if (place / name).exists()]


def compare_tokenizer(folder: Path, reference: PromptTokenizer, *, source: str) -> tuple[str, ...]:
    """Hold the tokenizer files of a packages' folder against the tokenizer that draws.

    Returns:
        What is to be said of them, as sentences.

    Raises:
        PackagesError: they read prompts in another way, are garbled, or one of two is missing.
    """
    try:
        for place in PLACES:
            _compare(folder / place, reference, source)
    except PackagesError:
        raise
    except ModelError as error:
        raise PackagesError(error.what, where=error.where, hint=error.hint) from error
    there = tokenizer_files(folder)
    return (f"{', '.join(there)}: the same tokenizer as the reference's, which draws",) if there else ()


def _compare(folder: Path, reference: PromptTokenizer, source: str) -> None:
    there = _there(folder)
    if VOCABULARY in there or MERGES in there:
        _demand_both(there, source)
        own = clip_tokenizer(read_json(folder / VOCABULARY, source), read_pairs(folder / MERGES, source), where=source)
        _demand_same(f"{VOCABULARY} and {MERGES}", own, reference, source)
    if WHOLE in there:
        read_json(folder / WHOLE, source)  # of modest size, and JSON
        _demand_same(WHOLE, _read(folder / WHOLE, source), reference, source)
    for name in SETTINGS:
        if name in there:
            _demand_settings(name, read_json(folder / name, source), reference, source)


def _demand_both(there: list[str], source: str) -> None:
    missing = [name for name in (VOCABULARY, MERGES) if name not in there]
    if missing:
        [other] = {VOCABULARY, MERGES} - set(missing)
        what = f"{other} lies beside the packages without {missing[0]}: no application can read prompts"
        raise PackagesError(what, where=source, hint=HINT)


def _read(path: Path, source: str) -> tokenizers.Tokenizer:
    try:
        return tokenizers.Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises bare Exception
        raise PackagesError(f"{path.name} cannot be used: {error}", where=source, hint=HINT) from error


def _demand_same(name: str, own: tokenizers.Tokenizer, reference: PromptTokenizer, source: str) -> None:
    """The same words with the same numbers, and the same merges in the same order."""
    ours, theirs = own.get_vocab(with_added_tokens=True), reference.inner.get_vocab(with_added_tokens=True)
    odd = sorted(word for word in ours.keys() | theirs.keys() if ours.get(word) != theirs.get(word))
    if odd:
        shown = ", ".join(f"{word!r} is {ours.get(word)} and {theirs.get(word)}" for word in odd[:SHOWN])
        more = " …" if len(odd) > SHOWN else ""
        raise PackagesError(
            f"{name} beside the packages is not the reference's tokenizer: {len(odd)} words differ: {shown}{more}",
            where=source,
            hint=HINT,
        )
    if _merges(own) != _merges(reference.inner):
        what = f"{name} beside the packages is not the reference's tokenizer: its merges differ"
        raise PackagesError(what, where=source, hint=HINT)


def _merges(tokenizer: tokenizers.Tokenizer) -> list[tuple[str, ...]]:
    pairs = json.loads(tokenizer.to_str())["model"].get("merges", [])
    return [tuple(pair.split(" ") if isinstance(pair, str) else pair) for pair in pairs]


def _demand_settings(name: str, settings: dict[str, object], reference: PromptTokenizer, source: str) -> None:
    """What a prompt begins, ends and is filled up with, its length, and added words."""
    said = {key: word.get("content") if isinstance(word, dict) else word for key, word in settings.items()}
    wanted: dict[str, object] = {**reference.markers, LENGTH: reference.length}
    if name == SPECIAL_TOKENS:
        wanted |= reference.mapped
    if name == "added_tokens.json":
        wanted = {word: reference.inner.token_to_id(word) for word in said}
    for key in [key for key in (*MARKERS, LENGTH, *said) if key in said and key in wanted]:
        if said[key] != wanted[key]:
            what = f"{name} beside the packages has {key} = {said[key]!r}, the reference's tokenizer {wanted[key]!r}"
            raise PackagesError(what, where=source, hint=HINT)
