"""Blame is right when component, stage and operation are the planted ones."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

import sdqa.workflow.diagnose
from sdqa.bundle.diagnosis import Cause
from sdqa.bundle.sensitivity import Pair, Trial
from sdqa.diagnose import Diagnosis
from sdqa.errors import DiagnosisError
from sdqa.faults import injection
from sdqa.workflow.campaign.attribution import attribute, attribute_both, compare


def trial(**changes: Any) -> Trial:
    given: dict[str, Any] = {
        "fault": "x",
        "severity": "marked",
        "component": "unet",
        "stage": "conversion",
        "visible": True,
        "visibility": "",
        "caught": True,
        "exit_code": 1,
    }
    return Trial(**{**given, **changes})


def diagnosis(*causes: Cause) -> Diagnosis:
    return Diagnosis(verdict="words", sound=not causes, confidence="high", causes=causes)


def test_the_planted_component_stage_and_operation_are_right() -> None:
    cause = Cause(component="unet", stage="conversion", operation="conv_in", weight="conv_in_weight")
    found = compare(injection("unet-kernel-transposed"), trial(culprit_operation="conv_in"), diagnosis(cause))
    assert (found.component_right, found.stage_right, found.operation_right) == (True, True, True)


def test_another_component_is_wrong_and_an_operation_that_nobody_expected_is_not_counted() -> None:
    cause = Cause(component="vae_decoder", stage="conversion", operation="conv_in")
    found = compare(injection("unet-noise"), trial(), diagnosis(cause))
    assert (found.component_right, found.stage_right, found.operation_right) == (False, True, None)


@pytest.mark.parametrize(
    ("error", "words"), [(DiagnosisError("no golden"), "no golden"), (IndexError(0), "crashed: Ind")]
)
def test_an_instrument_that_crashes_has_named_nothing(
    monkeypatch: pytest.MonkeyPatch, error: Exception, words: str
) -> None:
    def crash(*_: object, **__: object) -> Diagnosis:
        raise error

    monkeypatch.setattr(sdqa.workflow.diagnose, "diagnose_lane", crash)
    lane: Any = SimpleNamespace(cases={})
    job: Any = None
    found = attribute(injection("unet-noise"), trial(), job, lane)
    assert (found.component_right, found.stage_right) == (False, False)
    assert words in found.verdict
    pair = Pair(first="a@mild", second="b@mild", components=("unet", "glue"), caught=True, exit_code=1)
    assert attribute_both(pair, job, lane).both_named is False


def test_of_two_faults_both_have_to_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    pair = Pair(first="a@mild", second="b@mild", components=("unet", "scheduler"), caught=True, exit_code=1)
    unet, glue = Cause(component="unet", stage="runtime"), Cause(component="glue", stage="glue")
    for named, right in (((unet, glue), True), ((glue, unet), True), ((unet,), False), ((), False)):
        monkeypatch.setattr(sdqa.workflow.diagnose, "diagnose_lane", lambda *_, named=named, **__: diagnosis(*named))
        found = attribute_both(pair, None, SimpleNamespace(cases={}))  # type: ignore[arg-type]
        assert found.both_named is right
        assert found.named == tuple(cause.component for cause in named)


@pytest.mark.parametrize("stage", ["glue", "steps"])
def test_the_scheduler_lies_in_the_glue(stage: Any) -> None:
    found = compare(injection("too-few-steps"), trial(), diagnosis(Cause(component="glue", stage=stage)))
    assert found.component_right
    assert found.stage_right


def test_a_diagnosis_without_a_cause_is_wrong() -> None:
    found = compare(injection("unet-noise"), trial(), diagnosis())
    assert found.component_right is False
    assert found.stage_right is False
