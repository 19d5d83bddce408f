"""Packages that are not what their contract or variant says: what is wrong is known, and takes no instrument."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sdqa.bundle.diagnosis import Cause, Diagnosis

CHECK = "contract"
CONVERT_AGAIN = "convert the component again as its contract and its variant say, or change the variant and say why"

Breaches = Mapping[str, tuple[str, ...]]
"""Components to what is wrong with their packages, as sentences that name the feature."""


def packaging_causes(breaches: Breaches, failed: Collection[str]) -> list[Cause]:
    """A cause for each component whose contract failed."""
    return [
        Cause(component=component, stage="packaging", evidence=words, next=(CONVERT_AGAIN,))
        for component, words in breaches.items()
        if words and f"{component}/{CHECK}" in failed
    ]


def explains_all(breaches: Breaches, failed: Sequence[str]) -> bool:
    """Whether nothing failed but contracts, each for a reason that is known."""
    return bool(failed) and {f"{component}/{CHECK}" for component, words in breaches.items() if words} >= set(failed)


def packaging_diagnosis(breaches: Breaches, lane: str, failed: Sequence[str]) -> Diagnosis:
    """The diagnosis of a lane in which nothing is wrong but its packages as such."""
    causes = packaging_causes(breaches, failed)
    lines = []
    for cause in causes:
        lines.append(f"Cause: {cause.component}, packaging: {cause.evidence[0]}")
        lines += [f"  {text}" for text in cause.evidence[1:]]
    lines.append(f"Next: {CONVERT_AGAIN}.")
    confidence = "read from the packages' own descriptions"
    return Diagnosis(verdict="\n".join(lines), sound=False, confidence=confidence, lane=lane, causes=tuple(causes))
