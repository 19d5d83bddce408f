"""How a conversion is made: precision, attention, target and compression."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from sdqa.families import flow_order, module_roots
from sdqa.plan.recipes import RECIPES, TARGETS, Target, recipe_name
from sdqa.plan.spelling import closest, not_one_of

Precision = Literal["float32", "float16", "mixed"]
Attention = Literal["original", "split_einsum", "split_einsum_v2"]

TIME_EMBEDDING = ("unet.time_proj", "unet.time_embedding")
"""The part of the U-Net that half precision hurts most: its phase is off by up to 0.3 rad at timestep 951."""


def _likeliest(name: str) -> str | None:
    """The recipe that was meant: `palettize-6bit` for `paletize-6bit`, by the word before the figures."""
    word, dash, rest = name.partition("-")
    stem = closest(word, [recipe.partition("-")[0] for recipe in RECIPES])
    meant = f"{stem}{dash}{rest}"
    return meant if stem and recipe_name(meant) is not None else closest(name, RECIPES)


class Variant(BaseModel):
    """One way of making packages from a teacher. Its name is the key it has in `[variants]`."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    name: str = ""
    precision: Precision = "float16"
    attention: Attention = "original"
    target: Target = "iOS17"
    compression: str | None = None
    compressed_components: tuple[str, ...] = flow_order()
    chunked: bool = Field(default=False, strict=True)  # the U-Net in two packages
    keep_float32: tuple[str, ...] = Field(default=(), description="torch modules kept in fp32 when precision is mixed")

    @field_validator("compression")
    @classmethod
    def _known_recipe(cls, value: str | None) -> str | None:
        if value is not None and recipe_name(value) is None:
            close = _likeliest(value)
            likely = f"did you mean {close!r}? " if close else ""
            raise ValueError(f"{value!r} is not a compression recipe; {likely}use one of: {', '.join(RECIPES)}")
        return value

    @field_validator("compressed_components")
    @classmethod
    def _known_components(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value:
            raise ValueError("[] names no component: nothing would be compressed; leave compression out instead")
        unknown = [name for name in value if name not in flow_order()]
        if unknown:
            raise ValueError("; ".join(not_one_of(name, flow_order()) for name in unknown))
        return value

    @model_validator(mode="after")
    def _consistent(self) -> Variant:
        known = recipe_name(self.compression) if self.compression else None
        if known is not None and TARGETS.index(self.target) < TARGETS.index(known[0].target):
            raise ValueError(f"{self.compression} needs target {known[0].target}, not {self.target}")
        if self.keep_float32 and self.precision != "mixed":
            raise ValueError(f"keep_float32 needs precision mixed, not {self.precision}")
        roots = module_roots()
        for path in self.keep_float32:
            if path.split(".")[0] not in roots:
                raise ValueError(f"keep_float32: {path!r} starts with none of {', '.join(sorted(roots))}")
        return self

    @property
    def kind(self) -> str:
        """What tolerances are calibrated for: the precision, or the compression recipe when there is one."""
        return self.compression or self.precision

    def uncompressed(self) -> Variant:
        """The variant that this one is compressed from."""
        return self.model_copy(update={"compression": None})

    def compresses(self, component: str) -> bool:
        """Whether the recipe applies to a component."""
        return self.compression is not None and component in self.compressed_components

    def float32_modules(self, component: str) -> tuple[str, ...]:
        """The torch modules of a component that stay fp32: in a mixed conversion, by default the time embedding."""
        if self.precision != "mixed":
            return ()
        roots = module_roots(component)
        return tuple(path for path in self.keep_float32 or TIME_EMBEDDING if path.split(".")[0] in roots)

    def base(self, component: str) -> Variant:
        """The uncompressed, unchunked variant that a component's packages are derived from."""
        kept = self.float32_modules(component)
        return self.model_copy(
            update={
                "name": "base",
                "compression": None,
                "chunked": False,
                "attention": self.attention if component == "unet" else "original",
                "precision": "float16" if self.precision == "mixed" and not kept else self.precision,
                "keep_float32": kept,
            }
        )

    def facts_for(self, component: str) -> dict[str, object]:
        """What decides the bytes of one component's package, for the store's key."""
        compression = self.compression if component in self.compressed_components else None
        facts: dict[str, object] = {"precision": self.precision, "target": self.target, "compression": compression}
        if component == "unet":
            facts |= {"attention": self.attention, "chunked": self.chunked}
        if self.precision == "mixed":
            facts["keep_float32"] = list(self.keep_float32)
        return facts
