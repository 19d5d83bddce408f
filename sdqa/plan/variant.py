"""How a conversion is made: precision, attention, target and compression."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

Precision = Literal["float32", "float16", "mixed"]
Attention = Literal["original", "split_einsum", "split_einsum_v2"]
Target = Literal["iOS16", "iOS17", "iOS18"]

RECIPES = {
    "palettize-{1|2|3|4|6|8}bit": re.compile(r"palettize-[123468]bit"),
    "palettize-{2|3|4|6|8}bit-grouped{N}": re.compile(r"palettize-[23468]bit-grouped[1-9][0-9]{0,3}"),
    "linear-int8": re.compile(r"linear-int8"),
    "linear-int8-per-tensor": re.compile(r"linear-int8-per-tensor"),
    "blockwise-int4[-block{N}]": re.compile(r"blockwise-int4(-block[1-9][0-9]{0,3})?"),
    "prune-{percent}": re.compile(r"prune-[1-9][0-9]?"),
    "mixed-bit:{target, 3.5bit or 60dB}": re.compile(r"mixed-bit:[0-9]+(\.[0-9]+)?(bit|dB)"),
}


class Variant(BaseModel):
    """One way of making packages from a teacher. Its name is the key it has in `[variants]`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = ""
    precision: Precision = "float16"
    attention: Attention = "original"
    target: Target = "iOS17"
    compression: str | None = None
    compressed_components: tuple[str, ...] = ("text_encoder", "text_encoder_2", "vae_encoder", "unet", "vae_decoder")
    chunked: bool = False  # the U-Net in two packages
    keep_float32: tuple[str, ...] = Field(default=(), description="torch modules kept in fp32 when precision is mixed")

    @field_validator("compression")
    @classmethod
    def _known_recipe(cls, value: str | None) -> str | None:
        if value is not None and not any(pattern.fullmatch(value) for pattern in RECIPES.values()):
            raise ValueError(f"{value!r} is not a compression recipe; use one of: {', '.join(RECIPES)}")
        return value

    @property
    def kind(self) -> str:
        """What tolerances are calibrated for: the precision, or the compression recipe when there is one."""
        return self.compression or self.precision

    def uncompressed(self) -> Variant:
        """The variant that this one is compressed from."""
        return self.model_copy(update={"compression": None})

    def facts_for(self, component: str) -> dict[str, object]:
        """What decides the bytes of one component's package, for the store's key."""
        compression = self.compression if component in self.compressed_components else None
        facts: dict[str, object] = {"precision": self.precision, "target": self.target, "compression": compression}
        if component == "unet":
            facts |= {"attention": self.attention, "chunked": self.chunked}
        if self.precision == "mixed":
            facts["keep_float32"] = list(self.keep_float32)
        return facts
