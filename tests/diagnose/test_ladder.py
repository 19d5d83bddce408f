"""The ladder on a real package: rungs in their order, errors at the rung that makes them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from sdqa.diagnose.harness import Harness
from sdqa.diagnose.ladder import ladder, replays
from sdqa.diagnose.rungs import NORMAL_DB, SAME_RUNTIME_DB
from sdqa.diagnose.suspects import abnormal_rungs
from sdqa.errors import DiagnosisError
from sdqa.runtime.engine import ENGINE_DB
from tests.diagnose.conftest import CASES, Laboratory, case

pytestmark = pytest.mark.slow

DRAWN = case("portrait/17", 1, steps=2, scheduler="ddim")


def harness(laboratory: Laboratory, **rest: object) -> Harness:
    packages = {"text_encoder": laboratory.package("text_encoder")}
    return Harness(laboratory.evidence(packages, cases=(DRAWN,), **rest))


def test_replays_are_the_teachers_calls_with_their_timesteps(laboratory: Laboratory) -> None:
    found = replays(harness(laboratory), "unet")
    assert [one.case for one in found] == [DRAWN.name] * len(found)
    steps = [one.timestep for one in found]
    assert steps == sorted(steps, reverse=True)
    assert all(math.isnan(one.timestep) for one in replays(harness(laboratory), "text_encoder"))


def test_many_calls_are_thinned_out_with_both_ends_kept(laboratory: Laboratory) -> None:
    whole = Harness(laboratory.evidence({}, references=False, cases=CASES))
    every, some = replays(whole, "unet"), replays(whole, "unet", limit=3)
    assert len(every) > len(some) == 3
    assert (some[0].timestep, some[-1].timestep) == (every[0].timestep, every[-1].timestep)


def test_a_component_that_no_case_runs_is_refused(laboratory: Laboratory) -> None:
    from dataclasses import replace

    text = replace(DRAWN, request=replace(DRAWN.request, source=None))
    with pytest.raises(DiagnosisError, match="no case runs the component"):
        replays(Harness(laboratory.evidence({}, references=False, cases=(text,))), "vae_encoder")


def test_a_sound_package_climbs_without_an_abnormal_rung(laboratory: Laboratory) -> None:
    found = ladder(harness(laboratory), "text_encoder")
    assert [one.stage for one in found.rungs] == ["conversion", "precision"]
    assert abnormal_rungs(found) == []
    assert sum(one.added_share for one in found.rungs) == pytest.approx(1)
    assert found.rungs[0].psnr_db > found.rungs[1].psnr_db > 57


def test_what_a_runtime_adds_is_a_rung_of_its_own(laboratory: Laboratory) -> None:
    from sdqa.diagnose.evidence import Wrapper

    class Louder:
        def __init__(self, runner: object) -> None:
            self.runner = runner

        def run(self, inputs: object) -> dict[str, object]:
            return {name: value * 1.05 for name, value in self.runner.run(inputs).items()}  # type: ignore[attr-defined]

    wrappers = {"text_encoder": Wrapper("louder", Louder)}  # type: ignore[arg-type]
    found = ladder(harness(laboratory, wrappers=wrappers), "text_encoder")
    assert [one.stage for one in found.rungs] == ["conversion", "precision", "runtime"]
    assert found.rungs[-1].normal_db == SAME_RUNTIME_DB
    assert [one.stage for one in abnormal_rungs(found)] == ["runtime"]


def _engine_like(level_db: float) -> object:
    """A loader of runners whose outputs are the reference's with noise at a level, as an engine's own rounding is."""
    import numpy as np

    from sdqa.runtime.reference import ReferenceRunner

    class Noisy:
        def __init__(self, component: str, package: Path) -> None:
            self.runner, self.rng = ReferenceRunner(component, package), np.random.default_rng(0)

        def run(self, inputs: object) -> dict[str, object]:
            return {name: self._noisy(value) for name, value in self.runner.run(inputs).items()}  # type: ignore[arg-type]

        def _noisy(self, value: Any) -> Any:
            peak = float(np.abs(value).max())
            noise = self.rng.normal(0, peak * 10 ** (-level_db / 20), value.shape)
            return (value + noise).astype(value.dtype)

    return Noisy


@pytest.mark.parametrize(
    ("runtime", "level_db", "floor", "blamed"),
    [
        ("coreml", 35.0, ENGINE_DB, []),  # where SD 1.5's U-Net sits on an M2 Pro's Neural Engine
        ("coreml", 20.0, ENGINE_DB, ["runtime"]),
        ("reference", 35.0, NORMAL_DB["runtime"], ["runtime"]),
    ],
)
def test_an_engines_own_error_is_blamed_on_nobody_but_the_reference_runtime_has_none(
    laboratory: Laboratory, runtime: str, level_db: float, floor: float, blamed: list[str]
) -> None:
    found = ladder(harness(laboratory, load=_engine_like(level_db), runtime=runtime, store=None), "text_encoder")
    rung = found.rungs[-1]
    assert (rung.stage, rung.normal_db) == ("runtime", floor)
    assert abs(rung.added_db - level_db) < 3
    assert [one.stage for one in abnormal_rungs(found)] == blamed
