"""The judge: attributes from pixels, trained on drawings alone."""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Generator, Tensor

from sdqa.embedded.attributes import FILE, AttributeNet, agreement, labels
from training.config import Judge
from training.data import Drawings
from training.loop import TrainingStage, normal

NOISE = 0.06
"""Pictures are noised by up to this much, so that the judge forgives what no person would see."""


class JudgeStage(TrainingStage):
    name = "attributes"

    def __init__(self, config: Judge, drawings: Drawings, net: AttributeNet) -> None:
        self.schedule, self.drawings, self.net = config.schedule, drawings, net
        self.modules = {"judge": net}
        self.labels = {name: found.to(drawings.pixels.device) for name, found in labels(drawings.attributes).items()}

    def loss(self, random: Generator) -> tuple[Tensor, dict[str, Tensor]]:
        count = self.schedule.batch
        indices = torch.randint(0, self.drawings.training, (count,), generator=random)
        images = self.drawings.images(indices)
        strength = NOISE * torch.rand(count, 1, 1, 1, generator=random)
        logits = self.net(images + normal(images.shape, random, images.device) * strength.to(images.device))
        # Dividing by the batch, not by the labelled images, keeps a batch without portraits finite.
        losses = [
            F.cross_entropy(found.float(), self.labels[name][indices], reduction="sum") / count
            for name, found in logits.items()
        ]
        return torch.stack(losses).sum(), {}

    def measure(self) -> dict[str, float]:
        indices = self.drawings.held_out(1000)
        read = [found for part in torch.split(indices, 250) for found in self.net.read(self.drawings.images(part))]
        return agreement(read, [self.drawings.attributes[i] for i in indices.tolist()])

    def export(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        weights = {name: tensor.detach().cpu().contiguous() for name, tensor in self.net.state_dict().items()}
        save_file(weights, folder / FILE, metadata={"format": "pt"})
