"""A report that did not pass stands for no other commit."""

from __future__ import annotations

from pathlib import Path

import pytest

from sdqa.bundle import Bundle, Run
from sdqa.ci.carried import carried_lanes
from sdqa.ci.problem import problem
from sdqa.plan import load_suite, make_plan
from tests.ci import honest
from tests.ci.gated_place import COMMITTED, Place, git
from tests.ci.test_affected import changed, gate, measured_before


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    return measured_before(tmp_path, monkeypatch)


def red(run: Run, what: str) -> Run:
    first, *others = run.lanes
    failed = first.verdicts[0].model_copy(update={"status": "fail"})
    failure = problem("somewhere", "something")
    made: dict[str, dict[str, object]] = {
        "a failure": {"failures": (failure,)},
        "failed": {"exit_code": 1},
        "incomplete": {"status": "incomplete"},
        "incomplete, by nobody": {"status": "incomplete", "exit_code": 4},
        "another suite": {"suite_digest": "0" * 64},
        "joined": {"joined": True},
        "a verdict": {
            "lanes": (first.model_copy(update={"verdicts": (failed, *first.verdicts[1:])}), *others),
        },
        "a verdict less": {"lanes": (first.model_copy(update={"verdicts": first.verdicts[1:]}), *others)},
        "no verdict": {"lanes": (first.model_copy(update={"verdicts": (), "planned": ()}), *others)},
        "a lane's failure": {"lanes": (first.model_copy(update={"failures": (failure,)}), *others)},
        "skipped": {"lanes": (first.model_copy(update={"status": "skipped"}), *others)},
    }
    return run.model_copy(update=made[what]) if what in made else honest.with_origin(run, **{what: ORIGINS[what]})


ORIGINS: dict[str, object] = {
    "narrowed": ("1 of 2 checks were selected",),
    "interrupted": True,
    "modified": True,
    "judge_digest": "0" * 64,
}
ORIGINS["started"] = "at dawn"
WHOLE_RUNS = {
    "narrowed": "was narrowed: 1 of 2",
    "interrupted": "was interrupted",
    "modified": "files of its commit were changed",
    "another suite": "its suite is not that of its commit",
    "judge_digest": "its limits or goldens are not those of its commit",
    "started": "nobody can tell that it is of commit",
    "a failure": "failures of its own: somewhere: something",
    "failed": "is complete and ended with exit code 1",
    "joined": "was joined of several and held against no plan",
    "incomplete": "is incomplete and ended with exit code 0",
    "incomplete, by nobody": "is incomplete and ended with exit code 4",
}
"""What is red as a whole, and why nothing of it is carried."""


@pytest.mark.parametrize(
    "what", [*WHOLE_RUNS, "a verdict", "a verdict less", "no verdict", "a lane's failure", "skipped"]
)
def test_what_did_not_pass_is_not_carried(place: Place, what: str) -> None:
    bundle = Bundle(place.root / "earlier")
    bundle.write(red(bundle.read(), what))
    changed(place, "README.md", "words")
    plan = make_plan(load_suite(place.suite), place.suite, platform="linux")
    found = carried_lanes(plan, bundle.folder)
    if what in WHOLE_RUNS:
        assert found.lanes == ()
        assert found.words.startswith("nothing is carried: ")
        assert WHOLE_RUNS[what] in found.words
    else:
        assert found.lanes == ("tiny/small", "tiny/fp16@coreml-cpu_and_ne")
    assert gate(place) == 4


def carried(place: Place) -> tuple[tuple[str, ...], str]:
    plan = make_plan(load_suite(place.suite), place.suite, platform="linux")
    found = carried_lanes(plan, place.root / "earlier")
    return found.lanes, found.words


def test_a_report_that_names_a_later_commit_than_it_measured(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was changed between the two would go unmeasured."""
    monkeypatch.setattr("tests.ci.gated_place.COMMITTED", "2026-01-01T03:00:00+00:00")
    changed(place, "weights.bin", "others")
    bundle = Bundle(place.root / "earlier")
    run = bundle.read()
    assert carried(place)[0] == (), "every lane is affected by a file that nobody knows"
    bundle.write(honest.with_origin(run, commit=git(place.suite.parent, "rev-parse", "HEAD")))
    assert carried(place) == ((), f"nothing is carried: it began before its commit {head(place)} was made")
    later = {"started": "2026-01-01T02:30:00+00:00", "ended": "2026-01-01T03:30:00+00:00"}
    bundle.write(honest.with_origin(bundle.read(), **later))
    assert len(carried(place)[0]) == 3, f"clocks may differ by an hour; the first commit is of {COMMITTED}"


def test_a_report_that_names_a_commit_without_its_suite(place: Place) -> None:
    text = place.suite.read_text(encoding="utf-8")
    place.suite.unlink()
    place.commit_all("gone")
    bundle = Bundle(place.root / "earlier")
    bundle.write(honest.with_origin(bundle.read(), commit=git(place.suite.parent, "rev-parse", "HEAD")))
    named = head(place)
    changed(place, "sdqa.toml", text)
    assert carried(place) == ((), f"nothing is carried: its commit {named} has no such suite")


def head(place: Place) -> str:
    return git(place.suite.parent, "rev-parse", "HEAD")[:12]


def test_a_carried_lane_of_a_machine_that_the_report_does_not_know(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    changed(place, "README.md", "words")
    assert gate(place) == 0
    bundle = Bundle(place.root / "earlier")
    run = bundle.read()
    machine = run.lanes[0].fingerprint.model_copy(update={"processor": "a faster chip"})
    bundle.write(honest.with_lane(run, run.lanes[0].id, fingerprint=machine))
    capsys.readouterr()
    assert gate(place) == 4
    said = " ".join(capsys.readouterr().out.split())
    assert "tiny/fp16: another processor than the machine's" in said
