"""One TOML file says everything about a training run: data, architectures, lengths, seeds."""

from __future__ import annotations

import hashlib
import json
import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sdqa.errors import ConfigError, Problem

CONFIGS = Path(__file__).resolve().parent / "configs"
Positive = Annotated[int, Field(gt=0)]
Fraction = Annotated[float, Field(ge=0, le=1)]


class Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Schedule(Strict):
    """How long and how fast a stage learns: warm-up, a plateau, then a cosine to 2 % of the rate."""

    steps: Positive
    batch: Positive
    rate: Annotated[float, Field(gt=0)]
    """Of AdamW, at the plateau."""
    warmup: Annotated[int, Field(ge=0)] = 100
    """Steps."""
    plateau: Fraction = 0.0
    """Share of the steps before the cosine."""
    weight_decay: float = 1e-3
    """On matrices and kernels; never on biases and norms."""
    beta2: Fraction = 0.99
    ema: Fraction = 0.999
    """Decay of the averaged weights, which are the ones that ship; 0 ships the last ones."""


class Data(Strict):
    size: Literal[32, 64, 128] = 64
    """Pixels a side."""
    count: Positive = 24_000
    held_out: Positive = 1_000
    """Of `count`, the last ones, never trained on."""
    seed: int = 0
    """Scene `i` is `scenes.sample(seed + i)`."""

    @model_validator(mode="after")
    def _leaves_something(self) -> Data:
        if self.held_out >= self.count:
            raise ValueError("held_out must be smaller than count")
        return self


class Tokenizer(Strict):
    merges: Positive = 700
    """Size of the vocabulary that byte-pair encoding learns, before bytes and special tokens are added."""
    captions: Positive = 32_000
    """How many are read."""
    length: Positive = 77


class Vae(Strict):
    channels: tuple[Positive, ...] = (24, 48, 64)
    """One level each; every level after the first halves the picture: three give the factor 4, four give 8."""
    layers: Positive = 1
    groups: Positive = 2
    latent_channels: Positive = 4
    kl: float = 5e-4
    squared: float = 2.0
    """Weight of the squared error beside the absolute one."""
    gradient: float = 0.5
    """Weight of the error of horizontal and vertical differences, which keeps edges sharp."""
    latent_std: Annotated[float, Field(gt=0)] = 1.0
    """Of the scaled latents: the more, the less of a picture the noise of a timestep hides. Stable Diffusion's is 1."""
    anchor: float = 0.0
    """Weight of the squared distance to the latents of the start: so a U-Net that was trained on those can go on."""
    latent_noise: float = 0.08
    """The decoder stage sees latents with up to this much noise, so that it forgives the U-Net."""
    schedule: Schedule
    decoder: Schedule
    """A second stage for the decoder alone: the latents, and so the U-Net, stay valid."""

    @property
    def factor(self) -> int:
        return int(2 ** (len(self.channels) - 1))


class Text(Strict):
    """The pipeline's CLIP text encoder."""

    width: Positive = 96
    layers: Positive = 2
    heads: Positive = 4
    hidden: Positive = 256


class Unet(Strict):
    channels: tuple[Positive, ...] = (64, 64, 96)
    attention: tuple[bool, ...] = (False, True, False)
    """Which levels attend to the prompt."""
    layers: Positive = 1
    head_channels: Positive = 4
    groups: Positive = 8
    mid_block: bool = True
    prediction: Literal["epsilon", "v_prediction"] = "epsilon"
    min_snr: float = 5.0
    caption_dropout: Fraction = 0.1
    edits: Fraction = 0.0
    """Share of a batch that are edits: the noise carries the source of an image-to-image case, see `edit_noise`."""
    edit_strength: tuple[Fraction, Fraction, Fraction] = (0.3, 0.5, 1.0)
    """Least, most frequent and greatest strength of these edits."""
    guidance: Annotated[float, Field(ge=1)] = 1.0
    """The guidance scale whose prediction is compared with the noise; above 1 for use at such scales."""
    train_text: bool = True
    """Whether the text encoder learns with it."""
    only: tuple[str, ...] = ()
    """Prefixes of the parameters that learn; empty for all. What does not learn need not ship twice."""
    distil: Fraction = 0.0
    """Share of the loss that compares with the main U-Net instead of the noise; 0 for the main U-Net itself."""
    schedule: Schedule

    @model_validator(mode="after")
    def _one_flag_a_level(self) -> Unet:
        if len(self.attention) != len(self.channels):
            raise ValueError("attention needs one flag for each of channels")
        least, usual, greatest = self.edit_strength
        if not 0 < least < usual < greatest:
            raise ValueError("edit_strength must rise from above 0")
        return self


class Clip(Strict):
    """The open_clip model that scores."""

    embedding: Positive = 128
    patch: Positive = 8
    width: Positive = 128
    layers: Positive = 3
    head_width: Positive = 32
    text_width: Positive = 96
    text_layers: Positive = 2
    text_heads: Positive = 4
    length: Positive = 32
    schedule: Schedule


class Judge(Strict):
    """The attribute classifier."""

    schedule: Schedule


class TrainingRecipe(Strict):
    """A whole training run."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9-]+$")]
    seed: int = 0
    data: Data = Data()
    tokenizer: Tokenizer = Tokenizer()
    vae: Vae
    text: Text = Text()
    unet: Unet
    no_mid: Unet | None = None
    """A variant without a mid-block, trained from the main U-Net."""
    v_prediction: Unet | None = None
    """A variant of v-prediction, trained from the main U-Net, which then must predict ε."""
    clip: Clip
    attributes: Judge

    @model_validator(mode="after")
    def _fits(self) -> TrainingRecipe:
        if self.data.size % (self.vae.factor * 2 ** (len(self.unet.channels) - 1)):
            raise ValueError("the picture cannot be halved as often as vae.channels and unet.channels want")
        if self.no_mid is not None and self.no_mid.mid_block:
            raise ValueError("no_mid.mid_block must be false")
        if self.v_prediction is not None and (self.v_prediction.prediction, self.unet.prediction) != (
            "v_prediction",
            "epsilon",
        ):
            raise ValueError('v_prediction.prediction must be "v_prediction", and that of unet "epsilon"')
        for name, variant in (("no_mid", self.no_mid), ("v_prediction", self.v_prediction)):
            if variant is not None and variant.train_text:
                raise ValueError(f"{name}.train_text must be false: the variant shares the main text encoder")
        return self

    @property
    def latent_size(self) -> int:
        return self.data.size // self.vae.factor

    @property
    def digest(self) -> str:
        """Of everything in the recipe: checkpoints of another recipe are not resumed."""
        return hashlib.sha256(json.dumps(self.model_dump(mode="json"), sort_keys=True).encode()).hexdigest()

    def scaled(self, by: float) -> TrainingRecipe:
        """The same recipe with every stage `by` times as long."""
        if by == 1:
            return self
        return TrainingRecipe.model_validate(_scale_steps(self.model_dump(), by))


def _scale_steps(value: object, by: float) -> object:
    if not isinstance(value, dict):
        return value
    return {
        key: max(1, round(inner * by)) if key == "steps" else _scale_steps(inner, by) for key, inner in value.items()
    }


def load(path: Path) -> TrainingRecipe:
    """Read a recipe.

    Raises:
        ConfigError: the file cannot be read, or lists every problem in it.
    """
    try:
        return TrainingRecipe.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError([Problem("$", str(error))], where=str(path)) from error
    except ValidationError as error:
        problems = [Problem(".".join(("$", *map(str, item["loc"]))), item["msg"]) for item in error.errors()]
        raise ConfigError(problems, where=str(path)) from error
