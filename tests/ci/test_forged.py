"""Bundles that are honest but for one thing: each is red, and says in which lane, case and figure, and what to do."""

from __future__ import annotations

import functools
import types
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sdqa.bundle import Failure, Lane, Measurement, Run
from sdqa.ci import agreement, contradictions, examined, figures, origin, pictures, reference
from sdqa.ci.carried import CARRIED
from sdqa.ci.decide import decide
from sdqa.ci.reference import LaneReference
from sdqa.metrics import kinds
from tests.ci import honest
from tests.ci.forged import FP16, LANES, RUNS, SMALL, honest_lane, timed, with_facts, with_figure, with_machine
from tests.ci.honest import expected, golden, lane_of, linux, mac, run_of, sample_of, sent, units, with_lane
from tests.ci.mutants import Scenario, unnoticed


def whole(lane: Lane) -> list[Run]:
    """The evidence of all machines, with one lane as it is."""
    return [run_of(lane, lane_of(units()[1])), mac()]


def said(run: Run) -> list[Failure]:
    return [*run.failures, *(failure for lane in run.lanes for failure in lane.failures)]


@pytest.mark.parametrize("name", LANES)
def test_a_lane_that_contradicts_itself_or_the_checkout(name: str) -> None:
    words, make = LANES[name]
    run = decide(expected(), sent(*whole(make())))
    assert run.exit_code in (1, 4)
    [found] = [one for one in said(run) if words in one.message]
    assert (found.where, found.exit_code) == (FP16, 4)
    assert found.message.endswith("run the lane again")


@pytest.mark.parametrize("name", RUNS)
def test_a_bundle_that_contradicts_itself_or_the_checkout(name: str) -> None:
    words, make = RUNS[name]
    run = decide(expected(), sent(make(), mac()))
    assert run.exit_code == 4
    assert [one for one in said(run) if words in one.message and one.where == "bundle-0"], said(run)


def test_a_refused_figure_is_not_judged_and_says_why() -> None:
    run = decide(expected(), sent(*whole(LANES["a_distance_below_nothing"][1]())))
    [verdict] = [one for one in run.verdicts if one.check == f"{FP16}/cat/lpips"]
    assert (verdict.status, verdict.value) == ("not measured", None)
    assert "cannot be a value of lpips" in verdict.reason


def test_a_figure_that_fails_is_red_whatever_else_contradicts_it() -> None:
    worse = with_figure("psnr", "dog", value=3.0).model_copy(update={"samples": ()})
    assert decide(expected(), sent(*whole(worse))).exit_code == 1


# Goldens without a record.


@functools.cache
def drawn_now() -> Any:
    """A checkout whose teacher draws the goldens in every run."""
    wanted = expected()
    references = {name: replace(one, goldens=None) for name, one in wanted.judge.references.items()}
    return replace(wanted, judge=replace(wanted.judge, references=references))


def golden_said(lane: str, value: float, run: Run) -> Run:
    """One lane's golden of one case reads something else."""
    [found] = [one for one in run.lanes if one.id == lane]
    changed = tuple(
        m.model_copy(update={"golden": value}) if (m.metric, m.case) == ("lpips", "cat") else m
        for m in found.measurements
    )
    return with_lane(run, lane, measurements=changed)


def test_lanes_agree_on_a_golden_that_nobody_recorded() -> None:
    assert decide(drawn_now(), sent(linux(), mac())).exit_code == 0
    run = decide(drawn_now(), sent(golden_said(SMALL, 0.2, linux()), mac()))
    [found] = said(run)
    assert (run.exit_code, found.where) == (4, SMALL)
    assert found.message == f"cat/lpips: the golden's figure is 0.2, {FP16} says 0: run both lanes again"


def test_another_machine_may_draw_another_golden() -> None:
    engine = units()[2].lane
    assert decide(drawn_now(), sent(linux(), golden_said(engine, 0.2, mac()))).exit_code == 0


# What is no contradiction.


def carried_from_two_machines() -> Lane:
    """What a gate joined of two machines has figures of both."""
    figures = [
        m.model_copy(update={"fingerprint": "another"}) if m.case is None else m for m in honest_lane().measurements
    ]
    kept = tuple(
        m if m.metric == "parity_psnr" else n for m, n in zip(honest_lane().measurements, figures, strict=True)
    )
    first = sample_of("cat").model_copy(update={"seconds": None})
    return honest_lane(carried="1" * 40, measurements=kept, samples=(first, *honest_lane().samples[1:]))


