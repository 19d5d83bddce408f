"""Whether another tool's packages are what their variant says: its target's specification, its recipe's bits."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from sdqa.convert.inventory import Inventory
from sdqa.plan.variant import Variant

VERSIONS = {"iOS16": 7, "iOS17": 8, "iOS18": 9}
"""The newest specification version that each target reads."""
SHARE = 0.5
"""Of the weights, at least so many are as the recipe says: small ones stay as they are."""


def broken_promises(component: str, inventories: Sequence[Inventory], variant: Variant) -> tuple[str, ...]:
    """What of a variant's promises a component's packages do not keep, as sentences."""
    return (*_too_new(inventories, variant), *_too_wide(component, inventories, variant))


def _too_new(inventories: Sequence[Inventory], variant: Variant) -> list[str]:
    newest = max(inventory.specification_version for inventory in inventories)
    if newest <= VERSIONS[variant.target]:
        return []
    return [
        f"its specification version is {newest}, {variant.target} reads up to {VERSIONS[variant.target]}: "
        "convert it for that target, or name the target it needs in the variant"
    ]


def _too_wide(component: str, inventories: Sequence[Inventory], variant: Variant) -> list[str]:
    """The bits that a recipe names against those of most weights."""
    promised = promised_bits(variant) if variant.compresses(component) else None
    if promised is None:
        return []
    widths: Counter[int] = Counter()
    for inventory in inventories:
        widths.update({int(bits): count for bits, count in inventory.bit_widths().items()})
    total = sum(widths.values())
    kept = sum(count for bits, count in widths.items() if bits <= promised)
    if not total or kept / total >= SHARE:
        return []
    most = widths.most_common(1)[0][0]
    return [f"the variant promises {promised} bits ({variant.compression}), the weights have {most}"]


def promised_bits(variant: Variant) -> int | None:
    """The bits a weight that a recipe's name says; None where it says none, as pruning and mixed bits do not."""
    found = re.match(r"palettize-(\d+)bit|linear-int(\d+)|blockwise-int(\d+)", variant.compression or "")
    return int(next(group for group in found.groups() if group)) if found else None
