"""What is normal is learned from sound candidates only."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

import pytest

from sdqa import cli, workflow
from sdqa.bundle import Lane, Measurement
from sdqa.errors import EXIT_PASS, EXIT_USAGE, UsageError
from sdqa.gate import TOLERANCES_FILE, Tolerances
from sdqa.plan import load_suite, make_plan
from sdqa.runtime.engine import ENGINE_DB
from sdqa.workflow import calibrate
from sdqa.workflow.calibrate import SOUND_DB, affordable, demand_sound, fault_parts, sound_parts, tail_parts
from sdqa.workflow.lane import Collected
from tests.workflow.preflight.test_preflight import SOUND, SUITE


def lane(**parity: float | None) -> Lane:
    figures = tuple(
        Measurement(metric="parity_psnr", component=component, value=value, unit="dB", better="higher")
        for component, value in parity.items()
    )
    return Lane(
        id="tiny/fp16", model="tiny", variant="fp16", runtime="reference", compute_unit="CPU_ONLY", measurements=figures
    )


def test_a_sound_lane_may_say_what_is_normal() -> None:
    demand_sound(lane(unet=SOUND_DB, vae_encoder=80.0, vae_decoder=None))


@pytest.mark.parametrize("parity", [22.0, -3.0, math.nan])
def test_a_broken_component_is_refused_by_name(parity: float) -> None:
    with pytest.raises(UsageError, match=r"vae_encoder .* dB, 35 dB is the least \(tiny/fp16\)") as refused:
        demand_sound(lane(unet=64.0, vae_encoder=parity))
    assert "unet" not in str(refused.value)
    assert "sdqa diagnose" in str(refused.value)


def test_a_healthy_engine_may_say_what_is_normal_on_it() -> None:
    """SD 1.5's U-Net sits at 34 to 36 dB on an M2 Pro's Neural Engine: that is its arithmetic, not a fault."""
    device = lane(unet=34.0).model_copy(update={"runtime": "coreml", "compute_unit": "CPU_AND_NE"})
    demand_sound(device)
    with pytest.raises(UsageError, match="30 dB is the least"):
        demand_sound(lane(unet=ENGINE_DB - 1).model_copy(update={"runtime": "coreml"}))


def test_tables_of_devices_are_kept_when_another_machine_calibrates(tmp_path: Path) -> None:
    from sdqa.bundle import Environment
    from sdqa.gate import Tolerance

    def measured(place: str, *names: str) -> Tolerances:
        tables: dict[str, dict[str, Tolerance]] = {name: {} for name in names}
        environment = Environment(processor=place)
        risk = {"checks": 1, "false_alarms": 0.1, "confidence": 0.9}
        return Tolerances.model_validate({"model": "tiny", **risk, "environment": environment, "variants": tables})

    mac = measured("M4", "fp16@coreml-cpu_and_ne")
    linux = measured("EPYC", "fp16", "old")
    both = mac.beside(linux, everything=True)
    assert set(both.variants) == {"fp16", "old", "fp16@coreml-cpu_and_ne"}
    assert {name: place.processor for name, place in both.environments.items()} == {"fp16": "EPYC", "old": "EPYC"}
    again = measured("EPYC", "fp16").beside(both, everything=False)
    assert set(again.variants) == {"fp16", "fp16@coreml-cpu_and_ne"}, "a variant that is planned no more goes"
    assert {name: place.processor for name, place in again.environments.items()} == {"fp16@coreml-cpu_and_ne": "M4"}
    again.save(tmp_path / "tolerances.json", "first")
    assert Tolerances.load(tmp_path / "tolerances.json") == again
    assert "environments" not in linux.model_dump(mode="json")


EMBEDDED = Path(__file__).parents[2] / "sdqa.toml"


def test_what_is_to_be_measured_is_known_before(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = make_plan(load_suite(EMBEDDED), EMBEDDED, platform="linux")
    sound, planted = sound_parts(plan, "tiny"), fault_parts(plan, "tiny")
    tables = {calibrate.table_name(part.lane) for part in sound}
    assert tables == {"fp16", "palettized-6bit", "palettize-8bit", "linear-int8"}
    assert len(sound) == 4 * (calibrate.SEEDS + 1)
    assert len(planted) == len(calibrate.FAULTS)
    assert {part.lane.id for part in planted} == {"tiny/fp16"}


def test_little_time_plants_a_fault_in_every_component_first() -> None:
    plan = make_plan(load_suite(EMBEDDED), EMBEDDED, platform="linux")
    planted = fault_parts(plan, "tiny")
    assert affordable(planted) == (planted, ())
    components = {part.fault.component for part in planted if part.fault is not None}
    chosen, left_out = affordable(planted, left_s=10.0 * len(components) + 5, each_s=10.0)
    assert {part.fault.component for part in chosen if part.fault is not None} == components
    assert len(chosen) == len(components)
    assert len(chosen) + len(left_out) == len(planted)
    assert affordable(planted, left_s=-1.0, each_s=10.0)[0] == ()


@pytest.mark.slow
def test_a_calibration_that_was_stopped_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(calibrate, "FAULTS", ("unet-noise", "vae-decoder-noise", "unet-2bit"))
    monkeypatch.setattr(calibrate, "SEEDS", 1)
    monkeypatch.setattr(calibrate, "INVISIBLE", ())
    short = "[defaults]\nsteps = 2\nstrength = 0.5\n"
    suite = SUITE.format(**{**SOUND, "more": short, "limits": ""})
    (tmp_path / "sdqa.toml").write_text(suite.replace("[limits]\n", ""), encoding="utf-8")

    measure, drawn = workflow.measure_lane, list[bool]()

    def stopped(*arguments: object, **options: object) -> Collected:
        if len(drawn) == 3:
            raise KeyboardInterrupt
        found = measure(*arguments, **options)  # type: ignore[arg-type]
        drawn.append(any(sample.fresh for sample in found.samples.by_case.values()))
        return found

    monkeypatch.setattr(workflow, "measure_lane", stopped)
    assert cli.run(["calibrate", "--reason", "first"]) != EXIT_PASS
    said = capsys.readouterr()
    assert "calibrate mine: 5 parts (2 sound, 3 with a fault)" in said.out
    assert "3 of 5: fp16 with unet-noise@marked; about " in said.err
    assert "Traceback" not in said.err
    assert drawn == [True, True, True]

    monkeypatch.setattr(workflow, "measure_lane", lambda *a, **k: _remembered(measure(*a, **k), drawn))
    drawn.clear()
    assert cli.run(["calibrate", "--budget", "1000 h", "--reason", "first"]) == EXIT_PASS
    assert drawn == [False, False, False, True, True], "what was finished is not drawn again"
    said = capsys.readouterr()
    assert "mine, fp16: 3 faults planted" in said.out
    assert "blind to" in said.out
    known = Tolerances.load(tmp_path / "teacher" / "mine" / TOLERANCES_FILE)
    assert len(known.teacher) == 64
    assert known.left_out == ()

    assert cli.run(["calibrate", "--budget", "1 ms", "--reason", "in no time"]) == EXIT_USAGE
    assert "no time for any fault" in capsys.readouterr().err


def _remembered(found: Collected, drawn: list[bool]) -> Collected:
    drawn.append(any(sample.fresh for sample in found.samples.by_case.values()))
    return found


@pytest.mark.parametrize("budget", ["soon", "2", "-1h", "0 s"])
def test_a_budget_that_is_no_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], budget: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sdqa.toml").write_text(SUITE.format(**SOUND), encoding="utf-8")
    assert cli.run(["calibrate", f"--budget={budget}"]) == EXIT_USAGE
    assert "--budget 2h" in capsys.readouterr().err


TEXT = """
[cases.text]
prompt = "a portrait"
steps = 2
seed = 3
"""


def test_more_text_to_image_figures_are_drawn_for_the_planned_lanes_alone() -> None:
    plan = make_plan(load_suite(EMBEDDED), EMBEDDED, platform="linux")
    parts = tail_parts(plan, "tiny", 40)
    assert Counter(part.lane.id for part in parts) == {"tiny/fp16": 20, "tiny/palettized-6bit": 20}
    assert {frozenset(part.lane.cases) for part in parts} == {frozenset({"text-landscape", "text-portrait"})}
    known = {part.offset for part in sound_parts(plan, "tiny")}
    assert len({part.offset for part in parts}) == 20
    assert not known & {part.offset for part in parts}, "what placed the limits says nothing new of them"
    assert tail_parts(plan, "tiny", 0) == ()


@pytest.mark.slow
def test_a_tail_is_added_to_limits_that_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(calibrate, "FAULTS", ("unet-2bit",))
    monkeypatch.setattr(calibrate, "SEEDS", 1)
    monkeypatch.setattr(calibrate, "INVISIBLE", ())
    short = "steps = 2\nstrength = 0.5\n"
    suite = SUITE.format(**{**SOUND, "more": short + TEXT, "limits": ""})
    (tmp_path / "sdqa.toml").write_text(suite.replace("[limits]\n", ""), encoding="utf-8")
    assert cli.run(["calibrate", "--tail", "2", "--reason", "first"]) == EXIT_PASS
    said = capsys.readouterr().out
    assert "calibrate mine: 5 parts (2 sound, 2 of text-to-image alone, 1 with a fault)" in said
    path = tmp_path / "teacher" / "mine" / TOLERANCES_FILE
    known = Tolerances.load(path)
    assert not any(one.tail for one in known.variants["fp16"].values()), "a sound candidate of 16 bits keeps to its way"

    tight = {key: one.model_copy(update={"limit": 99.0, "severe": 99.0}) for key, one in known.variants["fp16"].items()}
    known.model_copy(update={"variants": {"fp16": tight}}).save(path, "tighter than noise")
    assert cli.run(["calibrate", "--tail", "3", "--tail-only", "--reason", "more draws"]) == EXIT_PASS
    assert "mine, fp16: text-to-image cases alone" in capsys.readouterr().out
    found = Tolerances.load(path).variants["fp16"]
    assert found["psnr"].tail is not None
    assert (found["psnr"].tail.n, found["psnr"].tail.beyond) == (3, 3)
    assert {key: one.model_copy(update={"tail": None}) for key, one in found.items()} == tight
    assert found["parity_psnr@unet"].tail is None

    assert cli.run(["calibrate", "--tail", "0", "--tail-only", "--reason", "none"]) == EXIT_USAGE
    assert "no figures to draw" in capsys.readouterr().err
