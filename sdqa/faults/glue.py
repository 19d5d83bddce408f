"""Mistakes between the components: scaling factors, guidance, prompts, channel order, value range, noise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sdqa.faults.injection import Effect
from sdqa.faults.registry import fault

if TYPE_CHECKING:
    pass


def _glue(**changes: Any) -> Effect:
    from sdqa.generate.pipeline import Glue

    return Effect(glue=Glue(**changes))


@fault(
    "scaling-factor",
    component="glue",
    stage="glue",
    rows=(22,),
    severities={"mild": 0.6, "marked": 1.0, "severe": 0.13025},
)
def scaling_factor(factor: float) -> Effect:
    """The VAE's scaling factor is not this model's: another's, or forgotten (1)."""
    return _glue(scaling_factor=factor)
