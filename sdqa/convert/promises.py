"""Whether another tool's packages are what their variant says: target, precision, compression, and chunks."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sdqa.families import module_roots
from sdqa.plan.variant import TIME_EMBEDDING, Variant

VERSIONS = {"iOS16": 7, "iOS17": 8, "iOS18": 9}
"""The newest specification version that each target reads."""
SHARE = 0.5
"""Of the weights, at least so many are as the variant says: small ones stay as they are."""
LITTLE = 0.1
"""Of the weights, at most so many may be of another precision, or compressed where nothing should be."""
HALF, SINGLE = 16, 32
"""Bits."""


@dataclass(frozen=True)
class Holding:
    """What a component's packages hold."""

    widths: Mapping[int, int]
    """Stored bits to number of weights; what is pruned away counts as 0 bits."""
    single: float | None
    """Share of the weights that the program computes with in float32; None where nothing tells."""
    pieces: tuple[int, ...] = (1,)
    """How many packages it is; two numbers for one that holds several models."""
    specification_version: int | None = None
    """None where the format has none."""

    def share(self, least: int, most: int) -> float:
        """Share of the weights that are stored in so many bits."""
        total = sum(self.widths.values())
        return sum(count for bits, count in self.widths.items() if least <= bits <= most) / total if total else 0.0

    @property
    def usual(self) -> int:
        """The bits that most weights are stored in."""
        return Counter(self.widths).most_common(1)[0][0]


def single_share(widths: Mapping[int, int]) -> float | None:
    """`Holding.single` by stored bits alone, which tell nothing where most weights are compressed."""
    plain = {bits: count for bits, count in widths.items() if bits >= HALF}
    if sum(plain.values()) < SHARE * sum(widths.values()):
        return None
    return plain.get(SINGLE, 0) / sum(plain.values())


def broken_promises(component: str, found: Holding, variant: Variant, *, wide: bool = False) -> tuple[str, ...]:
    """What of a variant's promises a component's packages do not keep, as sentences.

    Attention is not among them: no package says which was meant.

    Args:
        wide: the family's contract has the component in float32, whatever the variant says.
    """
    said = [*_too_new(found, variant), *_pieces(component, found, variant)]
    if found.widths:
        said += [*_compression(component, found, variant), *([] if wide else _precision(component, found, variant))]
    return tuple(said)


def _too_new(found: Holding, variant: Variant) -> Iterator[str]:
    newest, read = found.specification_version, VERSIONS[variant.target]
    if newest is not None and newest > read:
        yield (
            f"its specification version is {newest}, {variant.target} reads up to {read}: "
            "convert it for that target, or name the target it needs in the variant"
        )


def _pieces(component: str, found: Holding, variant: Variant) -> Iterator[str]:
    wanted = 2 if variant.chunked else 1
    if component != "unet" or wanted in found.pieces:
        return
    if variant.chunked:
        yield "the variant says chunked = true, the U-Net is in one piece: leave chunked out, or give the two chunks"
    else:
        yield f"the variant says chunked = false, the U-Net is in {max(found.pieces)} pieces: set chunked = true"


def _precision(component: str, found: Holding, variant: Variant) -> Iterator[str]:
    """The type that most weights are computed with; a mixed variant may keep all of a component in float32, or some."""
    if found.single is None:
        return
    kept = set(variant.float32_modules(component))
    if variant.precision == "float32" or kept >= set(module_roots(component)):
        if found.single < 1 - LITTLE:
            yield _other(variant, "float16", 1 - found.single)
    elif kept and not found.single:
        names = ", ".join(variant.float32_modules(component))
        yield f"the variant keeps {names} in float32, the package computes with no weight in float32"
    elif kept <= set(TIME_EMBEDDING) and found.single > (SHARE if kept else LITTLE):
        yield _other(variant, "float32", found.single)


def _other(variant: Variant, actual: str, share: float) -> str:
    said = f'the variant says precision = "{variant.precision}"'
    return f"{said}, {100 * share:.0f} % of the weights are computed with in {actual}"


def _compression(component: str, found: Holding, variant: Variant) -> Iterator[str]:
    """The bits that a recipe names against those of most weights; none where nothing is compressed."""
    name = variant.compression
    if name is None or not variant.compresses(component):
        narrow = found.share(0, HALF - 1)
        if narrow > LITTLE:
            why = "no compression" if name is None else f"no compression of the {component}"
            yield f"the variant names {why}, {100 * narrow:.0f} % of the weights have fewer than {HALF} bits"
        return
    promised, pruned = promised_bits(variant), re.match(r"prune-(\d+)", name)
    if promised is not None and found.share(0, promised) < SHARE:
        yield f"the variant promises {promised} bits ({name}), the weights have {found.usual}"
    elif pruned and found.share(0, 0) < SHARE * int(pruned[1]) / 100:
        yield f"the variant promises {name}, {100 * found.share(0, 0):.0f} % of the weights are left out"
    elif name.startswith("mixed-bit") and component == "unet" and found.share(0, HALF - 1) < SHARE:
        yield f"the variant promises {name}, the weights have {found.usual} bits"


def promised_bits(variant: Variant) -> int | None:
    """The bits a weight that a recipe's name says; None where it says none, as pruning and mixed bits do not."""
    found = re.match(r"palettize-(\d+)bit|linear-int(\d+)|blockwise-int(\d+)", variant.compression or "")
    return int(next(group for group in found.groups() if group)) if found else None
