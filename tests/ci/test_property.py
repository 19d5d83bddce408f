"""Green ⇒ every planned check id has a measurement of this commit that passes the checkout's judge.

Random bundles and random damage to them; what is green is held against an oracle that shares no code with the gate.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sdqa.bundle import Fingerprint, Measurement, Run
from sdqa.ci.decide import decide
from sdqa.ci.expected import Expected
from sdqa.ci.intake import Submitted
from sdqa.ci.needs import JobResult
from sdqa.ci.problem import problem
from tests.ci.honest import (
    CASES,
    COMMIT,
    LPIPS,
    MEMORY,
    PARITY,
    PSNR,
    SECONDS,
    expected,
    lane_of,
    linux,
    mac,
    run_of,
    sent,
)
from tests.ci.honest import units as planned_units
from tests.ci.scenarios.making import figure, part

UNITS = planned_units()
LANES = [unit.lane for unit in UNITS]
BOUNDS = {"lpips": (-math.inf, LPIPS), "psnr": (PSNR, math.inf), "parity_psnr": (PARITY, math.inf)}
BOUNDS |= {"model_memory_bytes": (-math.inf, MEMORY), "end_to_end_s": (-math.inf, SECONDS)}
BOUNDS |= dict.fromkeys(("finite", "shape", "contract", "coverage"), (1.0, math.inf))
METRICS = st.sampled_from(["lpips", "psnr", "finite", "shape", "parity_psnr", "model_memory_bytes"])
VALUES = st.sampled_from([None, math.nan, math.inf, -math.inf, -1.0, 0.0, 0.05, 0.2, 1.0, 29.0, 31.0, 5e4])
STATUSES = st.sampled_from(["pass", "fail", "suspicious", "not measured"])

HONEST = [
    linux(),
    mac(),
    run_of(lane_of(UNITS[0])),
    run_of(lane_of(UNITS[1])),
    *(run_of(part(UNITS[0], c)) for c in CASES),
]


def passes(check: str, lane: str, figures: list[Measurement]) -> bool:
    """The oracle: a plain comparison of the figures that lanes of this commit have."""
    scope, _, metric = check.removeprefix(f"{lane}/").rpartition("/")
    low, high = BOUNDS[metric]
    if scope == "all":
        means = [m.value for m in figures if m.metric == metric and m.case in CASES and m.value is not None]
        covered = {m.case for m in figures if m.metric == metric and m.value is not None}
        return covered >= set(CASES) and low <= sum(means) / len(means) <= high
    found = [
        m.value
        for m in figures
        if m.metric == metric and scope == (m.case or m.component or "budget") and m.value is not None
    ]
    return any(low <= value <= high for value in found)


def proved(wanted: Expected, submitted: list[Submitted]) -> bool:
    """Whether every planned check has such a measurement."""
    runs = [one.run for one in submitted if one.run is not None]
    whole = [
        run
        for run in runs
        if run.provenance is not None
        and run.provenance.commit == COMMIT
        and run.provenance.judge_digest == wanted.plan.judge_digest
        and not run.provenance.modified
        and not run.provenance.narrowed
        and not run.provenance.interrupted
        and run.suite_digest == wanted.plan.suite_digest
        and run.sdqa_version == wanted.plan.sdqa_version
        and run.fault is None
    ]
    for unit in wanted.plan.units:
        lanes = [
            lane
            for run in whole
            for lane in run.lanes
            if (lane.id, lane.variant, lane.runtime) == (unit.lane, unit.variant, unit.runtime)
            and lane.status == "ran"
            and lane.fingerprint.system in ((unit.system,) if unit.system else ("Linux", "Darwin", ""))
        ]
        figures = [measurement for lane in lanes for measurement in lane.measurements]
        answered = {verdict.check for lane in lanes for verdict in lane.verdicts}
        if not all(passes(check, unit.lane, figures) and check in answered for check in unit.checks):
            return False
    return bool(wanted.plan.units) and all(job.result == "success" for job in wanted.results or ())


Change = Callable[[Run, Any], Run]
KINDS = ["drop", "status", "field", "system", "verdicts", "verdict", "figures", "figure", "case", "id"]


def lane_change(run: Run, draw: Any) -> Run:
    """Something about one lane that is not as it was."""
    place = draw(st.integers(0, len(run.lanes) - 1))
    lane = run.lanes[place]
    kind = draw(st.sampled_from(KINDS))
    if kind == "drop":
        return run.model_copy(update={"lanes": run.lanes[:place] + run.lanes[place + 1 :]})
    update: dict[str, Any] = {}
    if kind == "status":
        update["status"] = draw(st.sampled_from(["ran", "incomplete", "skipped"]))
    elif kind == "field":
        update[draw(st.sampled_from(["variant", "runtime", "compute_unit", "model"]))] = "other"
    elif kind == "system":
        update["fingerprint"] = Fingerprint(system=draw(st.sampled_from(["Linux", "Darwin", ""])))
    elif kind == "verdicts":
        update["verdicts"] = lane.verdicts[: draw(st.integers(0, 3))]
    elif kind == "verdict" and lane.verdicts:
        at = draw(st.integers(0, len(lane.verdicts) - 1))
        changed = lane.verdicts[at].model_copy(update={"status": draw(STATUSES)})
        update["verdicts"] = (*lane.verdicts[:at], changed, *lane.verdicts[at + 1 :])
    elif kind == "figures":
        kept = draw(st.sets(st.integers(0, 40), max_size=40))
        update["measurements"] = tuple(m for i, m in enumerate(lane.measurements) if i in kept)
    elif kind == "figure":
        return figure(run, lane.id, draw(METRICS), draw(st.sampled_from([None, *CASES])), value=draw(VALUES))
    elif kind == "case":
        extra = Measurement(metric=draw(METRICS), case=draw(st.sampled_from(["owl", *CASES])), value=draw(VALUES))
        update["measurements"] = (*lane.measurements, extra)
    elif kind == "id":
        update["id"] = draw(st.sampled_from([*LANES, "tiny/none"]))
    changed_lane = lane.model_copy(update=update)
    return run.model_copy(update={"lanes": (*run.lanes[:place], changed_lane, *run.lanes[place + 1 :])})


def run_change(run: Run, draw: Any) -> Run:
    """Something about a whole bundle."""
    field, values = draw(
        st.sampled_from(
            [
                ("fault", [None, "nan"]),
                ("suite_digest", ["0" * 64]),
                ("suite", ["other"]),
                ("sdqa_version", ["0.0.0"]),
                ("exit_code", [0, 1, 3, 4, 130]),
                ("created", ["2020-01-01T00:00:00Z"]),
                ("planned_checks", [0, 10**6]),
                ("provenance", [None]),
            ]
        )
    )
    return run.model_copy(update={field: draw(st.sampled_from(values))})


def origin_change(run: Run, draw: Any) -> Run:
    """Something about where a bundle says it comes from."""
    if run.provenance is None:
        return run
    field, values = draw(
        st.sampled_from(
            [
                ("commit", ["", "0" * 40, COMMIT.upper()]),
                ("judge_digest", ["", "0" * 64]),
                ("modified", [True]),
                ("narrowed", [("1 of 27 checks were selected",)]),
                ("interrupted", [True]),
                ("attempt", [0, 2, 3]),
                ("run_id", ["", "6", "10"]),
                ("job", ["", "tests"]),
            ]
        )
    )
    changed = run.provenance.model_copy(update={field: draw(st.sampled_from(values))})
    return run.model_copy(update={"provenance": changed})


CHANGES: list[Change] = [lane_change, lane_change, lane_change, run_change, origin_change]


@st.composite
def evidence(draw: Any) -> tuple[Expected, list[Submitted], bool]:
    """Bundles, mostly honest, some changed; whether there must be an answer for each is not decided here."""
    start = draw(st.sampled_from([[0, 1], [2, 3, 1], [4, 5, 6, 3, 1], [0, 1, 2], [0], [1, 3]]))
    runs: list[Run | str] = [HONEST[i] for i in start]
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(runs) - 1))
        chosen = runs[at]
        action = draw(st.sampled_from(["change", "change", "change", "change", "twice", "again", "quarantine", "drop"]))
        if action == "drop" and len(runs) > 1:
            del runs[at]
        elif action == "quarantine":
            runs.append("run.json is not JSON")
        elif isinstance(chosen, str):
            continue
        elif action == "twice":
            runs.append(chosen)
        else:
            changed = draw(st.sampled_from(CHANGES))(chosen, draw)
            runs[at : at + (action != "again")] = [changed]
    results = [JobResult(job="lanes", result="success")]
    if draw(st.integers(0, 9)) == 0:
        results.append(
            JobResult(job="tests", result=draw(st.sampled_from(["success", "failure", "cancelled", "skipped"])))
        )
    return expected(*results), sent(*draw(st.permutations(runs))), draw(st.integers(0, 19)) == 0


def test_green_is_proof() -> None:
    seen = {"green": 0, "red": 0}
    hold_the_property(seen)
    assert seen["green"] > 100
    assert seen["red"] > 500, "it was not held by being always green, or always red"


def hold_the_property(seen: dict[str, int]) -> None:
    @settings(max_examples=2000, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
    @given(evidence())
    def holds(case: tuple[Expected, list[Submitted], bool]) -> None:
        wanted, submitted, more = case
        run = decide(wanted, submitted, [problem("artifacts", "not all arrived")] if more else [])
        seen["green" if run.exit_code == 0 else "red"] += 1
        if run.exit_code == 0:
            assert not more
            assert proved(wanted, submitted)
            assert {v.check for v in run.verdicts} >= {check for unit in wanted.plan.units for check in unit.checks}
            assert all(v.status in ("pass", "suspicious") for v in run.verdicts)
            assert not run.failures
            assert run.status == "complete"

    holds()


@settings(max_examples=150, deadline=None)
@given(st.permutations([0, 1, 2, 3, 4, 5, 6, 0, 3]))
def test_any_order_of_any_parts_gives_the_same_run(order: list[int]) -> None:
    run = decide(expected(), sent(*(HONEST[i] for i in order)))
    assert run.exit_code == 0
    names = {"environment", "created"}
    assert run.to_json(exclude=names) == decide(expected(), sent(*HONEST)).to_json(exclude=names)
