"""A checkpoint's tokenizer without transformers: how many tokens a prompt has, and what of it is cut.

It is CLIP's: the vocabulary and merges of `tokenizer.json`, or of `vocab.json` and `merges.txt`; lower case, split into
words, letters to byte pairs, an end-of-word mark. A test compares its ids with those of transformers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdqa.errors import ModelError
from sdqa.models.clip_tokens import END_OF_TEXT, END_OF_WORD, HINT, clip_tokenizer, demand_clips
from sdqa.models.json_file import read_json

if TYPE_CHECKING:
    import tokenizers

ADDED = 2
"""Start and end of text, which every prompt is given."""
MAX_MERGES_BYTES = 16 * 2**20
CLASSES = ("CLIPTokenizer", "CLIPTokenizerFast", "PreTrainedTokenizerFast", "TokenizersBackend")
"""Of whom a configuration may be: CLIP's, and transformers' own for any `tokenizer.json`."""
MARKERS = ("bos_token", "eos_token", "pad_token")
"""Settings that name the words which a prompt begins, ends and is filled up with."""
SPECIAL = ("unk_token", "additional_special_tokens", "extra_special_tokens")
"""Settings that name further words which are found in a text as a whole."""
SPECIAL_TOKENS = "special_tokens_map.json"
SIDES = ("truncation_side", "padding_side")
"""Settings that move what is cut off, or filled up, from a prompt's end to its beginning."""
CLIP_MARKERS: Mapping[str, str] = dict(zip(MARKERS, ("<|startoftext|>", END_OF_TEXT, END_OF_TEXT), strict=True))
"""Those of CLIP's tokenizer where a configuration is silent."""
SHOWN = 3
FEW = 8
"""Words that somebody may have put into a vocabulary by hand, without a merge."""


@dataclass(frozen=True)
class PromptCut:
    """What a text encoder will not see of a prompt."""

    after: int
    """Tokens that it sees."""
    text: str
    """The rest, as it was written."""


@dataclass(frozen=True)
class PromptTokenizer:
    """One of a pipeline's tokenizers."""

    inner: tokenizers.Tokenizer
    length: int
    """Tokens of a whole prompt, start, end and padding included."""
    markers: Mapping[str, str] = field(default_factory=lambda: CLIP_MARKERS)
    """The words of `MARKERS`."""
    mapped: Mapping[str, str] = field(default_factory=dict)
    """What its `special_tokens_map.json` has for them instead: which of the two counts is a library's affair."""

    @property
    def highest(self) -> int:
        """The highest id that it can give."""
        return max(self.inner.get_vocab(with_added_tokens=True).values(), default=0)

    def ids(self, prompt: str) -> list[int]:
        """The prompt's tokens, without start, end and padding."""
        return list(self.inner.encode(prompt, add_special_tokens=False).ids)

    def seen(self, prompt: str) -> tuple[int, ...]:
        """Those of its tokens that the text encoder sees."""
        return tuple(self.ids(prompt)[: self.length - ADDED])

    def cut(self, prompt: str) -> PromptCut | None:
        """What is cut from a prompt; None where it fits."""
        encoded = self.inner.encode(prompt, add_special_tokens=False)
        kept = self.length - ADDED
        if len(encoded.ids) <= kept:
            return None
        return PromptCut(kept, prompt[encoded.offsets[kept][0] :])


