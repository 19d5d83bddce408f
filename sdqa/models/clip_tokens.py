"""CLIP's tokenizer of a vocabulary and its merges, and whether a `tokenizer.json` is one.

transformers makes a CLIP tokenizer of vocabulary and merges alone: what else a `tokenizer.json` says of how a text is
normalised and split, it does not follow; other readers do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sdqa.errors import ModelError

if TYPE_CHECKING:
    import tokenizers

END_OF_WORD = "</w>"
WORDS = r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
END_OF_TEXT = "<|endoftext|>"
HINT = "save the pipeline again with its tokenizer, or copy the tokenizer of the model that it was trained from"
PROBES = (
    "a photo of a cat",
    "A CAT  in\n the Hat",
    "it's 1234, don't they'll?! #%()",
    "cafe\u0301 \ufb01 \u2460 na\u00efve STRASSE \u0130",
    "\u732b \u0642\u0637\u0629 \U0001f469\u200d\U0001f467",
    "a\tb\u00a0c\u2028d\x07",
)
"""Texts in which readers differ: capitals, spaces, punctuation, letters that can be composed, other scripts."""


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


def demand_clips(read: tokenizers.Tokenizer, content: Mapping[str, Any], *, where: str) -> None:
    """Refuse a `tokenizer.json` that reads texts in another way than CLIP's tokenizer of its vocabulary and merges.

    Args:
        read: the file, as tokenizers reads it.
        content: the same as JSON.

    Raises:
        ModelError: with a text that the two read differently, or what it moves to the beginning of a prompt.
    """
    for key in ("truncation", "padding"):
        side = (content.get(key) or {}).get("direction", "Right") if isinstance(content.get(key), dict) else "Right"
        if side != "Right":
            what = f"tokenizer.json has the direction {side!r} for {key}; allowed: 'Right'"
            raise ModelError(what, where=where, hint="applications cut and fill up a prompt at its end")
    model = content["model"]
    pairs = [tuple(pair.split(" ", 1)) if isinstance(pair, str) else tuple(pair) for pair in model.get("merges", [])]
    clip = clip_tokenizer(model["vocab"], [pair for pair in pairs if len(pair) == 2], where=where)
    added = [word["content"] for word in content.get("added_tokens") or []]
    for text in (probe for probe in PROBES if not any(word in probe for word in added)):
        ours, theirs = (list(one.encode(text, add_special_tokens=False).ids) for one in (clip, read))
        if ours != theirs:
            raise ModelError(
                f"tokenizer.json reads {text!r} as {theirs}, CLIP's tokenizer of its vocabulary and merges as {ours}",
                where=where,
                hint="the second is drawn with: save the pipeline again with its tokenizer",
            )
