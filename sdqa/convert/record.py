"""What is known of a converted component: the record that the rest of sdqa passes around and stores."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from sdqa.convert.budget import ComponentCost
from sdqa.convert.built import Built
from sdqa.convert.coverage import Coverage
from sdqa.convert.lint import Lint


class PackageRecord(BaseModel):
    """One converted component. Serialises to JSON and back."""

    model_config = ConfigDict(frozen=True)

    component: str
    path: Path
    """The package; the first chunk of a chunked U-Net."""
    paths: tuple[Path, ...]
    """All packages, in execution order; a function other than the default is named after a `#`."""
    modules: Path
    """The sidecar that maps operations and weights to torch modules."""
    bytes: int
    """Size on disk of all packages."""
    digest: str
    operations: int
    """Operations, constants left out."""
    histogram: dict[str, int]
    """How often each operation type occurs."""
    bit_widths: dict[str, int]
    """Stored bits to number of weights: `16` or `6`; what is pruned away counts as `0`."""
    coverage: Coverage
    lint: tuple[Lint, ...]
    """What is known or reported to leave the Neural Engine, for each package."""
    cost: ComponentCost
    """Weights, live memory and arithmetic of one run."""
    names: dict[str, str] = {}
    """Contract's name to the package's own, where another tool chose others."""
    breaches: tuple[str, ...] = ()
    """What of the contract, or of what its variant promises, another tool's package breaks, as sentences."""
    batch: int | None = None
    """How many rows another tool's U-Net takes at once, where that is not the contract's pair."""
    defaults: dict[str, float] = {}
    """Optional inputs of another tool's package that the contract does not have, and what they are filled with."""
    conversion_seconds: float = 0.0
    peak_bytes: int = 0
    """Peak resident memory while converting, of the process that did."""

    @property
    def leaving_share(self) -> float:
        """Share of the arithmetic in operations that leave the Neural Engine, by the lint's rules."""
        flops = [lint.flops for lint in self.lint]
        total = sum(flops)
        shares = (lint.leaving_share * each for lint, each in zip(self.lint, flops, strict=True))
        return sum(shares) / total if total else 0.0

    @property
    def average_bits(self) -> float:
        """Stored bits per weight."""
        weights = sum(self.bit_widths.values())
        return sum(int(bits) * count for bits, count in self.bit_widths.items()) / weights if weights else 0.0


def record_of(built: Built, described: PackageRecord) -> PackageRecord:
    """A description with what only the conversion knows: how long it took, and how much memory."""
    return described.model_copy(update={"conversion_seconds": built.conversion_seconds, "peak_bytes": built.peak_bytes})
