"""open_clip, trained by contrast: of the captions in a batch, which belongs to this picture?"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Generator, Tensor, nn

from sdqa import compat
from training import tokenizer as words
from training.config import Clip
from training.data import Drawings
from training.loop import TrainingStage, normal

MAX_SCALE = math.log(60)
SHIFT = 2
"""Pixels that a picture is moved by at most, so that positions are not learned by heart."""
NOISE = 0.03


class ClipStage(TrainingStage):
    name = "clip"

    def __init__(self, config: Clip, drawings: Drawings, tokenizer: Any, start: Path | None = None) -> None:
        compat.prepare_hub()
        import open_clip

        self.schedule, self.drawings, self.tokenizer = config.schedule, drawings, tokenizer
        self.facts = facts(config, len(tokenizer), drawings.pixels.shape[-1])
        model_facts = json.loads(json.dumps(self.facts["model_cfg"]))
        model_facts["text_cfg"].pop("hf_tokenizer_name")
        self.model = open_clip.CLIP(**model_facts)
        if start is not None:
            open_clip.load_checkpoint(self.model, str(start / "open_clip_model.safetensors"))
        self.modules = {"clip": self.model}
        flat = [text for wordings in drawings.captions for text in wordings]
        encoded = words.encode(tokenizer, flat, config.length)
        self.tokens = encoded.view(len(drawings.captions), -1, config.length).to(drawings.pixels.device)

    def loss(self, random: Generator) -> tuple[Tensor, dict[str, Tensor]]:
        count = self.schedule.batch
        indices = torch.randint(0, self.drawings.training, (count,), generator=random)
        wording = torch.randint(0, self.tokens.shape[1], (count,), generator=random)
        moved = torch.randint(-SHIFT, SHIFT + 1, (2,), generator=random).tolist()
        images = torch.roll(self.drawings.images(indices), moved, (2, 3))
        strength = NOISE * torch.rand(count, 1, 1, 1, generator=random)
        images = images + normal(images.shape, random, images.device) * strength.to(images.device)
        seen = F.normalize(self.model.encode_image(images), dim=-1)
        read = F.normalize(self.model.encode_text(self.tokens[indices, wording]), dim=-1)
        logits = self.model.logit_scale.clamp(0, MAX_SCALE).exp() * seen @ read.T
        target = torch.arange(count, device=logits.device)
        loss = (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2
        return loss, {"accuracy": (logits.argmax(1) == target).float().mean()}

    def hot(self) -> Sequence[nn.Module]:
        return [self.model.visual, self.model.transformer]

    @torch.no_grad()
    def measure(self) -> dict[str, float]:
        """Held-out retrieval of the right caption among 64; terse captions may fit other pictures as well."""
        indices = self.drawings.held_out(15 * 64)
        return {
            "complete_caption_of_64": self._retrieved(indices, wording=-1),
            "terse_caption_of_64": self._retrieved(indices, wording=0),
        }

    def _retrieved(self, indices: Tensor, wording: int) -> float:
        """The share of pictures whose best caption of 64 is their own, or one with the same words."""
        hits: list[Tensor] = []
        for group in torch.split(indices, 64):
            seen = F.normalize(self.model.encode_image(self.drawings.images(group)), dim=-1)
            tokens = self.tokens[group, wording]
            best = (seen @ F.normalize(self.model.encode_text(tokens), dim=-1).T).argmax(1)
            hits.append((tokens[best] == tokens).all(1).float())
        return torch.cat(hits).mean().item()

    def export(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        # Calling a tokenizer leaves its last padding and truncation behind, which are no part of it.
        self.tokenizer.backend_tokenizer.no_padding()
        self.tokenizer.backend_tokenizer.no_truncation()
        self.tokenizer.save_pretrained(folder)
        (folder / "open_clip_config.json").write_text(json.dumps(self.facts, indent=1), encoding="utf-8")
        with torch.no_grad():
            self.model.logit_scale.clamp_(0, MAX_SCALE)
        weights = {name: tensor.detach().cpu().contiguous() for name, tensor in self.model.state_dict().items()}
        save_file(weights, folder / "open_clip_model.safetensors", metadata={"format": "pt"})


def facts(config: Clip, vocabulary: int, size: int) -> dict[str, Any]:
    """The content of `open_clip_config.json`."""
    return {
        "model_cfg": {
            "embed_dim": config.embedding,
            "vision_cfg": {
                "image_size": size,
                "layers": config.layers,
                "width": config.width,
                "head_width": config.head_width,
                "patch_size": config.patch,
            },
            "text_cfg": {
                "context_length": config.length,
                "vocab_size": vocabulary,
                "width": config.text_width,
                "heads": config.text_heads,
                "layers": config.text_layers,
                # Only says that a Hugging Face tokenizer is used: with local-dir: the folder itself is read.
                "hf_tokenizer_name": "local",
            },
        },
        "preprocess_cfg": {
            "mean": [0.5] * 3,
            "std": [0.5] * 3,
            "interpolation": "bicubic",
            "resize_mode": "squash",
        },
    }
