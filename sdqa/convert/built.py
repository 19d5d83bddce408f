"""What is ordered of a conversion and what it leaves on disk, in whichever format."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from sdqa.plan.variant import Variant


class Order(BaseModel):
    """One component in one variant; it travels to a process of its own as JSON."""

    model_config = ConfigDict(frozen=True)

    variant: Variant
    destination: Path
    """A folder; made if it is not there."""
    base: Path | None = None
    """A package of `variant.base(component)`, converted before, to compress instead of tracing again."""


class Built(BaseModel):
    """What a conversion left: dear to make, so it is stored apart from the description of what it holds."""

    model_config = ConfigDict(frozen=True)

    component: str
    paths: tuple[Path, ...]
    """The packages, in execution order: two where the U-Net is chunked."""
    conversion_seconds: float = 0.0
    peak_bytes: int = 0
    """Peak resident memory while converting, of the process that did."""

    def moved(self, old: Path, new: Path) -> Built:
        """With paths below another folder."""
        return self.model_copy(update={"paths": tuple(new / path.relative_to(old) for path in self.paths)})