def replayed() -> Lane:
    """Everything came from the store; one case was drawn again for its time."""
    facts = {"cases": ("cat",), "samples": (2.0,), "n": 1, "spread": 0.0}
    others = tuple(sample_of(case).model_copy(update={"seconds": None}) for case in ("dog", "fox"))
    return with_figure("end_to_end_s", **facts).model_copy(
        update={"replayed": True, "samples": (sample_of("cat"), *others)}
    )


def not_timed() -> Lane:
    """Everything came from the store, its times too, and that is what it says."""
    samples = tuple(sample_of(case).model_copy(update={"seconds": None}) for case in honest.CASES)
    return with_figure("end_to_end_s", replayed=True).model_copy(update={"replayed": True, "samples": samples})


def of_the_device(metric: str) -> Lane:
    kind = kinds.OF_LANES[metric]
    place = "unet" if kind.of == "component" else None
    samples = (3.0, 5.0, 4.0)
    facts = {"samples": samples, "n": 3, "spread": 0.816496580927726}
    figure = honest.figure_of(metric, 4.0, component=place, fingerprint=honest_lane().fingerprint.digest(), **facts)
    return replayed().model_copy(update={"measurements": (*replayed().measurements, figure)})


def not_a_number() -> Lane:
    readings = {"cat": (float("nan"),), "dog": (60.0,), "fox": (60.0,)}
    return with_figure("parity_psnr", "unet", value=float("nan"), spread=None, by_case=readings)


def twice_the_same() -> Lane:
    return honest_lane(measurements=(*honest_lane().measurements, honest_lane().measurements[0]))


def a_failed_lane() -> Lane:
    failure = Failure(stage="generate", where="cat", code="SDQA-600", message="no golden", exit_code=4)
    return honest_lane(failures=(failure,), samples=())


def not_finite() -> Lane:
    lane = with_figure("finite", "cat", value=0.5)
    facts = sample_of("cat").facts.model_copy(update={"nonfinite": {"unet": 3}})
    first = sample_of("cat").model_copy(update={"facts": facts})
    return lane.model_copy(update={"samples": (first, *lane.samples[1:])})


def unlinted() -> Lane:
    figure = honest.figure_of("off_neural_engine_percent", 50.0, fingerprint=honest_lane().fingerprint.digest())
    lane = with_facts(neural_engine=None)
    return lane.model_copy(update={"measurements": (*lane.measurements, figure)})


def a_weight_that_is_missing() -> Lane:
    lane = LANES["a_weight_is_missing_and_the_coverage_is_whole"][1]()
    figures = tuple(
        m.model_copy(update={"value": 0.0}) if (m.metric, m.component) == ("coverage", "unet") else m
        for m in lane.measurements
    )
    return lane.model_copy(update={"measurements": figures})


SOUND = {
    "honest": honest_lane,
    "carried": carried_from_two_machines,
    "replayed": replayed,
    "not timed": not_timed,
    **{metric: functools.partial(of_the_device, metric) for metric in contradictions.OF_THE_DEVICE},
    "not a number": not_a_number,
    "twice the same": twice_the_same,
    "failed": a_failed_lane,
    "not finite": not_finite,
    "unlinted": unlinted,
    "timed": lambda: timed(1.5, 1500.0),
    "a weight is missing": a_weight_that_is_missing,
    "nothing measured": lambda: honest_lane(measurements=(), samples=(), packages=()),
}


@functools.cache
def lanes() -> dict[str, Lane]:
    return {**{name: make() for name, make in SOUND.items()}, **{name: make() for name, (_, make) in LANES.items()}}


@functools.cache
def held_by() -> dict[str, LaneReference]:
    """The checkout as it is, and others."""
    known = expected().judge.references[FP16]
    bare = {case: golden(case).model_copy(update={"metrics": {}, "scores": {}}) for case in honest.CASES}
    sizeless = {case: golden(case).model_copy(update={"inputs": {}}) for case in honest.CASES}
    return {
        "the goldens": known,
        "the teacher": replace(known, goldens=None),
        "nothing recorded": replace(known, goldens={}),
        "other metrics": replace(known, goldens=bare),
        "no size": replace(known, goldens=sizeless),
        "no packages": replace(known, packaged=()),
    }


@pytest.mark.parametrize("name", SOUND)
def test_what_is_no_contradiction(name: str) -> None:
    assert examined.examined(lanes()[name], held_by()["the goldens"])[1] == []


def test_a_golden_that_the_checkout_has_no_record_of() -> None:
    _, found = examined.examined(lanes()["honest"], held_by()["nothing recorded"])
    assert "cat/finite: the checkout has no golden of this case: sdqa goldens: run the lane again" in found


# Every condition is held.


