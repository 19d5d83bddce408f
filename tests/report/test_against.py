"""A run against an earlier one."""

from __future__ import annotations

import math
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdqa.bundle import Blob, Fingerprint, Measurement, Provenance, Run, Sample, Status, Verdict
from sdqa.bundle.comparison import KINDS, CheckFigure, Kind, RunComparison
from sdqa.report.against import compare
from tests.builders import lane_record, run_record, verdicts_of

STATUSES = get_args(Status)
figures = st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True))
verdicts = st.builds(
    lambda number, status, value, difference, limit: Verdict(
        check=f"a/c{number}/m", metric="m", case=f"c{number}", status=status, value=value, difference=difference,
        tolerance=limit,
    ),
    st.integers(0, 5), st.sampled_from(STATUSES), figures, figures, st.one_of(st.none(), st.floats(-1, 1)),
)  # fmt: skip
runs = st.lists(verdicts, max_size=8, unique_by=lambda one: one.check).map(
    lambda some: run_record(lane_record("a", *some))
)


def kinds(comparison: RunComparison) -> dict[str, Kind]:
    return {change.check: change.kind for change in comparison.changes}


@given(runs)
def test_a_run_against_itself_has_changed_nothing(run: Run) -> None:
    found = compare(run, run)
    assert {change.kind for change in found.changes} <= {"still"}
    assert {change.check for change in found.changes} == {one.check for one in run.verdicts if one.status == "fail"}
    assert found.unchanged + len(found.changes) == len(run.verdicts)
    assert not found.remarks
    assert not found.pictures
    assert all(change.worse in (0.0, None) and not change.notes for change in found.changes)


MIRROR: dict[Kind, set[Kind]] = {
    "new": {"fixed", "lost"}, "fixed": {"new"}, "lost": {"new", "gained"}, "gained": {"lost"},
    "still": {"still"}, "changed": {"changed"},
}  # fmt: skip


@given(runs, runs)
def test_runs_that_change_places_mirror_every_change(one: Run, other: Run) -> None:
    there, back = compare(one, other), compare(other, one)
    ahead, behind = kinds(there), kinds(back)
    assert ahead.keys() == behind.keys()
    assert all(behind[check] in MIRROR[kind] for check, kind in ahead.items())
    assert there.unchanged == back.unchanged
    backwards = {change.check: change for change in back.changes}
    for change in there.changes:
        mirrored = backwards[change.check]
        assert repr((change.before, change.after)) == repr((mirrored.after, mirrored.before))
        assert change.worse is None or change.worse == -(mirrored.worse or 0.0)
        assert change.notes == mirrored.notes


@given(runs, runs)
def test_a_comparison_reads_back_as_it_was_written(one: Run, other: Run) -> None:
    found = compare(one, other)
    assert repr(RunComparison.model_validate(found.to_json())) == repr(found)


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        ("pass", "fail", "new"),
        ("suspicious", "fail", "new"),
        ("not measured", "fail", "new"),
        (None, "fail", "new"),
        ("fail", "fail", "still"),
        ("fail", "pass", "fixed"),
        ("fail", "not judged", "fixed"),
        ("fail", "not measured", "lost"),
        ("fail", None, "lost"),
        ("pass", "not measured", "lost"),
        ("pass", None, "lost"),
        ("not measured", "pass", "gained"),
        (None, "suspicious", "gained"),
        ("pass", "suspicious", "changed"),
        ("pass", "pass", None),
        ("not measured", None, None),
    ],
)
def test_what_is_not_measured_is_never_fixed(before: Status | None, after: Status | None, kind: Kind | None) -> None:
    one, other = (run_record(lane_record("a", *verdicts_of("a", *([s] if s else [])))) for s in (before, after))
    assert [change.kind for change in compare(one, other).changes] == ([kind] if kind else [])


def lpips(case: str, difference: float, status: Status = "fail", limit: float = 0.1) -> Verdict:
    return Verdict(
        check=f"a/{case}/lpips", metric="lpips", case=case, status=status, value=difference, golden=0.0,
        difference=difference, tolerance=limit,
    )  # fmt: skip


LPIPS = (Measurement(metric="lpips", better="lower"),)