def read_tokenizer(folder: Path, *, source: str) -> PromptTokenizer:
    """The tokenizer of a part's folder.

    Raises:
        ModelError: a file is missing or garbled, there are no or too few merges, or no length is stated.
    """
    import tokenizers

    where = f"{source}, {folder.name}"
    settings = read_json(folder / "tokenizer_config.json", source)
    made = settings.get("tokenizer_class")
    if made is not None and made not in CLASSES:
        what = f"{folder.name}/tokenizer_config.json is of {made!r}; what is loaded is {CLASSES[0]}"
        raise ModelError(what, where=source, hint=HINT)
    length = settings.get("model_max_length")
    if not isinstance(length, int) or isinstance(length, bool) or not ADDED < length < 2**16:
        raise ModelError(
            f"{folder.name}/tokenizer_config.json states {'no' if length is None else f'{length!r} as'} "
            "model_max_length: no prompt could be padded to its length",
            where=source,
            hint="CLIP's is 77",
        )
    for key in SIDES:
        if settings.get(key, "right") != "right":
            what = f"{folder.name}/tokenizer_config.json: {key} is {settings[key]!r}; allowed: 'right'"
            raise ModelError(what, where=source, hint="applications cut and fill up a prompt at its end")
    whole = folder / "tokenizer.json"
    if whole.is_file():
        content = read_json(whole, source)
        model = content.get("model")
        model = model if isinstance(model, dict) else {}
        _require_merges(model.get("vocab"), model.get("merges"), where)
        try:
            inner = tokenizers.Tokenizer.from_file(str(whole))
        except Exception as error:  # the library raises bare Exception
            raise ModelError(f"tokenizer.json cannot be used: {error}", where=where, hint=HINT) from error
        inner.no_truncation()
        inner.no_padding()
        demand_clips(inner, content, where=where)
        _demand_alike(folder, inner, model.get("vocab"), model.get("merges"), source)
        return _with_words(inner, length, folder, settings, source)
    vocabulary, merges = folder / "vocab.json", folder / "merges.txt"
    missing = [path.name for path in (vocabulary, merges) if not path.is_file()]
    if missing:
        what = f"{folder.name} has no tokenizer.json, and no {' and no '.join(missing)}"
        raise ModelError(what, where=source, hint=HINT)
    words, pairs = read_json(vocabulary, source), read_pairs(merges, where)
    inner = clip_tokenizer(words, pairs, where=where)
    _require_merges(words, pairs, where)
    return _with_words(inner, length, folder, settings, source)


def _demand_alike(folder: Path, inner: tokenizers.Tokenizer, vocabulary: Any, merges: Any, source: str) -> None:
    """One tokenizer, however it is written: some libraries read `tokenizer.json`, others the two older files.

    Raises:
        ModelError: with the words, or the first merge, that differ.
    """
    what = ""
    if (folder / "vocab.json").is_file():
        older, known = read_json(folder / "vocab.json", source), inner.get_vocab(with_added_tokens=True)
        odd = [word for word, number in older.items() if known.get(word) != number]
        odd += [word for word in vocabulary if word not in older]
        shown = ", ".join(f"{word!r} is {older.get(word)} and {known.get(word)}" for word in odd[:SHOWN])
        what = f"vocab.json and tokenizer.json: {len(odd)} words differ: {shown}" if odd else ""
    if (folder / "merges.txt").is_file() and not what:
        pairs = read_pairs(folder / "merges.txt", f"{source}, {folder.name}")
        newer = [tuple(pair.split(" ") if isinstance(pair, str) else pair) for pair in merges or ()]
        if pairs != newer:
            place = next((at for at, (one, two) in enumerate(zip(pairs, newer, strict=False)) if one != two), None)
            first = "one has more" if place is None else f"the first that differs is number {place + 1}"
            what = f"merges.txt and tokenizer.json: {len(pairs)} and {len(newer)} merges, {first}"
    if what:
        hint = "they are of different tokenizers: leave the one that the text encoder was trained with"
        raise ModelError(f"{folder.name} contradicts itself, {what}", where=source, hint=hint)


def _mapped(folder: Path, source: str) -> dict[str, str]:
    path = folder / SPECIAL_TOKENS
    settings = read_json(path, source) if path.is_file() else {}
    return {key: _marker(key, settings[key], path, source) for key in MARKERS if key in settings}


