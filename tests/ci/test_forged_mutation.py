"""Every condition on what a bundle says of itself is held: without any of them something else is said."""

from __future__ import annotations

import types
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from sdqa.bundle import Bundle, Lane, Measurement, Run
from sdqa.bundle.facts import WeightCoverage
from sdqa.ci import agreement, attempts, contradictions, examined, figures, origin, reference
from sdqa.ci.attempts import Attempt
from sdqa.ci.carried import CARRIED
from sdqa.ci.expected import Expected
from sdqa.ci.reference import LaneReference
from sdqa.metrics import kinds
from tests.ci import honest, honest_pictures
from tests.ci.forged import RUNS
from tests.ci.forged.altered import FP16, golden_said, honest_lane, with_facts, with_machine
from tests.ci.honest import expected, golden, lane_of, linux, mac, run_of, units, with_lane
from tests.ci.mutants import Scenario, held
from tests.ci.sound import a_failed_lane, held_by, lanes


def on_all(call: Any, *names: str) -> list[Scenario]:
    """The same call on every lane by the checkout, and on the honest one and some by others."""

    def scenario(lane: Lane, known: LaneReference) -> Scenario:
        return lambda module: repr(call(module, lane, known))

    found = [scenario(lane, held_by()["the goldens"]) for lane in lanes().values()]
    return found + [scenario(lanes()[name], known) for known in held_by().values() for name in ("honest", *names)]


def test_figures() -> None:
    against_baseline = honest.figure_of("psnr", 50.0, case="cat").model_copy(update={"metric": "baseline_psnr"})
    more = honest_lane(measurements=(*honest_lane().measurements, against_baseline))
    scenarios = on_all(lambda module, lane, known: module.vetted(lane, known, honest_pictures.shown()))
    held(
        figures,
        [*scenarios, lambda module: module.vetted(more, held_by()["nothing recorded"], honest_pictures.shown())],
    )


def test_contradictions() -> None:
    planned = held_by()["the goldens"]

    def unlike(run: Run) -> Scenario:
        return lambda module: module.unlike_planned(run.lanes[0], run.cases, planned)

    def elsewhere(run: Run, *altered: Lane) -> Scenario:
        return lambda module: module.elsewhere([*run.lanes, *altered], run.machines.values())

    runs = [linux(), *(make() for _, make in RUNS.values())]
    few = linux().model_copy(update={"lanes": (with_cases("cat"),), "cases": {"cat": linux().cases["cat"]}})
    scenarios = on_all(lambda module, lane, known: module.contradictions(lane, known), "unlinted")
    scenarios += [unlike(run) for run in [*runs, few]] + [elsewhere(run) for run in runs]
    stale = {**(planned.goldens or {}), "fox": golden("fox").model_copy(update={"teacher": "0" * 64})}
    part = lane_of(units()[0], ["cat", "dog"])
    silent = part.model_copy(update={"measurements": tuple(silenced(m) for m in part.measurements)})
    scenarios.append(lambda module: module.contradictions(silent, planned))
    scenarios.append(lambda module: module.contradictions(part, replace(planned, goldens=stale)))
    held(contradictions, scenarios)


def silenced(figure: Measurement) -> Measurement:
    return figure.model_copy(update={"by_case": {}})


def with_cases(*cases: str) -> Lane:
    return honest_lane(measurements=tuple(m for m in honest_lane().measurements if m.case in cases))


def test_agreement() -> None:
    def odds(*parts: Lane) -> Scenario:
        return lambda module: module.at_odds(parts)

    def counted(*parts: Lane) -> Scenario:
        return lambda module: module.counted_at_odds(parts)

    fewer = with_facts(coverage=WeightCoverage(parameters=1, found=1))
    other = golden_said(FP16, 0.2, linux()).lanes[0]
    counts = [counted(honest_lane(), one) for one in (honest_lane(), fewer, with_facts(coverage=None))]
    held(agreement, [odds(honest_lane(), other), odds(honest_lane(), honest_lane()), *counts])


def test_origin() -> None:
    wanted = expected()
    runs = [linux(), mac(), linux(created="2026-01-01T00:00:00"), linux(exit_code=3), linux(provenance=None)]
    runs += [make() for _, make in RUNS.values()]
    runs += [linux(origin={"started": "2026-01-01T12:00:00+14:00"})]
    runs += [linux(fault="f"), linux(suite_digest="0" * 64), linux(suite_digest=wanted.plan.suite_digest[:12])]
    runs += [linux(sdqa_version="0", suite_digest=wanted.plan.suite_digest[:12])]
    altered = ({"commit": ""}, {"modified": True}, {"judge_digest": ""}, {"narrowed": ("a",)}, {"interrupted": True})
    runs += [linux(origin=one) for one in altered]
    failed = with_lane(linux(status="incomplete", exit_code=4), FP16, failures=a_failed_lane().failures)
    missing = with_lane(
        linux(exit_code=4),
        FP16,
        verdicts=(linux().lanes[0].verdicts[0].model_copy(update={"status": "not measured"}),),
    )
    runs += [failed, missing, run_of(), linux(environment={"a": linux().environment})]
    runs += [run_of(linux().lanes[0].model_copy(update={"id": "tiny/other"}))]

    def strange(run: Run, name: str = "one", told: Expected = wanted) -> Scenario:
        return lambda module: module.strange(name, run, told)

    def against(run: Run, name: str) -> Scenario:
        return lambda module: module.of_bundle(name, run, wanted, honest_pictures.shown())

    later = replace(wanted, committed=honest.NOW)
    scenarios = [strange(run) for run in runs] + [strange(linux(), told=replace(wanted, committed=None))]
    scenarios += [strange(linux(), name, later) for name in ("one", CARRIED)]
    scenarios += [against(run, name) for run in runs if run.provenance for name in ("one", CARRIED)]
    held(origin, scenarios)


