"""The rungs of an asset: exported program → asset in fp32 → asset as declared → this asset → its compression.

The first three come from the teacher, converted anew: they say what Core AI's format costs where nothing is wrong. This
asset is then held against the sound one of its precision, with its compression taken back first.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from sdqa.diagnose.coreai.restore import restore
from sdqa.diagnose.harness import Harness
from sdqa.diagnose.rungs import NORMAL_DB, Way
from sdqa.runtime import Runner
from sdqa.store import tree_digest

EQUAL = "the same bytes as converted anew"


def asset_ways(harness: Harness, component: str) -> list[Way]:
    """An asset's rungs, as far as there are references for them."""
    evidence = harness.evidence
    asset = evidence.packages[component]
    exact, sound = evidence.float32.get(component), evidence.uncompressed.get(component)
    found: list[Way] = []
    if component in evidence.exported:
        found.append(Way("exported program", "conversion", evidence.exported[component], NORMAL_DB["conversion"]))
    if exact is not None:
        make = _runner(harness, component, exact)
        found.append(Way("asset fp32", "conversion", make, NORMAL_DB["conversion"]))
    halved = sound is not None and (exact is None or tree_digest(sound) != tree_digest(exact))
    if halved and sound is not None:
        make = _runner(harness, component, sound)
        found.append(Way("asset as declared", "precision", make, NORMAL_DB["precision"]))
    level = NORMAL_DB["precision" if halved else "conversion"]  # two conversions in fp16 round differently
    reference = exact or sound
    as_given = _runner(harness, component, asset)
    if reference is not None:
        folder = tempfile.TemporaryDirectory(prefix="sdqa-restored-")
        copy = Path(folder.name) / asset.name
        taken = restore(component, asset, reference, evidence.checkpoint(component), copy)
        if taken.compressed:
            # An asset that says nothing of compression has no right to its losses.
            lossy = NORMAL_DB["quantisation" if taken.stored else "conversion"]
            restored = _Kept(folder, harness, component, copy)
            return [
                *found,
                Way("this asset, uncompressed", "conversion", restored, level),
                Way("compressed", "quantisation", as_given, lossy),
            ]
    same = sound is not None and tree_digest(sound) == tree_digest(asset)
    return [*found, Way("this asset", "conversion", as_given, level, EQUAL if same else "")]


class _Kept:
    """Makes the runner of a copy, and keeps its folder as long as that may be asked for."""

    def __init__(self, folder: tempfile.TemporaryDirectory[str], harness: Harness, component: str, copy: Path) -> None:
        self._folder, self._make = folder, _runner(harness, component, copy)

    def __call__(self) -> Runner:
        return self._make()


def _runner(harness: Harness, component: str, asset: Path) -> Callable[[], Runner]:
    """What executes an asset as the candidate's is; the candidate's own runner where the bytes are the same."""
    evidence = harness.evidence

    def make() -> Runner:
        if tree_digest(asset) == tree_digest(evidence.packages[component]):
            return harness.package_runner(component)
        return harness.load(component, asset)

    return make
