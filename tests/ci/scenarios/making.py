"""How scenarios are made and registered: honest bundles with one thing altered, whole lanes and parts of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sdqa.bundle import Failure, JudgeChange, Run
from sdqa.ci.expected import Expected
from sdqa.ci.intake import Submitted
from sdqa.gate import judge
from tests.ci.honest import CASES, expected, judged, lane_of, mac, run_of, sent, units, with_lane

Made = tuple[Expected, list[Submitted], list[Failure], list[JudgeChange]]
SCENARIOS: dict[str, tuple[int, Callable[[], Made]]] = {}
FP16, SMALL, ENGINE = "tiny/fp16", "tiny/small", "tiny/fp16@coreml-cpu_and_ne"


def scenario(code: int) -> Callable[[Callable[[], Any]], Callable[[], Any]]:
    """Register a scenario by its function's name; a bare list of runs is what arrived under the usual expectations."""

    def register(make: Callable[[], Any]) -> Callable[[], Any]:
        def made() -> Made:
            found = make()
            if isinstance(found, list):
                return expected(), sent(*found), [], []
            wanted, runs, *more = found
            changes = [one for one in more if isinstance(one, JudgeChange)]
            return wanted, sent(*runs), [one for one in more if not isinstance(one, JudgeChange)], changes

        SCENARIOS[make.__name__] = (code, made)
        return make

    return register


def figure(run: Run, lane: str, metric: str, case: str | None, **fields: Any) -> Run:
    """One figure altered; the verdicts in the bundle stay as they were."""
    [record] = [one for one in run.lanes if one.id == lane]
    changed = tuple(
        m.model_copy(update=fields) if m.metric == metric and m.case == case else m for m in record.measurements
    )
    return with_lane(run, lane, measurements=changed)


def honestly(run: Run, lane: str) -> Run:
    """The lane's own verdicts follow its figures, and so does the exit code."""
    [record] = [one for one in run.lanes if one.id == lane]
    verdicts = judged(record).verdicts
    code = 1 if any(v.status == "fail" for v in verdicts) else 4
    return with_lane(run, lane, verdicts=verdicts).model_copy(update={"exit_code": code})


def part(unit: Any, *cases: str, **fields: Any) -> Any:
    """What a job leaves that was planned for some cases of a lane: it answers the checks of these, and says so."""
    lane = lane_of(unit, cases, **fields)
    asked = [c for c in unit.checks if all(not c.startswith(f"{unit.lane}/{o}/") for o in CASES if o not in cases)]
    planned = lane.model_copy(update={"planned": tuple(asked)})
    return planned.model_copy(update={"verdicts": verdicts(expected(), planned)})


def verdicts(wanted: Expected, lane: Any) -> Any:
    """A machine's own, on what it was planned for."""
    return judge(lane, wanted.judge.standards[lane.id], wanted.judge.budgets[lane.id], planned=lane.planned)


def in_parts(*parts: Any) -> list[Run]:
    return [*(run_of(one) for one in parts), run_of(lane_of(units()[1])), mac()]
