"""The table's arithmetic: figures, smallest severities, and what counts as a step back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sdqa.arrays import Pixels
from sdqa.bundle import Failure, Lane, Measurement
from sdqa.bundle.sensitivity import (
    ControlTrial,
    Decided,
    NamedCause,
    Sensitivity,
    Spread,
    Trial,
    place_of,
    places,
    read,
)
from sdqa.errors import FaultError
from sdqa.faults.sensitivity import figures, metric_rates, regressions, smallest_caught
from sdqa.faults.visibility import sight, spread_of
from sdqa.faults.yardstick import YARDSTICK


def trial(severity: str = "marked", **changes: Any) -> Trial:
    given: dict[str, Any] = {
        "fault": "nan",
        "severity": severity,
        "component": "unet",
        "stage": "runtime",
        "visible": True,
        "visibility": "not finite",
        "caught": True,
        "exit_code": 1,
        "failing": ("portrait/finite", "all/lpips"),
    }
    return Trial(**{**given, **changes})


def table(*trials: Trial, quiet: tuple[ControlTrial, ...] = ()) -> Sensitivity:
    return Sensitivity(
        lane="tiny/fp16",
        cases=("portrait",),
        spread=Spread(),
        trials=trials,
        quiet=quiet,
        figures=figures(trials, quiet),
        smallest_caught=smallest_caught(trials),
    )


def silence(seed: int, alarm: bool) -> ControlTrial:
    return ControlTrial(change="metadata", seed=seed, component="unet", alarm=alarm, exit_code=int(alarm))


def test_faults_below_visibility_are_reported_but_not_counted() -> None:
    found = figures([trial(), trial(caught=False), trial(visible=False, caught=False), trial(visible=False)], [])
    assert (found.visible_caught.count, found.visible_caught.total) == (1, 2)
    assert (found.below_visibility_caught.count, found.below_visibility_caught.total) == (1, 2)


def test_blame_counts_only_where_something_was_to_be_named() -> None:
    right = NamedCause(component="unet", component_right=True, stage_right=False)
    found = figures([trial(blame=right), trial(), trial(caught=False, blame=right)], [])
    assert str(found.component_right) == "1 of 1 (100.0 %)"
    assert str(found.stage_right) == "0 of 1 (0.0 %)"
    assert found.operation_right.total == 0


def test_nothing_is_a_hundred_percent_of_nothing() -> None:
    found = figures([trial()], [])
    assert str(found.component_right) == str(found.false_alarms) == str(found.both_named) == "not measured"
    assert found.component_right.share is None


def test_what_only_one_table_diagnosed_is_not_compared() -> None:
    wrong = NamedCause(component="vae_decoder", component_right=False, stage_right=False)
    assert regressions(table(trial()), table(trial(blame=wrong))) == [], "0 of 1 is not worse than 0 of 0"
    assert regressions(table(trial(blame=wrong)), table(trial())) == []


def test_false_alarms_are_counted() -> None:
    found = figures([], [silence(0, False), silence(1, True)])
    assert (found.false_alarms.count, found.false_alarms.total) == (1, 2)


def test_the_smallest_severity_is_the_one_from_which_on_all_are_caught() -> None:
    levels = {"mild": True, "marked": False, "severe": True}
    assert smallest_caught([trial(name, caught=caught) for name, caught in levels.items()]) == {"nan": "severe"}
    assert smallest_caught([trial("mild"), trial("severe")]) == {"nan": "mild"}
    assert smallest_caught([trial("severe", caught=False)]) == {"nan": None}


def test_a_fault_that_is_not_caught_any_more_is_a_step_back() -> None:
    found = regressions(table(trial()), table(trial(caught=False)))
    assert found == ["nan@marked is not caught any more; it was, by finite, lpips"]
    assert regressions(table(trial(caught=False)), table(trial())) == []


def test_a_new_false_alarm_is_a_step_back_and_an_old_one_is_not() -> None:
    assert regressions(table(), table(quiet=(silence(1, True),))) != []
    assert regressions(table(quiet=(silence(1, True),)), table(quiet=(silence(1, True),))) == []


def test_only_what_both_tried_is_compared() -> None:
    assert regressions(table(trial(), trial("severe")), table(trial("severe"))) == []


def test_worse_blame_is_a_step_back() -> None:
    good, bad = NamedCause(component_right=True), NamedCause(component_right=False)
    found = regressions(table(trial(blame=good)), table(trial(blame=bad)))
    assert found == ["components blamed rightly: 1 of 1 (100.0 %) before, 0 of 1 (0.0 %) now"]


def test_a_document_survives_the_disk_and_a_damaged_one_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sensitivity.json"
    written = table(trial(), quiet=(silence(0, False),))
    written.write(path)
    assert read(path) == written
    path.write_text(path.read_text().replace('"lane"', '"road"'))
    with pytest.raises(FaultError, match=r"\$\.lane"):
        read(path)
    with pytest.raises(FaultError, match="no sensitivity table"):
        read(tmp_path / "missing.json")


def lane(*measurements: Measurement, failures: tuple[Failure, ...] = ()) -> Lane:
    return Lane(
        id="tiny/fp16",
        model="tiny",
        variant="fp16",
        runtime="reference",
        compute_unit="CPU_ONLY",
        measurements=measurements,
        failures=failures,
    )


def test_each_lane_has_a_table_of_its_own(tmp_path: Path) -> None:
    assert place_of(tmp_path, "tiny/fp16") == tmp_path / "sensitivity.json", "the first that is measured"
    assert places(tmp_path) == ()
    table(trial()).write(tmp_path / "sensitivity.json")
    other = place_of(tmp_path, "tiny/palettized-6bit")
    assert other == tmp_path / "sensitivity-tiny-palettized-6bit.json"
    table().model_copy(update={"lane": "tiny/palettized-6bit"}).write(other)
    assert place_of(tmp_path, "tiny/fp16") == tmp_path / "sensitivity.json"
    assert [read(path).lane for path in places(tmp_path)] == ["tiny/fp16", "tiny/palettized-6bit"]


def test_the_report_speaks_of_each_lane_apart() -> None:
    from sdqa.report.sensitivity_section import sensitivity_of

    other = table(trial(caught=False)).model_copy(update={"lane": "tiny/palettized-6bit", "yardstick": YARDSTICK})
    shown = sensitivity_of(table(trial()), [other], ["tiny/fp16", "tiny/palettized-6bit", "tiny/4bit"])
    assert shown is not None
    (lane, said), unknown = shown.further
    assert lane == "tiny/palettized-6bit"
    assert said.startswith("0 of 1 visible faults caught.")
    assert said.endswith("Visible is from FLIP 0.103 on.")
    assert unknown == ("tiny/4bit", "No faults were planted in this lane.")


def picture(damage: int = 0) -> Pixels:
    """A grey picture with a damaged corner."""
    image = np.full((64, 64, 3), 128, np.uint8)
    image[:8, :8] += damage
    return image


SOUND = {"a": picture(), "b": picture()}


def test_the_yardstick_decides_what_is_visible_and_no_metric_of_the_gate() -> None:
    alarmed = [Measurement(metric=name, case="a", value=value) for name, value in (("lpips", 1.0), ("finite", 0.0))]
    found = sight(lane(*alarmed), SOUND, {"a": picture(1), "b": picture(1)}, {})
    assert (found.visible, found.decided) == (False, "yardstick")
    found = sight(lane(), SOUND, {"a": picture(1), "b": picture(40)}, {})
    assert (found.visible, found.decided) == (True, "yardstick")
    assert "in b, 0.103 is just noticeable" in found.why
    assert found.flip is not None
    assert found.flip > 0.103


def test_what_does_not_run_or_exceeds_a_budget_is_noticed_and_said_apart() -> None:
    failure = Failure(stage="generate", where="x", code="SDQA-400", message="truncated", exit_code=3)
    assert sight(lane(failures=(failure,)), SOUND, SOUND, {}).decided == "execution"
    assert sight(lane(), SOUND, {}, {}).decided == "execution"
    slow = Measurement(metric="inference_s", value=50.0)
    found = sight(lane(slow), SOUND, SOUND, {"inference_s": 40.0})
    assert (found.visible, found.decided) == (True, "budget")
    assert not sight(lane(slow), SOUND, SOUND, {"inference_s": 60.0}).visible


def test_what_the_gate_finds_by_construction_is_counted_apart() -> None:
    ways: tuple[Decided, ...] = ("yardstick", "execution", "budget")
    found = figures([trial(decided=way) for way in ways], [])
    assert str(found.visible_caught) == str(found.not_running) == str(found.over_budget) == "1 of 1 (100.0 %)"


def test_each_metric_is_counted_with_the_others_held_out() -> None:
    trials = [
        trial(failing=("a/psnr", "b/psnr", "all/lpips")),
        trial(failing=("a/psnr",)),
        trial(failing=(), caught=False),
        trial(failing=("a/ssim",), visible=False),
        trial(failing=("budget/inference_s",), decided="budget"),
    ]
    psnr, lpips = metric_rates(trials)
    assert (psnr.metric, psnr.alone.count, psnr.alone.total, psnr.only) == ("psnr", 2, 3, 1)
    assert (lpips.metric, lpips.alone.count, lpips.alone.total, lpips.only) == ("lpips", 1, 3, 0)
    assert metric_rates([]) == ()


def test_the_report_shows_what_the_table_says() -> None:
    from sdqa.report.sensitivity_section import sensitivity_of

    right = NamedCause(component="unet", stage="runtime", component_right=True, stage_right=True)
    missed = trial("mild", caught=False, failing=())
    whole = table(trial(blame=right), missed, quiet=(silence(0, False), silence(1, True)))
    shown = sensitivity_of(whole)
    assert shown is not None
    counted = "1 of 2 visible faults caught; 1 of 1 blamed rightly; 1 false alarm in 2 harmless runs."
    assert shown.sentence.startswith(counted)
    assert "Measured on" in shown.sentence, "and says of what"
    assert [row.severity for row in shown.trials] == ["mild", "marked"], "what slipped through comes first"


def test_the_spread_is_two_deviations_of_the_perturbation_that_changes_most() -> None:
    calm, restless = [(0.1, 0.01)] * 4, [(0.1, 0.02), (0.3, 0.03)] * 2
    found = spread_of({"calm": calm, "restless": restless})
    assert found.conditions == pytest.approx({"calm": 0.1, "restless": 0.2})
    assert found.flip == {"calm": 0.01, "restless": 0.03}, "the worst case by the yardstick"
    deviation = 0.2 / 3**0.5
    assert found.mean == pytest.approx(0.2 + deviation)
    assert found.case == pytest.approx(0.2 + 2 * deviation)
    assert spread_of({"one case": [(0.4, 0.1)]}).case == 0.4