def _with_words(
    inner: tokenizers.Tokenizer, length: int, folder: Path, settings: Mapping[str, Any], source: str
) -> PromptTokenizer:
    """A tokenizer with the words that were added to its vocabulary: each that it does not have gets the next number.

    What a prompt begins, ends and is filled up with is found in a text as a whole, and so is any other special word.
    """
    from tokenizers import AddedToken

    path, listed = folder / "added_tokens.json", settings.get("added_tokens_decoder")
    numbered = read_json(path, source) if path.is_file() else {}
    entries = list(listed.values()) if isinstance(listed, dict) else []
    words = [*numbered, *(str(one.get("content")) for one in entries if isinstance(one, dict))]
    place = folder / "tokenizer_config.json"
    markers = {key: _marker(key, settings[key], place, source) for key in MARKERS if key in settings}
    missing = [word for word in dict.fromkeys([*words, *markers.values()]) if inner.token_to_id(word) is None]
    inner.add_tokens([AddedToken(word, normalized=False) for word in missing])
    mapped = _mapped(folder, source)
    further = [word for key in SPECIAL for word in _words(settings.get(key))]
    special = dict.fromkeys([*CLIP_MARKERS.values(), *markers.values(), *mapped.values(), *further])
    known = [word for word in special if word in further or inner.token_to_id(word) is not None]
    inner.add_special_tokens([AddedToken(word, normalized=False, special=True) for word in known])
    return PromptTokenizer(inner, length, {**CLIP_MARKERS, **markers}, mapped)


def _words(value: object) -> list[str]:
    """The words of a setting: a word, an object around one, or several of these in a list or by name."""
    if isinstance(value, dict):
        return _words(value["content"] if "content" in value else list(value.values()))
    if isinstance(value, list):
        return [one for each in value for one in _words(each)]
    return [value] if isinstance(value, str) and value else []


def _marker(key: str, value: object, path: Path, source: str) -> str:
    """The word of a setting such as `pad_token`, which is a word or an object around one.

    Raises:
        ModelError: it is neither.
    """
    word = value.get("content") if isinstance(value, dict) else value
    if not isinstance(word, str) or not word:
        what = f"{path.parent.name}/{path.name}: {key} is {value!r}; allowed: a word of the vocabulary"
        raise ModelError(what, where=source, hint=HINT)
    return word


def _require_merges(vocabulary: object, merges: object, where: str) -> None:
    """Without merges words are letters, or pieces, that the model knows less of: no error, and another picture.

    Args:
        merges: pairs, or lines of two words.

    Raises:
        ModelError: some are missing.
    """
    if not isinstance(vocabulary, dict):
        raise ModelError("tokenizer.json has no vocabulary", where=where, hint=HINT)
    words = [word for word in vocabulary if len(str(word).removesuffix(END_OF_WORD)) > 1 and "<|" not in word]
    if words and not merges:
        raise ModelError("tokenizer.json has no merges: words would fall into letters", where=where, hint=HINT)
    pairs = merges if isinstance(merges, list) else []
    made = {pair.replace(" ", "") if isinstance(pair, str) else "".join(map(str, pair)) for pair in pairs}
    lost = [word for word in words if word not in made]
    if len(lost) > FEW:
        what = f"{len(lost)} of {len(words)} words of the vocabulary are made by no merge: {', '.join(lost[:FEW])} …"
        raise ModelError(what, where=where, hint=HINT)


def read_pairs(path: Path, where: str) -> list[tuple[str, str]]:
    """The merges of a `merges.txt`, in order.

    Raises:
        ModelError: it is none.
    """
    try:
        if path.stat().st_size > MAX_MERGES_BYTES:
            raise ModelError(f"{path.name} is too big", where=where)
        lines = path.read_text("utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise ModelError(f"{path.name} cannot be read: {error}", where=where, hint=HINT) from error
    split = [line.split() for line in lines if line.strip() and not line.startswith("#version")]
    pairs = [(pair[0], pair[1]) for pair in split if len(pair) == 2]
    if not pairs or len(pairs) < len(split):
        raise ModelError(f"{path.name} is not a list of merges, one pair a line", where=where, hint=HINT)
    return pairs
