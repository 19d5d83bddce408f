"""Coverage of real packages: every parameter is there, and what is taken out or made up is named."""

from __future__ import annotations

import numpy as np
import pytest

from sdqa.diagnose.coverage import coverage
from sdqa.diagnose.harness import Harness
from tests.diagnose.conftest import Laboratory

pytestmark = pytest.mark.slow


def test_a_sound_package_has_every_parameter(laboratory: Laboratory) -> None:
    package = laboratory.package("text_encoder")
    found = coverage(Harness(laboratory.evidence({"text_encoder": package})), "text_encoder")
    assert found.parameters > 10
    assert found.missing == found.invented == ()


def test_a_weight_that_is_not_the_checkpoints_is_missing_under_its_name(laboratory: Laboratory) -> None:
    wanted: list[str] = []

    def plant(planting: object) -> None:
        from sdqa import mil

        constants = mil.load(planting.package).function.body.constants  # type: ignore[attr-defined]
        name = max((one for one in constants if "fc1_weight" in one), key=len)
        wanted.append(name)
        generator = np.random.default_rng(0)
        planting.weight(name, lambda value: generator.standard_normal(value.shape))  # type: ignore[attr-defined]

    planted = laboratory.planted("text_encoder", plant)
    found = coverage(Harness(laboratory.evidence({"text_encoder": planted})), "text_encoder")
    assert len(found.missing) == 1
    assert found.missing[0].replace(".", "_") in wanted[0]
