"""Stages of the variants, which the main U-Net teaches."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from training.unet import EPSILON, UnetStage, scheduler


class VariantStage(UnetStage):
    """A variant that shares the main pipeline's text encoder, and is taught by the main U-Net."""

    def export(self, folder: Path) -> None:
        self.unet.save_pretrained(folder / "unet")
        if self.config.prediction != EPSILON:
            scheduler(self.config.prediction).save_pretrained(folder)


class NoMidStage(VariantStage):
    """Without a mid-block."""

    name = "no-mid"


class VelocityStage(VariantStage):
    """Of v-prediction."""

    name = "v-prediction"


def inherit(unet: Any, teacher: Any) -> None:
    """Start a U-Net from another one's weights wherever names and shapes agree."""
    own, given = unet.state_dict(), teacher.state_dict()
    fitting = {name: tensor for name, tensor in given.items() if name in own and own[name].shape == tensor.shape}
    unet.load_state_dict(fitting, strict=False)
