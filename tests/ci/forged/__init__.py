"""Bundles that contradict themselves, the checkout or the registry: each honest but for one thing."""

from __future__ import annotations

from tests.ci.forged import bundles, figures, machines, packages, samples
from tests.ci.forged.altered import LANES, RUNS

__all__ = ["LANES", "RUNS", "bundles", "figures", "machines", "packages", "samples"]