def on_all(call: Any, *names: str) -> list[Scenario]:
    """The same call on every lane by the checkout, and on the honest one and some by others."""

    def scenario(lane: Lane, known: LaneReference) -> Scenario:
        return lambda module: repr(call(module, lane, known))

    found = [scenario(lane, held_by()["the goldens"]) for lane in lanes().values()]
    return found + [scenario(lanes()[name], known) for known in held_by().values() for name in ("honest", *names)]


def held(module: types.ModuleType, scenarios: Iterable[Scenario]) -> None:
    kept = dict(vars(module))
    try:
        found = [one for one in unnoticed(module, scenarios) if one != "if TYPE_CHECKING"]
        assert not found, "\n".join(found)
    finally:
        vars(module).update(kept)


def test_figures() -> None:
    against_baseline = honest.figure_of("psnr", 50.0, case="cat").model_copy(update={"metric": "baseline_psnr"})
    more = honest_lane(measurements=(*honest_lane().measurements, against_baseline))
    scenarios = on_all(lambda module, lane, known: module.vetted(lane, known))
    held(figures, [*scenarios, lambda module: module.vetted(more, held_by()["nothing recorded"])])


def test_contradictions() -> None:
    planned = held_by()["the goldens"]

    def unlike(run: Run) -> Scenario:
        return lambda module: module.unlike_planned(run.lanes[0], run.cases, planned)

    def elsewhere(run: Run, *altered: Lane) -> Scenario:
        return lambda module: module.elsewhere([*run.lanes, *altered], run.environment)

    runs = [linux(), *(make() for _, make in RUNS.values())]
    few = linux().model_copy(update={"lanes": (with_cases("cat"),), "cases": {"cat": linux().cases["cat"]}})
    carried = with_machine(system="Darwin").model_copy(update={"carried": "1" * 40})
    scenarios = on_all(lambda module, lane, known: module.contradictions(lane, known), "unlinted")
    scenarios += [unlike(run) for run in [*runs, few]] + [elsewhere(run) for run in runs]
    stale = {**(planned.goldens or {}), "fox": golden("fox").model_copy(update={"teacher": "0" * 64})}
    part = lane_of(units()[0], ["cat", "dog"])
    scenarios.append(lambda module: module.contradictions(part, replace(planned, goldens=stale)))
    held(contradictions, [*scenarios, elsewhere(linux(), carried)])


def with_cases(*cases: str) -> Lane:
    return honest_lane(measurements=tuple(m for m in honest_lane().measurements if m.case in cases))


def test_pictures() -> None:
    shown = [linux(), *(make() for _, make in RUNS.values())]
    goldenless = held_by()["the teacher"]

    def flaws(run: Run, known: LaneReference) -> Scenario:
        return lambda module: module.picture_flaws(run.lanes[0], known, honest.PIXELS)

    scenarios = [flaws(run, held_by()["the goldens"]) for run in shown] + [flaws(run, goldenless) for run in shown]
    held(pictures, scenarios)


def test_agreement() -> None:
    def odds(*parts: Lane) -> Scenario:
        return lambda module: module.at_odds(parts)

    other = golden_said(FP16, 0.2, linux()).lanes[0]
    held(agreement, [odds(honest_lane(), other), odds(honest_lane(), honest_lane())])


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

    def strange(run: Run) -> Scenario:
        return lambda module: module.strange(run, wanted)

    def against(run: Run, name: str) -> Scenario:
        return lambda module: module.of_bundle(name, run, wanted, honest.PIXELS)

    scenarios = [strange(run) for run in runs]
    scenarios += [against(run, name) for run in runs if run.provenance for name in ("one", CARRIED)]
    held(origin, scenarios)


def test_clocks_may_differ_by_an_hour() -> None:
    early = honest.NOW - timedelta(days=1, minutes=59)
    assert list(origin.strange(linux(), replace(expected(), now=early))) == []
    assert list(origin.strange(linux(), replace(expected(), now=early - timedelta(minutes=2))))


def test_examined() -> None:
    held(examined, on_all(lambda module, lane, known: module.examined(lane, known)))


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
    plans = [honest.plan(tmp_path / "sdqa.toml", text) for text in (honest.SUITE, now, torch)]

    def known(module: types.ModuleType) -> object:
        found = [one for plan in plans for one in module.references_of(plan).values()]
        return [(one.packaged, one.goldens and sorted(one.goldens), sorted(one.kinds)) for one in found]

    held(reference, [known])
    [one] = {tuple(each.goldens or ()) for each in reference.references_of(plans[0]).values()}
    assert one == ("cat", "fox")
