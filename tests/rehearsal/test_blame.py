"""Blame is right when component, stage and operation are the planted ones."""

from __future__ import annotations

from typing import Any

import pytest

from sdqa.diagnose import Diagnosis
from sdqa.diagnose.records import Cause
from sdqa.faults import injection
from sdqa.faults.sensitivity import Trial
from sdqa.rehearsal.blame import compare


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


@pytest.mark.parametrize("stage", ["glue", "steps"])
def test_the_scheduler_lies_in_the_glue(stage: Any) -> None:
    found = compare(injection("too-few-steps"), trial(), diagnosis(Cause(component="glue", stage=stage)))
    assert found.component_right
    assert found.stage_right


def test_a_diagnosis_without_a_cause_is_wrong() -> None:
    found = compare(injection("unet-noise"), trial(), diagnosis())
    assert found.component_right is False
    assert found.stage_right is False
