"""What a page says since the last run of the main line, from its record alone."""

from __future__ import annotations

from pathlib import Path

from sdqa.bundle import Bundle, Provenance, Run
from sdqa.history import RecordedRun, record_of
from sdqa.report import write_report
from sdqa.report.against import compare
from sdqa.report.last_main import since_last_main
from tests.report.earlier import earlier_run, history_before


def recorded(run: Run, day: int, **facts: object) -> RecordedRun:
    dated = run.model_copy(update={"created": f"2025-12-{day:02}T00:00:00+00:00", "fault": None})
    return record_of(dated, environment={}).model_copy(update=facts)


def test_a_record_says_of_every_check_what_its_run_would(run: Run, tmp_path: Path) -> None:
    before = earlier_run(Bundle(tmp_path))
    found = since_last_main([recorded(before, 3)], run)
    assert found is not None
    expected = compare(before, run)
    assert found.counts() == expected.counts()
    assert found.counts()["new"] > 10
    kinds = {(one.kind, one.check, one.reason) for one in expected.changes}
    assert {(one.kind, one.check, one.reason) for one in found.changes} == kinds
    assert found.unchanged == expected.unchanged


def test_a_run_and_its_own_figures_are_the_same(run: Run) -> None:
    found = since_last_main([recorded(run, 3)], run)
    assert found is not None
    assert {one.kind for one in found.changes} == {"still"}


def test_it_is_the_last_whole_run_of_the_main_line(run: Run) -> None:
    history = [
        recorded(run, 1, commit="1" * 40),
        recorded(run, 2, commit="2" * 40),
        recorded(run, 3, pull_request="7"),
        recorded(run, 4, partial=True),
        recorded(run, 5, fault="nan"),
        recorded(run, 6, suite="another"),
        record_of(run.model_copy(update={"fault": None}), environment={}),
    ]
    found = since_last_main(history, run)
    assert found is not None
    assert found.before.commit == "2" * 40
    assert since_last_main(history[2:], run) is None
    assert since_last_main(history, run.model_copy(update={"created": "once"})) is None


def test_of_a_narrowed_run_nothing_is_missed(run: Run) -> None:
    lanes = tuple(lane.model_copy(update={"verdicts": lane.verdicts[:4]}) for lane in run.lanes)
    narrowed = run.model_copy(update={"lanes": lanes, "provenance": Provenance(narrowed=("4 of 40 were selected",))})
    found = since_last_main([recorded(run, 3)], narrowed)
    assert found is not None
    assert found.counts()["lost"] == 0
    whole = since_last_main([recorded(run, 3)], narrowed.model_copy(update={"provenance": None}))
    assert whole is not None
    assert whole.counts()["lost"] > 0


def test_the_page_says_it_unless_somebody_names_a_run(bundle: Bundle, run: Run, tmp_path: Path) -> None:
    before = Bundle(tmp_path / "before")
    before.write(earlier_run(before))
    history = history_before(run)
    page = write_report(bundle, tmp_path / "a", history=history).html.read_text(encoding="utf-8")
    assert "Since the last main run" in page
    assert "Against 2025-12-12" in page
    page = write_report(bundle, tmp_path / "b", history=history, against=before).html.read_text(encoding="utf-8")
    assert "Against an earlier run" in page
    assert "Since the last main run" not in page