def test_the_worst_stands_first_in_its_kind_and_new_failures_before_all() -> None:
    before = (lpips("a", 0.0, "pass"), lpips("b", 0.0, "pass"), lpips("c", 0.9), lpips("d", 0.01, "pass"))
    after = (lpips("a", 0.2), lpips("b", 0.5), lpips("c", 0.8), lpips("d", 0.02, "pass"))
    one, other = (run_record(lane_record("a", *some, measurements=LPIPS)) for some in (before, after))
    found = compare(one, other)
    assert [(change.kind, change.case) for change in found.changes] == [
        ("new", "b"), ("new", "a"), ("still", "c"), ("changed", "d"),
    ]  # fmt: skip
    assert found.changes[0].worse == pytest.approx(5.0)  # +0.5 where +0.1 is allowed
    assert found.changes[0].after == CheckFigure(status="fail", value=0.5, difference=0.5, limit=0.1, excess=4.0)
    assert found.changes[2].worse == pytest.approx(-1.0)
    assert found.counts() == {"new": 2, "still": 1, "lost": 0, "fixed": 0, "changed": 1, "gained": 0}
    assert list(found.counts()) == list(KINDS)


def test_a_figure_that_is_not_finite_any_more_is_the_worst() -> None:
    before = (lpips("a", 0.0, "pass"), lpips("b", 0.0, "pass"))
    after = (lpips("a", 9.0), lpips("b", math.nan).model_copy(update={"tolerance": None}))
    one, other = (run_record(lane_record("a", *some, measurements=LPIPS)) for some in (before, after))
    first = compare(one, other).changes[0]
    assert (first.case, first.worse) == ("b", math.inf)


def test_times_count_only_where_their_verdict_changes() -> None:
    def timed(seconds: float, status: Status) -> Run:
        one = Verdict(check="a/budget/inference_s", metric="inference_s", status=status, value=seconds, tolerance=9.0)
        return run_record(lane_record("a", one))

    assert compare(timed(1.0, "pass"), timed(2.0, "pass")).unchanged == 1
    assert [change.kind for change in compare(timed(1.0, "pass"), timed(10.0, "fail")).changes] == ["new"]


def test_what_makes_two_runs_differ_is_said() -> None:
    def made(blob: str, **fields: object) -> Run:
        golden, candidate = (Blob(sha256=letter * 64, bytes=1, media_type="image/png") for letter in blob)
        sample = Sample(case="c", images={"golden": golden, "candidate": candidate})
        facts = Fingerprint(versions={"torch": str(fields.pop("torch", "1"))})
        judge = Provenance(judge_digest=str(fields.pop("judge", "x")), commit="c" * 40, ref="main")
        verdict = Verdict(
            check="a/c/m", metric="m", case="c", status="fail", value=2.0, tolerance=float(str(fields.pop("limit", 1))),
            fingerprint=facts.digest(),
        )  # fmt: skip
        lane = lane_record("a", verdict, samples=(sample,), fingerprint=facts)
        return run_record(lane, provenance=judge, **fields)

    same = compare(made("12"), made("12"))
    assert (same.remarks, same.pictures, same.changes[0].notes) == ((), (), ())
    assert (same.before.commit, same.before.ref) == ("c" * 40, "main")
    other = made("34", torch="2", judge="y", limit=3, suite="t", suite_digest="e", fault="unet-2bit", sdqa_version="1")
    found = compare(made("12"), other)
    said = "\n".join(found.remarks)
    for words in ("two suites, s and t", "judge changed", "1 golden changed: c", "unet-2bit", "sdqa changed, 0 → 1"):
        assert words in said
    assert "a was measured under another fingerprint: versions.torch: 1 → 2" in said
    assert found.changes[0].notes == ("measured under another fingerprint", "its golden changed", "its limit changed")
    [picture] = found.pictures
    assert (picture.lane, picture.case, picture.candidate.sha256) == ("a", "c", "2" * 64)  # the earlier run's
    digest_only = compare(made("12"), made("12", suite_digest="e"))
    assert digest_only.remarks == ("the suite changed, d → e: cases or lanes may differ",)


def test_lanes_that_only_one_run_ran_are_named() -> None:
    one = run_record(lane_record("a"), lane_record("b"), lane_record("c", status="skipped"))
    other = run_record(lane_record("a"), lane_record("b", status="skipped"), lane_record("c"))
    found = compare(one, other)
    assert (found.lanes_before_only, found.lanes_after_only) == (("b",), ("c",))
