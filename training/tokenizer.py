"""A CLIP tokenizer of the captions' own words: byte-pair encoding, learned, in CLIPTokenizer's format."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sdqa import compat
from training.config import Tokenizer

START, END = "<|startoftext|>", "<|endoftext|>"


def learn(captions: Iterable[str], config: Tokenizer) -> Any:
    """A CLIPTokenizer whose end-of-text token has the highest id, as CLIP's pooling expects."""
    compat.prepare_hub()
    from tokenizers import Tokenizer as Learner
    from tokenizers import models, pre_tokenizers, trainers
    from transformers import CLIPTokenizer

    template = CLIPTokenizer()
    learner = Learner(models.BPE(end_of_word_suffix="</w>", continuing_subword_prefix=""))
    learner.normalizer, learner.pre_tokenizer = template._tokenizer.normalizer, template._tokenizer.pre_tokenizer
    trainer = trainers.BpeTrainer(
        vocab_size=config.merges,
        special_tokens=[],
        end_of_word_suffix="</w>",
        initial_alphabet=[],
        show_progress=False,
        min_frequency=2,
    )
    learner.train_from_iterator(islice(captions, config.captions), trainer)
    merges = [tuple(pair) for pair in json.loads(learner.to_str())["model"]["merges"]]
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = [*letters, *(letter + "</w>" for letter in letters), *("".join(pair) for pair in merges), START, END]
    vocabulary = {word: i for i, word in enumerate(dict.fromkeys(words))}
    return CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=config.length)


def load(folder: Path) -> Any:
    compat.prepare_hub()
    from transformers import CLIPTokenizer

    return CLIPTokenizer.from_pretrained(folder)


def encode(tokenizer: Any, captions: Sequence[str], length: int) -> Tensor:
    """Token ids, int64, N×length, padded with the end-of-text token."""
    ids = tokenizer(list(captions), padding="max_length", max_length=length, truncation=True).input_ids
    return torch.tensor(ids, dtype=torch.int64)
