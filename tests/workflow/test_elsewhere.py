"""Clean runs of other machines widen what is normal, and nothing else gets in that way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sdqa.bundle import Bundle, Failure, Fingerprint, Lane, Measurement, Run, Verdict
from sdqa.errors import UsageError
from sdqa.gate.calibrate import calibrate
from sdqa.plan import Plan, load_suite, make_plan
from sdqa.workflow.elsewhere import machine_of, with_elsewhere

SUITE = Path(__file__).parents[2] / "sdqa.toml"
HERE = Fingerprint(teacher="t", metrics="m", processor="AMD EPYC", system="Linux", machine="x86_64")
THERE = HERE.model_copy(update={"processor": "Apple M4", "system": "Darwin", "machine": "arm64"})


@pytest.fixture(scope="module")
def plan() -> Plan:
    return make_plan(load_suite(SUITE), SUITE, platform="linux")


def lane(*psnr: float, parity: float = 70.0, facts: Fingerprint = HERE, **more: Any) -> Lane:
    figures = [
        Measurement(metric="psnr", case=f"case-{index}", value=value, unit="dB", better="higher", fingerprint="f")
        for index, value in enumerate(psnr)
    ]
    figures.append(Measurement(metric="parity_psnr", component="unet", value=parity, unit="dB", better="higher"))
    named = {"id": "tiny/fp16", "model": "tiny", "variant": "fp16", "runtime": "reference", "compute_unit": "CPU_ONLY"}
    return Lane(**named, status="ran", measurements=tuple(figures), fingerprint=facts, **more)  # type: ignore[arg-type]


def written(folder: Path, *lanes: Lane, fault: str | None = None) -> Path:
    Bundle(folder).write(
        Run(sdqa_version="0", suite="embedded", suite_digest="0", created="", lanes=lanes, fault=fault)
    )
    return folder


@pytest.fixture(autouse=True)
def unexamined(monkeypatch: pytest.MonkeyPatch) -> None:
    """These lanes are bare: tests/ci/test_demand_examined.py has whole ones."""
    monkeypatch.setattr("sdqa.workflow.elsewhere.demand_examined", lambda *_: None)


MEASURED = {"fp16": {"as planned": [lane(64.0, 66.0)], "noise 1": [lane(65.0, 67.0)]}}


def test_the_noise_of_another_machine_is_a_condition_of_its_own(plan: Plan, tmp_path: Path) -> None:
    folder = written(tmp_path / "mac", lane(61.0, 60.0, facts=THERE))
    found = with_elsewhere(MEASURED, plan, [folder])
    assert list(found["fp16"]) == ["as planned", "noise 1", "on Apple M4, Darwin"]
    assert list(MEASURED["fp16"]) == ["as planned", "noise 1"], "what was given stays as it was"
    alone, both = (calibrate("tiny", one, {}, checks=10).variants["fp16"]["psnr"] for one in (MEASURED, found))
    assert both.limit < min(60.0, alone.limit), "what another machine reads without harm passes"
    assert both.harmless.conditions == ("as planned", "noise 1", "on Apple M4, Darwin")


def test_two_runs_of_one_machine_are_one_condition(plan: Plan, tmp_path: Path) -> None:
    folders = [written(tmp_path / name, lane(61.0, 60.0, facts=THERE)) for name in "ab"]
    assert len(with_elsewhere(MEASURED, plan, folders)["fp16"]["on Apple M4, Darwin"]) == 2


FAILURE = Failure(stage="generate", where="x", code="SDQA-400", message="out of memory", exit_code=3)
BROKEN = Verdict(check="tiny/fp16/case-0/finite", metric="finite", status="fail")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (lane(60.0, 60.0, failures=(FAILURE,)), "out of memory"),
        (lane(60.0, 60.0, verdicts=(BROKEN,)), "not whole is not noise"),
        (lane(60.0, 60.0, parity=20.0), "not sound"),
        (lane(60.0, 60.0, facts=HERE.model_copy(update={"teacher": "other"})), "another teacher"),
        (lane(60.0, 60.0, facts=HERE.model_copy(update={"metrics": "other"})), "another metric"),
        (lane(60.0), "lacks the cases case-1"),
        (lane(60.0, 60.0).model_copy(update={"id": "tiny/other"}), "no lane of the bundle"),
    ],
)
def test_what_is_no_clean_run_of_the_same_is_refused(plan: Plan, tmp_path: Path, given: Lane, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        with_elsewhere(MEASURED, plan, [written(tmp_path / "run", given)])


def test_a_planted_fault_is_refused(plan: Plan, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="planted fault: nan"):
        with_elsewhere(MEASURED, plan, [written(tmp_path / "run", lane(60.0, 60.0), fault="nan@severe")])


def test_a_machine_has_words() -> None:
    assert machine_of(lane(1.0)) == "AMD EPYC, Linux"
    assert machine_of(lane(1.0, facts=Fingerprint())) == "a machine that it does not name"