def test_attempts() -> None:
    def possible(run: Run, own: Attempt | None) -> Scenario:
        return lambda module: module.impossible(run, own)

    def ordered(*runs: Run) -> Scenario:
        return lambda module: [*module.out_of_order([(str(number), run) for number, run in enumerate(runs)])]

    def own(**variables: str) -> Scenario:
        told = {f"GITHUB_RUN_{name.upper()}": value for name, value in variables.items()}
        return lambda module: repr(module.own_attempt(told))

    runs = [linux(origin={"attempt": number}) for number in (0, 1, 4)] + [linux(provenance=None)]
    runs.append(linux(origin={"run_id": "11"}))
    early, late = "2025-12-31T23:00:00", "2026-01-01T00:00:00+00:00"
    scenarios = [possible(run, one) for run in runs for one in (None, honest.ATTEMPT)]
    again = linux(origin={"attempt": 2, "started": early})
    scenarios += [ordered(linux(), again), ordered(again, linux()), ordered(linux(provenance=None), again)]
    scenarios += [ordered(linux(), linux(origin={"attempt": 2, "started": late})), ordered(linux(), linux())]
    scenarios += [ordered(linux(), linux(origin={"run_id": "9", "started": early}))]
    scenarios += [own(), own(id="7"), own(attempt="2"), own(id="7", attempt="2"), own(id="7", attempt="two")]
    held(attempts, scenarios)
    assert attempts.own_attempt({"GITHUB_RUN_ID": "10", "GITHUB_RUN_ATTEMPT": "3"}) == honest.ATTEMPT
    assert attempts.own_attempt({"CI_PIPELINE_ID": "10"}) is None


def test_clocks_may_differ_by_an_hour() -> None:
    early = honest.NOW - timedelta(days=1, minutes=59)
    assert list(origin.strange("bundle", linux(), replace(expected(), now=early))) == []
    assert list(origin.strange("bundle", linux(), replace(expected(), now=early - timedelta(minutes=2))))
    late = honest.BEGAN + timedelta(hours=1)
    assert list(origin.strange("bundle", linux(), replace(expected(), committed=late))) == []
    assert list(origin.strange("bundle", linux(), replace(expected(), committed=late + timedelta(seconds=1))))


def test_examined(tmp_path: Path) -> None:
    honest.record_goldens(tmp_path / "goldens")
    plan = honest.plan(tmp_path / "sdqa.toml")
    bundle = Bundle(honest.keep(tmp_path / "bundle", linux()))

    def demanded(lane: Lane) -> Scenario:
        return lambda module: module.demand_examined(bundle, run_of(lane), [lane], plan)

    bare = honest_lane(samples=(), packages=(), measurements=honest_lane().measurements[:1])
    scenarios = on_all(lambda module, lane, known: module.examined(lane, known, honest_pictures.shown()))
    held(examined, [*scenarios, demanded(honest_lane()), demanded(bare), demanded(with_machine(teacher=""))])


def test_kinds() -> None:
    figure = Measurement(metric="m", value=0.5, unit="B", better="lower")

    def flaw(*kind: Any, value: float | None = 0.5, **facts: Any) -> Scenario:
        other = figure.model_copy(update={"value": value, **facts})
        return lambda module: module.Kind(*kind).flaw("m", other)

    scenarios = [flaw("B", "lower", (0, 1)), flaw("B", "higher", (0, 1)), flaw("", "lower", (0, 1))]
    scenarios += [
        flaw("B", "lower", (1, 2)),
        flaw("B", "lower", (0, 1), "lane", True),
        flaw("B", "lower", (0, 9), value=9),
    ]
    scenarios += [flaw("B", "lower", (0, 1), value=value) for value in (None, float("nan"), float("inf"), 3.0)]
    held(kinds, scenarios)


def test_reference(tmp_path: Path) -> None:
    honest.record_goldens(tmp_path / "goldens")
    (tmp_path / "goldens" / "tiny" / "dog" / "manifest.json").write_text("{}")
    now = honest.SUITE.replace('goldens = "goldens"', 'goldens = "teacher"')
    torch = honest.SUITE.replace('runtime = "coreml"\ncompute_units = ["CPU_AND_NE"]', 'runtime = "torch"')
    sourced = honest.SUITE.replace('prompt = "a cat"', 'prompt = "a cat"\nsource = "file:cat.png"\nstrength = 0.5')
    plans = [honest.plan(tmp_path / "sdqa.toml", text) for text in (honest.SUITE, now, torch, sourced)]

    def known(module: types.ModuleType) -> object:
        found = [one for plan in plans for one in module.references_of(plan).values()]
        return [(one.packaged, one.traced, one.goldens and sorted(one.goldens), sorted(one.kinds)) for one in found]

    held(reference, [known])
    [one] = {tuple(each.goldens or ()) for each in reference.references_of(plans[0]).values()}
    assert one == ("cat", "fox")
    of_pictures = reference.references_of(plans[-1])[FP16].traced
    assert (of_pictures["vae_encoder"], of_pictures["unet"]) == (("cat",), ("cat", "dog", "fox"))
