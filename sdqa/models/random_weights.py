"""A published architecture with seeded random weights: for sizing, for conversion at full size, and for tests."""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import json
import tempfile
from functools import cache, partial
from pathlib import Path
from typing import Any

from sdqa.errors import ModelError
from sdqa.families import FAMILIES, tokenizer_parts
from sdqa.models.architectures import ARCHITECTURES, Architecture
from sdqa.models.clip_tokens import END_OF_TEXT, END_OF_WORD, clip_tokenizer
from sdqa.models.configuration import read_facts
from sdqa.models.opening import Opening
from sdqa.models.teacher import Teacher
from sdqa.models.tokens import PromptTokenizer

SEED = 20240229
TOKENS = 77
RECIPE = 1
"""Counts up when the same seed would give other weights, so that digests never lie."""


def load_random(name: str, *, source: str) -> Teacher:
    """A teacher whose weights are drawn when they are first used.

    Raises:
        ModelError: no such architecture.
    """
    if name not in ARCHITECTURES:
        raise ModelError(
            f"there is no architecture {name!r}", where=source, hint="architectures: " + ", ".join(ARCHITECTURES)
        )
    architecture = ARCHITECTURES[name]
    configurations = architecture.configurations()
    identity = json.dumps([RECIPE, SEED, architecture.merges, configurations], sort_keys=True)
    family = FAMILIES[architecture.family]
    return Teacher(
        source=source,
        family=family,
        digest=hashlib.sha256(identity.encode()).hexdigest(),
        folder=None,
        facts=read_facts(family, configurations, source=source),
        parameters=_Counts(architecture),
        loader=partial(_load_part, architecture),
    )


def look_at_random(name: str, *, source: str) -> Opening:
    """What an architecture's pipeline is; errors as in `load_random`."""
    teacher = load_random(name, source=source)
    architecture = ARCHITECTURES[name]
    return Opening(
        source,
        teacher.family,
        facts=teacher.facts,
        scheduler={**architecture.configurations()["scheduler"], "skip_prk_steps": True},
        scheduler_class="PNDMScheduler",
        tokenizer=lambda: _prompt_tokenizer(architecture.merges),
    )


class _Counts(dict[str, int]):
    """Parameters of each component, counted on the meta device when somebody asks."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self._architecture = architecture

    def __missing__(self, component: str) -> int:
        import torch

        described = FAMILIES[self._architecture.family].component(component)
        with torch.device("meta"):
            modules = described.modules({described.part: _build(self._architecture, described.part)})
        present = [module for module in modules.values() if module is not None]
        self[component] = sum(parameter.numel() for module in present for parameter in module.parameters())
        return self[component]


def _load_part(architecture: Architecture, part: str) -> Any:
    from sdqa import compat

    compat.prepare_hub()
    import torch

    if part == "scheduler":
        from diffusers import PNDMScheduler

        options = architecture.configurations()["scheduler"]
        options.pop("clip_sample")  # a setting of DDIM's, which pipelines read from the configuration
        scheduler = PNDMScheduler(**options, skip_prk_steps=True)
        scheduler.register_to_config(clip_sample=False)
        return scheduler
    if part in tokenizer_parts():
        return _clip_tokenizer(architecture.merges)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED + sum(part.encode()))
        module = _build(architecture, part)
        _perturb(module)
    return module.eval().requires_grad_(False)


def _build(architecture: Architecture, name: str) -> Any:
    from sdqa import compat

    compat.prepare_hub()
    import diffusers
    import transformers

    part = FAMILIES[architecture.family].part(name)
    kind = getattr({"transformers": transformers, "diffusers": diffusers}[part.library], part.classes[0])
    configuration = architecture.configurations()[name]
    if part.library == "transformers":
        return kind(transformers.CLIPTextConfig(**configuration))
    return kind(**configuration)


def _perturb(module: Any) -> None:
    """Give norms and biases values: converters fold away a scale of 1 and a bias of 0, and hide operations by it."""
    import torch

    with torch.no_grad():
        for name, parameter in module.named_parameters():
            if parameter.ndim == 1:
                parameter.add_(torch.randn_like(parameter) * (0.1 if name.endswith("weight") else 0.02))


@cache
def _clip_tokenizer(merges: int) -> Any:
    """CLIP's tokenizer, or its first `merges` merges, as transformers makes it."""
    from transformers import CLIPTokenizer

    ids, pairs = _clip_vocabulary(merges)
    with tempfile.TemporaryDirectory() as folder:
        vocabulary, table = Path(folder, "vocab.json"), Path(folder, "merges.txt")
        vocabulary.write_text(json.dumps(ids), "utf-8")
        table.write_text("#version: 0.2\n" + "\n".join(" ".join(pair) for pair in pairs) + "\n", "utf-8")
        return CLIPTokenizer.from_pretrained(folder, model_max_length=TOKENS, pad_token=END_OF_TEXT)


@cache
def _prompt_tokenizer(merges: int) -> PromptTokenizer:
    """The same without transformers."""
    return PromptTokenizer(clip_tokenizer(*_clip_vocabulary(merges), where="the vocabulary of open_clip"), TOKENS)


@cache
def _clip_vocabulary(merges: int) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Token ids and merges, from the vocabulary that open_clip's wheel carries."""
    package = importlib.util.find_spec("open_clip")
    if package is None or package.origin is None:
        raise ModelError("open_clip is not installed", hint="it carries CLIP's byte-pair vocabulary")
    with gzip.open(Path(package.origin).parent / "bpe_simple_vocab_16e6.txt.gz", "rt", encoding="utf-8") as file:
        split = [line.split() for line in file.read().split("\n")[1 : merges + 1]]
    pairs = [(first, second) for first, second in split]
    letters = _byte_letters()
    tokens = [*letters, *(letter + END_OF_WORD for letter in letters), *("".join(pair) for pair in pairs)]
    tokens += ["<|startoftext|>", END_OF_TEXT]
    return {token: index for index, token in enumerate(tokens)}, pairs


def _byte_letters() -> list[str]:
    """A printable letter for each byte, in the order of CLIP's vocabulary."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in printable]
    return [chr(byte) for byte in printable] + [chr(256 + index) for index in range(len(others))]
