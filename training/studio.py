"""Where a run works: which stages there are, in what order, and from which folders each starts."""

from __future__ import annotations

import json
import shutil
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from sdqa.embedded.attributes import AttributeNet
from sdqa.embedded.attributes import load as load_judge
from sdqa.errors import UsageError
from training import data, tokenizer, unet, vae, variants
from training.attributes import JudgeStage
from training.clip import ClipStage
from training.config import TrainingRecipe, Unet
from training.data import Drawings
from training.loop import TrainingRun, TrainingStage, log, train
from training.unet import Learnable, UnetStage

STAGES: dict[str, tuple[str, ...]] = {
    "vae": ("vae", "vae-decoder"),
    "vae-decoder": ("vae-decoder",),
    "clip": ("clip",),
    "unet": ("unet",),
    "no-mid": ("no-mid",),
    "v-prediction": ("v-prediction",),
    "attributes": ("attributes",),
    "all": ("vae", "vae-decoder", "unet", "no-mid", "v-prediction", "clip", "attributes"),
}


@dataclass(frozen=True)
class Studio:
    """A recipe at work in a folder.

    A stage reads what earlier stages wrote to `work/stages`; what is not there comes from `start`, a folder laid out as
    the shipped weights are, or else is built untrained.
    """

    recipe: TrainingRecipe
    run: TrainingRun
    start: Path | None = None

    def train(self, name: str) -> bool:
        """Train one stage and write its result; False when it was stopped before its end."""
        if self.done(name):
            return True
        stage = self._build(name)
        if not train(stage, self.run):
            return False
        figures = stage.measure()
        log(self.run.work, name, stage.schedule.steps, 0.0, {f"held_out_{key}": v for key, v in figures.items()})
        partial = self.run.work / "stages" / f"{name}.partial"
        shutil.rmtree(partial, ignore_errors=True)
        stage.export(partial)
        (partial / "figures.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
        partial.rename(self.folder(name))
        return True

    @property
    def stages(self) -> tuple[str, ...]:
        """All that the recipe has, in their order."""
        missing = {"no-mid": self.recipe.no_mid is None, "v-prediction": self.recipe.v_prediction is None}
        return tuple(name for name in STAGES["all"] if not missing.get(name, False))

    def folder(self, name: str) -> Path:
        return self.run.work / "stages" / name

    def done(self, name: str) -> bool:
        return self.folder(name).is_dir()

    @cached_property
    def drawings(self) -> Drawings:
        return data.draw(self.recipe.data, self.run.work / "drawings.npy", self.run.machine.device)

    @cached_property
    def edited(self) -> Drawings:
        """Every training scene once more, edited."""
        return data.draw_edits(self.recipe.data, self.run.work / "edited.npy", self.run.machine.device)

    @cached_property
    def learnable(self) -> Learnable:
        return Learnable.of(self.drawings, self.trained_vae(), self.tokenizer)

    @cached_property
    def learnable_edits(self) -> Learnable:
        return Learnable.of(self.edited, self.trained_vae(), self.tokenizer)

    @cached_property
    def tokenizer(self) -> Any:
        """Learned once a run, or the one of `start`."""
        folder = self.run.work / "stages" / "tokenizer"
        if self.start is not None:
            folder = self.start / "pipeline" / "tokenizer"
        elif not folder.is_dir():
            texts = (text for captions in self.drawings.captions for text in captions)
            learned = tokenizer.learn(texts, self.recipe.tokenizer)
            learned.save_pretrained(folder.with_suffix(".partial"))
            folder.with_suffix(".partial").rename(folder)
        return tokenizer.load(folder)

    def _build(self, name: str) -> TrainingStage:
        """The stage with its untrained weights drawn from the recipe's seed."""
        torch.manual_seed(zlib.crc32(f"{self.recipe.seed} {name}".encode()))
        return STAGE_BUILDERS[name](self)

    def source(self, part: str, *stages: str) -> Path | None:
        """The folder to load a part from: the newest of the stages that are done, else that of `start`."""
        for stage in stages:
            if self.done(stage):
                return self.folder(stage) / part if part in ("unet", "text_encoder") else self.folder(stage)
        return self.start / "pipeline" / part if self.start is not None else None

    def vae(self, *stages: str) -> Any:
        folder = self.source("vae", *stages)
        return vae.build(self.recipe.vae, self.recipe.data.size) if folder is None else vae.load(folder)

    def trained_vae(self) -> Any:
        if self.source("vae", "vae-decoder", "vae") is None:
            raise UsageError("the VAE is not trained yet", hint="run --stage vae first, or give --start")
        return self.vae("vae-decoder", "vae")

    def main_unet(self) -> Any:
        folder = self.source("unet", "unet")
        if folder is None:
            raise UsageError("the main U-Net is not trained yet", hint="run --stage unet first, or give --start")
        return unet.load(folder)

    def text(self) -> Any:
        folder = self.source("text_encoder", "unet")
        return unet.build_text(self.recipe.text, self.tokenizer) if folder is None else unet.load_text(folder)


def _vae(studio: Studio) -> TrainingStage:
    if studio.recipe.vae.anchor and studio.source("vae") is None:
        raise UsageError("there are no latents to anchor to", where="vae.anchor", hint="give --start, or leave it out")
    return vae.VaeStage(studio.recipe.vae, studio.drawings, studio.vae())


def _decoder(studio: Studio) -> TrainingStage:
    return vae.DecoderStage(studio.recipe.vae, studio.drawings, studio.vae("vae"))


def _unet(studio: Studio) -> TrainingStage:
    recipe, folder = studio.recipe, studio.source("unet")
    latent = recipe.latent_size, recipe.vae.latent_channels
    model = unet.load(folder) if folder else unet.build(recipe.unet, recipe.text, *latent)
    return _denoiser(studio, recipe.unet, UnetStage, model)


def _no_mid(studio: Studio) -> TrainingStage:
    return _variant(studio, studio.recipe.no_mid, variants.NoMidStage)


def _velocity(studio: Studio) -> TrainingStage:
    return _variant(studio, studio.recipe.v_prediction, variants.VelocityStage)


def _variant(studio: Studio, table: Unet | None, stage: type[UnetStage]) -> TrainingStage:
    recipe = studio.recipe
    if table is None:
        wanted = stage.name.replace("-", "_")
        raise UsageError("the recipe has no such variant", where=stage.name, hint=f"add a [{wanted}] table")
    teacher = studio.main_unet()
    model = unet.build(table, recipe.text, recipe.latent_size, recipe.vae.latent_channels)
    variants.inherit(model, teacher)
    return _denoiser(studio, table, stage, model, teacher)


def _denoiser(
    studio: Studio, table: Unet, stage: type[UnetStage], model: Any, teacher: Any | None = None
) -> TrainingStage:
    edited = studio.learnable_edits if table.edits else None
    return stage(table, studio.learnable, studio.tokenizer, studio.text(), model, edited, teacher)


def _clip(studio: Studio) -> TrainingStage:
    start = studio.start / "open_clip" if studio.start is not None else None
    return ClipStage(studio.recipe.clip, studio.drawings, studio.tokenizer, start)


def _attributes(studio: Studio) -> TrainingStage:
    start = studio.start / "attributes" if studio.start is not None else None
    net = load_judge(start) if start is not None else AttributeNet(studio.recipe.data.size)
    return JudgeStage(studio.recipe.attributes, studio.drawings, net.train())


STAGE_BUILDERS: dict[str, Callable[[Studio], TrainingStage]] = {
    "vae": _vae,
    "vae-decoder": _decoder,
    "unet": _unet,
    "no-mid": _no_mid,
    "v-prediction": _velocity,
    "clip": _clip,
    "attributes": _attributes,
}
