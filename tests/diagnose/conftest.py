"""Packages of the embedded model, converted once, and evidence made of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sdqa import compat

compat.prepare_hub()

from sdqa.convert import convert_component  # noqa: E402
from sdqa.diagnose import Diagnosis, Evidence, ExaminedCase, diagnose  # noqa: E402
from sdqa.embedded.scenes import draw, parse  # noqa: E402
from sdqa.generate.noise import Noise  # noqa: E402
from sdqa.generate.pipeline import Request  # noqa: E402
from sdqa.models.sources import load_teacher  # noqa: E402
from sdqa.plan import Variant  # noqa: E402
from sdqa.store import Store  # noqa: E402
from tests.diagnose.planting import Planting  # noqa: E402

VARIANTS = {
    "fp32": Variant(name="fp32", precision="float32"),
    "fp16": Variant(name="fp16"),
    "pal2": Variant(name="pal2", compression="palettize-2bit", compressed_components=("unet",)),
}


def case(scene: str, seed: int, **changes: Any) -> ExaminedCase:
    """A short image-to-image case."""
    drawn = parse(scene)
    facts = {"strength": 0.7, "guidance_scale": 3.0, "steps": 6, "scheduler": "pndm", **changes}
    request = Request(drawn.caption, "", np.array(draw(drawn)), noise=Noise.draw(seed, (4, 16, 16)), **facts)
    return ExaminedCase(scene, request)


CASES = (case("portrait/17", 1), case("landscape/3", 2))


@dataclass
class Laboratory:
    """Everything that tests plant defects with."""

    teacher: Any
    folder: Path
    store: Store
    _converted: dict[tuple[str, str], Path] = field(default_factory=dict)
    _count: int = 0

    def package(self, component: str, variant: str = "fp16") -> Path:
        """A sound package, converted on first use."""
        key = (component, variant)
        if key not in self._converted:
            chosen = VARIANTS[variant]
            base = self.package(component) if chosen.compression else None
            record = convert_component(self.teacher, component, chosen, self.folder / variant, base=base)
            self._converted[key] = record.path
        return self._converted[key]

    def planted(self, component: str, plant: Callable[[Planting], object], variant: str = "fp16") -> Path:
        """A copy of a package with a defect."""
        self._count += 1
        sound = self.package(component, variant)
        with Planting(sound, self.folder / f"planted-{self._count}" / sound.name) as planting:
            plant(planting)
        return planting.package

    def evidence(self, packages: Mapping[str, Path], *, references: bool = True, **rest: Any) -> Evidence:
        """Evidence over two short cases; the other components are the teacher's."""
        facts: dict[str, Any] = {
            "family": self.teacher.family,
            "parts": self.teacher.pipeline_parts(),
            "teacher_identity": self.teacher.digest,
            "cases": CASES,
            "packages": packages,
            "store": self.store,
            "steps": (4, 12),
        }
        if references:
            facts["float32"] = {name: self.package(name, "fp32") for name in packages}
            facts["uncompressed"] = {name: self.package(name) for name in packages}
        return Evidence(**{**facts, **rest})

    def diagnose(self, packages: Mapping[str, Path], *, sweep: bool = False, **rest: Any) -> Diagnosis:
        """Diagnose a candidate; without the sweep over steps unless asked."""
        return diagnose(self.evidence(packages, **rest), sweep=sweep)


@pytest.fixture(scope="session")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Laboratory:
    folder = tmp_path_factory.mktemp("diagnose")
    return Laboratory(load_teacher("embedded:tiny"), folder, Store(folder / "store"))
