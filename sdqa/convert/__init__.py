"""Conversion: one component of a teacher to an .mlpackage with a declared contract. Heavy imports happen in calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdqa.convert.contract import Contract, Tensor, contract
from sdqa.lazy import offering
from sdqa.plan.recipes import RECIPES
from sdqa.plan.variant import Variant

if TYPE_CHECKING:
    from sdqa.convert.component import convert_component
    from sdqa.convert.coverage import Coverage
    from sdqa.convert.record import PackageRecord

_LAZY = {
    "convert_component": "sdqa.convert.component",
    "PackageRecord": "sdqa.convert.record",
    "Coverage": "sdqa.convert.coverage",
}

__all__ = [
    "RECIPES",
    "Contract",
    "Coverage",
    "PackageRecord",
    "Tensor",
    "Variant",
    "contract",
    "convert_component",
]

__getattr__ = offering(__name__, _LAZY)
