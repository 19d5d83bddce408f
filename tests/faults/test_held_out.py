"""The held-out set is as large and as apart from the catalogue as it says, and changes what it says."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from sdqa import mil
from sdqa.bundle.sensitivity import ControlTrial, NamedCause, Sensitivity, Spread, Trial
from sdqa.errors import FaultError
from sdqa.faults import all_faults
from sdqa.faults.controls import all_controls
from sdqa.faults.injection import PLACES, STAGES, package_edit
from sdqa.faults.package_editor import PackageEditor
from sdqa.faults.sensitivity import NOT_DIAGNOSED, figures
from sdqa.store import tree_digest
from tests.faults.conftest import copy_of
from tests.faults.held_out.__main__ import tasks
from tests.faults.held_out.picking import weight
from tests.faults.held_out.registry import counts, held_out
from tests.faults.held_out.schedule import _left_out, _told_late
from tests.faults.held_out.summary import summary

MUTATIONS, CONTROLS = held_out()
SAME = ("held-names-numbered", "held-matrices-in-halves", "held-cast-and-back", "held-cut-and-joined")
"""Harmless changes whose results are the same to the last bit."""


def test_it_is_as_large_as_it_says_and_spread_over_the_places() -> None:
    found = counts()
    least = {"text_encoder": 12, "vae_encoder": 10, "unet": 16, "vae_decoder": 14, "glue": 14}
    assert {place: found.mutations[place] >= count for place, count in least.items()} == dict.fromkeys(least, True)
    assert len(MUTATIONS) + len(CONTROLS) == 98
    assert len(MUTATIONS) // 5 <= found.subtle <= len(MUTATIONS) // 2


def test_nothing_of_it_is_in_the_catalogue_or_comes_there_by_being_imported() -> None:
    known = {one.name for one in all_faults()} | {one.name for one in all_controls()}
    assert not known & {*MUTATIONS, *CONTROLS}
    assert not set(MUTATIONS) & set(CONTROLS)
    assert not [name for name in known if name.startswith("held-")]


def test_everything_says_what_it_is_and_whom_to_blame() -> None:
    everything = [*MUTATIONS.values(), *CONTROLS.values()]
    assert [one.name for one in everything if not (one.make.__doc__ or "").strip().endswith(".")] == []
    assert [one.name for one in everything if one.component not in PLACES] == []
    diagnosed = set(STAGES) - set(NOT_DIAGNOSED)
    assert [one.name for one in MUTATIONS.values() if one.stage not in diagnosed] == []
    assert [one.name for one in everything if not one.name.startswith("held-")] == []


def test_its_code_is_part_of_what_a_planted_change_is() -> None:
    planted = CONTROLS["held-zero-added"].at(0)
    assert planted.component == planted.package_component == "unet"
    assert planted.facts()["level"] != CONTROLS["held-names-numbered"].at(0).facts()["level"]


def test_all_are_tried_once_or_those_that_are_named() -> None:
    assert [task.name for task in tasks([])] == [*MUTATIONS, *CONTROLS]
    assert [task.id for task in tasks(["held-output-gamma"])] == ["held-output-gamma@mild"]
    with pytest.raises(SystemExit, match="not held out: nan"):
        tasks(["nan"])


def test_a_mutation_changes_the_weights_that_it_names(miniatures: Path, tmp_path: Path) -> None:
    package = copy_of(miniatures / "mini.mlpackage", tmp_path)
    edit = package_edit(MUTATIONS["held-unet-short-mantissa"].make())
    assert edit is not None
    name = PackageEditor(package).weights(["conv"])[0]
    before = PackageEditor(package).read(name).astype(np.float64)
    edit(package)
    after = PackageEditor(package).read(name)
    assert not np.array_equal(before, after)
    np.testing.assert_allclose(after, before, rtol=1 / 8)
    assert (np.abs(after) <= np.abs(before)).all(), "cut off, not rounded"
    with pytest.raises(FaultError, match="named like 'quant_conv'"):
        weight(PackageEditor(package), "quant_conv")


@pytest.mark.parametrize("name", SAME)
def test_a_harmless_change_is_another_package_that_computes_the_same(
    name: str, miniatures: Path, tmp_path: Path
) -> None:
    package = copy_of(miniatures / "mini.mlpackage", tmp_path)
    given = {"x": np.random.default_rng(1).standard_normal((1, 4, 8, 8)).astype(np.float32)}
    before, sound = tree_digest(package), mil.load(package).predict(given)
    edit = CONTROLS[name].at(0).edit_package
    assert edit is not None
    edit(package)
    assert tree_digest(package) != before
    for value, again in zip(sound.values(), mil.load(package).predict(given).values(), strict=True):
        np.testing.assert_array_equal(again, value)


def test_a_sampler_is_told_the_next_timestep_and_the_last_one_twice() -> None:
    told: list[float] = []

    def sound(_: Any, timestep: float, sample: int, **rest: Any) -> tuple[int]:
        told.append(timestep)
        return (sample + 1,)

    step = _told_late(SimpleNamespace(timesteps=[9.0, 5.0, 1.0]), sound)
    assert [step(None, one, 0, return_dict=False) for one in (9.0, 5.0, 1.0)] == [(1,)] * 3
    assert told == [5.0, 1.0, 1.0]
    late = _left_out(None, sound)
    assert [late(None, 1.0, 0) for _ in range(6)] == [(1,), (1,), (1,), (1,), (0,), (1,)]


def test_every_miss_is_named() -> None:
    common = {
        "severity": "marked",
        "component": "unet",
        "stage": "conversion",
        "visibility": "FLIP 0.2",
        "exit_code": 1,
    }
    wrong = NamedCause(component="glue", stage="glue", component_right=False, stage_right=False, operation_right=False)
    trials = (
        Trial(fault="missed", visible=True, caught=False, **common),
        Trial(fault="unseen", visible=False, caught=True, **common),
        Trial(fault="mistaken", visible=True, caught=True, blame=wrong, culprit_operation="conv_1", **common),
    )
    quiet = (ControlTrial(change="crying", seed=0, component="unet", alarm=True, exit_code=1, failing=("all/lpips",)),)
    table = Sensitivity(
        kind="quick",
        lane="tiny/fp16",
        cases=("one",),
        trials=trials,
        quiet=quiet,
        figures=figures(trials, quiet, ()),
        spread=Spread(),
        smallest_caught={},
    )
    said = summary(table)
    for line in (
        "visible and not caught: missed@marked: FLIP 0.2, 0 suspicious",
        "below visibility, caught: unseen@marked: FLIP 0.2",
        "blamed wrongly: mistaken@marked (unet conversion): glue glue",
        "named wrongly: mistaken@marked: no operation, planted in conv_1",
        "false alarm: crying: all/lpips",
    ):
        assert line in said.splitlines()
