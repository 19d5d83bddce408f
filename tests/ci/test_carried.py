"""A report that did not pass stands for no other commit."""

from __future__ import annotations

from pathlib import Path

import pytest

from sdqa.bundle import Bundle, Run
from sdqa.ci.carried import carried_lanes
from sdqa.ci.problem import problem
from sdqa.plan import load_suite, make_plan
from tests.ci import honest
from tests.ci.test_affected import changed, gate, measured_before
from tests.ci.test_gate import Place


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


ORIGINS: dict[str, object] = {"narrowed": ("1 of 2 checks were selected",), "interrupted": True, "modified": True}
WHOLE_RUNS = {
    "narrowed": "was narrowed: 1 of 2",
    "interrupted": "was interrupted",
    "modified": "files of its commit were changed",
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
