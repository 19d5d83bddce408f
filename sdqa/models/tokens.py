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
from sdqa.models.json_file import read_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    import tokenizers

ADDED = 2
"""Start and end of text, which every prompt is given."""
END_OF_WORD = "</w>"
WORDS = r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
END_OF_TEXT = "<|endoftext|>"
MAX_MERGES_BYTES = 16 * 2**20
CLASSES = ("CLIPTokenizer", "CLIPTokenizerFast", "PreTrainedTokenizerFast", "TokenizersBackend")
"""Of whom a configuration may be: CLIP's, and transformers' own for any `tokenizer.json`."""
MARKERS = ("bos_token", "eos_token", "pad_token")
"""Settings that name the words which a prompt begins, ends and is filled up with."""
SPECIAL_TOKENS = "special_tokens_map.json"
SIDES = ("truncation_side", "padding_side")
"""Settings that move what is cut off, or filled up, from a prompt's end to its beginning."""
CLIP_MARKERS: Mapping[str, str] = dict(zip(MARKERS, ("<|startoftext|>", END_OF_TEXT, END_OF_TEXT), strict=True))
"""Those of CLIP's tokenizer where a configuration is silent."""
FEW = 8
"""Words that somebody may have put into a vocabulary by hand, without a merge."""
HINT = "save the pipeline again with its tokenizer, or copy the tokenizer of the model that it was trained from"


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
        model = read_json(whole, source).get("model")
        model = model if isinstance(model, dict) else {}
        _require_merges(model.get("vocab"), model.get("merges"), where)
        try:
            inner = tokenizers.Tokenizer.from_file(str(whole))
        except Exception as error:  # the library raises bare Exception
            raise ModelError(f"tokenizer.json cannot be used: {error}", where=where, hint=HINT) from error
        inner.no_truncation()
        inner.no_padding()
        return PromptTokenizer(inner, length, _add_words(inner, folder, settings, source), _mapped(folder, source))
    vocabulary, merges = folder / "vocab.json", folder / "merges.txt"
    missing = [path.name for path in (vocabulary, merges) if not path.is_file()]
    if missing:
        what = f"{folder.name} has no tokenizer.json, and no {' and no '.join(missing)}"
        raise ModelError(what, where=source, hint=HINT)
    words, pairs = read_json(vocabulary, source), read_pairs(merges, where)
    inner = clip_tokenizer(words, pairs, where=where)
    _require_merges(words, pairs, where)
    return PromptTokenizer(inner, length, _add_words(inner, folder, settings, source), _mapped(folder, source))


def _mapped(folder: Path, source: str) -> dict[str, str]:
    path = folder / SPECIAL_TOKENS
    settings = read_json(path, source) if path.is_file() else {}
    return {key: _marker(key, settings[key], path, source) for key in MARKERS if key in settings}


def _add_words(
    inner: tokenizers.Tokenizer, folder: Path, settings: Mapping[str, Any], source: str
) -> Mapping[str, str]:
    """Words that were added to the vocabulary, where its own file does not have them: each gets the next number.

    What a prompt begins, ends and is filled up with is added like any other.

    Returns:
        The words of `MARKERS`.
    """
    from tokenizers import AddedToken

    path, listed = folder / "added_tokens.json", settings.get("added_tokens_decoder")
    numbered = read_json(path, source) if path.is_file() else {}
    entries = list(listed.values()) if isinstance(listed, dict) else []
    words = [*numbered, *(str(one.get("content")) for one in entries if isinstance(one, dict))]
    place = folder / "tokenizer_config.json"
    markers = {key: _marker(key, settings[key], place, source) for key in MARKERS if key in settings}
    words += markers.values()
    missing = [word for word in dict.fromkeys(words) if inner.token_to_id(word) is None]
    inner.add_tokens([AddedToken(word, normalized=False) for word in missing])
    return {**CLIP_MARKERS, **markers}


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


def clip_tokenizer(
    vocabulary: Mapping[str, Any], merges: Sequence[tuple[str, str]], *, where: str
) -> tokenizers.Tokenizer:
    """CLIP's tokenizer of a vocabulary.

    Raises:
        ModelError: a merge makes a token that the vocabulary does not have.
    """
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

    try:
        odd = [token for token, number in vocabulary.items() if type(number) is not int or number < 0]
        if odd:
            raise ValueError(f"{odd[0]!r} has the number {vocabulary[odd[0]]!r}")
        ids = {str(token): int(number) for token, number in vocabulary.items()}
        model = models.BPE(
            vocab=ids,
            merges=list(merges),
            continuing_subword_prefix="",
            end_of_word_suffix=END_OF_WORD,
            fuse_unk=False,
            unk_token=END_OF_TEXT,
        )
    except Exception as error:  # the library raises bare Exception
        raise ModelError(f"vocabulary and merges do not fit together: {error}", where=where, hint=HINT) from error
    made = Tokenizer(model)
    made.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
    )
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(WORDS), behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    return made
