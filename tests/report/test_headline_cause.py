"""The headline names the cause when the diagnosis does, and says nothing of it otherwise."""

from __future__ import annotations

import pytest

from sdqa.bundle import Run, Verdict
from sdqa.bundle.diagnosis import Diagnosis
from sdqa.report.headline import headline_of
from tests.builders import lane_record, run_record


def run(words: str | None) -> Run:
    verdict = Verdict(check="m/v/unet/parity_psnr", metric="parity_psnr", status="fail")
    found = None if words is None else Diagnosis(verdict=words)
    return run_record(lane_record("m/v", verdict), exit_code=1, diagnosis=found)


def test_the_cause_is_in_the_headline() -> None:
    sentence = headline_of(run("Cause: unet, quantisation\n  Explains 99 %")).sentence
    assert sentence.endswith("Cause: unet, quantisation.")
    two = "No visible loss.\nCause: glue\n  Explains 92 %\nCause: unet, conversion\n  Explains 8 %"
    assert headline_of(run(two)).sentence.endswith("Cause: glue. Cause: unet, conversion.")


@pytest.mark.parametrize("words", [None, "", "not diagnosed: no golden"])
def test_no_cause_no_word_of_it(words: str | None) -> None:
    assert "Cause" not in headline_of(run(words)).sentence
