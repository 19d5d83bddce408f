"""`sdqa ci gate` over folders on disk: one step that writes report, summary, annotations, outputs and exit code."""

from __future__ import annotations

import pytest

from tests.ci import honest
from tests.ci.gated_place import Place, agreed


def test_whole_evidence_is_green_in_every_place(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.send_all()
    assert place.gate("--expect-commit", place.commit) == 0
    agreed(place, 0, "pass", "Pass")
    assert "::error" not in capsys.readouterr().out


@pytest.mark.parametrize("service", ["true", ""])
def test_githubs_own_lines_are_written_there_alone(
    place: Place, service: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Elsewhere the table and the failures above them say the same."""
    monkeypatch.setenv("GITHUB_ACTIONS", service)
    assert place.gate("--expect-commit", place.commit) == 4
    said = capsys.readouterr().out
    assert ("::error title=SDQA-720" in said) is bool(service)
    assert "no bundle of this commit ran this lane" in said


def test_the_linux_artifact_is_lost(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.send("mac", honest.mac())
    assert place.gate() == 4
    agreed(place, 4, "incomplete", "Incomplete")
    assert "tiny/fp16" in capsys.readouterr().out


def test_a_cancelled_job_is_red_in_the_summary_and_the_outputs_too(place: Place) -> None:
    place.send_all()
    assert place.gate(results='{"lanes": {"result": "cancelled", "outputs": {}}}') == 4
    agreed(place, 4, "incomplete", "Incomplete")
    assert "ended as cancelled" in place.summary.read_text(encoding="utf-8")


def test_a_failed_check_is_1_in_every_place(place: Place) -> None:
    place.send("linux", honest.linux())
    run = honest.mac()
    worse = tuple(m.model_copy(update={"value": 9.0}) if m.metric == "lpips" else m for m in run.lanes[0].measurements)
    place.send("mac", honest.with_lane(run, run.lanes[0].id, measurements=worse))
    assert place.gate() == 1
    agreed(place, 1, "fail", "Fail")


def test_no_bundle_at_all(place: Place) -> None:
    (place.root / "bundles").mkdir()
    assert place.gate() == 4
    agreed(place, 4, "incomplete", "Incomplete")


@pytest.mark.parametrize("outcome", ["failure", "cancelled", "skipped", ""])
def test_the_bundles_could_not_be_fetched(place: Place, outcome: str) -> None:
    place.send_all()
    assert place.gate("--download", outcome) == 4
    assert "fetching the bundles ended as" in place.summary.read_text(encoding="utf-8")


def test_no_jobs_results(place: Place) -> None:
    place.send_all()
    assert place.gate(results="") == 4
    assert place.gate(results="{}") == 4
    assert place.gate(results=None) == 0  # a plain shell


def test_results_that_are_not_json_end_red_with_outputs(place: Place) -> None:
    place.send_all()
    assert place.gate(results="[1]") == 2
    assert place.outputs() == {"verdict": "error", "exit-code": "2"}
    assert "the gate could not run" in place.summary.read_text(encoding="utf-8")
