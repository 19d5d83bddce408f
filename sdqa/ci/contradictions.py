"""A lane's record, held against itself and against the checkout: what one machine left must tell one story.

None of this proves that a figure is right. It makes sure that a record which was edited in one place, or put together
from two runs, is not taken for a measurement.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

from sdqa.bundle import CaseInputs, Environment, Lane, Package, Sample, is_timing
from sdqa.bundle.facts import PackageCost
from sdqa.ci.problem import some
from sdqa.ci.reference import LaneReference
from sdqa.families import drawable_components

Figures = Mapping[tuple[str | None, str], float | None]
"""(component, metric) → value."""
OF_PACKAGES = ("contract", "coverage")
"""What is read from every package, whatever the cases are."""
OF_THE_DEVICE = ("load_ms", "predict_ms", "footprint_peak_bytes")
"""Times and memory that a device is asked for in every run; the others are those of the samples."""
ROUNDED = 1e-3
"""Of a percentage that is written with four decimals, of times and of whole bytes: what no edit is worth."""


def contradictions(lane: Lane, reference: LaneReference) -> list[str]:
    """What speaks against a lane that ran, in words; of one that failed its failures do already.

    Args:
        lane: as one machine left it, not joined with others.
    """
    if lane.failures or not lane.measurements:
        return []
    return [
        *_of_samples(lane, reference),
        *_of_components(lane, reference),
        *_of_packages(lane, reference),
        *_of_fingerprint(lane, reference),
        *(() if lane.carried else [*_of_times(lane), *_of_sums(lane)]),
    ]


def _of_samples(lane: Lane, reference: LaneReference) -> Iterator[str]:
    drawn = [sample.case for sample in lane.samples]
    measured = {figure.case for figure in lane.measurements if figure.case is not None}
    if len(set(drawn)) != len(drawn):
        yield "a case has two samples"
    if missing := sorted(measured - set(drawn)):
        yield f"figures of cases that it has no sample of: {some(missing)}"
    if missing := sorted(set(drawn) - measured):
        yield f"samples of cases that it has no figures of: {some(missing)}"
    finite = {figure.case: figure.value for figure in lane.measurements if figure.metric == "finite"}
    for sample in lane.samples:
        bad = sorted(name for name, count in sample.facts.nonfinite.items() if count)
        if bad and finite.get(sample.case, 1) == 1:
            yield f"{sample.case}/finite: is 1, and values of {some(bad)} were not finite"
        yield from _of_counts(sample, reference)
        if sample.seconds is not None and not 0 <= sample.seconds < math.inf:
            yield f"{sample.case}: it took {sample.seconds} seconds"
        record = (reference.goldens or {}).get(sample.case)
        if record is not None and sample.facts.timesteps != record.timesteps:
            yield f"{sample.case}: another schedule than the golden's"


def _of_counts(sample: Sample, reference: LaneReference) -> Iterator[str]:
    """Of everything that ran it must be told how much was not finite, and of nothing else."""
    told = sample.facts.nonfinite
    if not told:
        yield f"{sample.case}: it does not tell whether everything was finite"
        return
    wanted = reference.packaged or reference.components
    if untold := sorted(set(wanted) - told.keys()):
        yield f"{sample.case}: it does not tell whether everything of {some(untold)} was finite"
    if strange := sorted(told.keys() - set(reference.packaged or drawable_components())):
        yield f"{sample.case}: it tells of {some(strange)[:200]}, which the lane does not run"
    if min(told.values()) < 0:
        yield f"{sample.case}: it tells of fewer values than none that were not finite"


def _of_components(lane: Lane, reference: LaneReference) -> Iterator[str]:
    """Every machine measures each component and budget itself: what one left out, another cannot stand in for."""
    measured = {(figure.component, figure.metric): figure for figure in lane.measurements}
    if missing := [metric for metric in reference.budgets if (None, metric) not in measured]:
        yield f"all: it has no {some(missing)}"
    for component in reference.packaged:
        if missing := [metric for metric in OF_PACKAGES if (component, metric) not in measured]:
            yield f"{component}: it has no {some(missing)}"
    drawn = {sample.case for sample in lane.samples}
    whole = drawn >= reference.cases.keys()
    for component, traced in reference.traced.items():
        figure, own = measured.get((component, "parity_psnr")), drawn & set(traced)
        # A lane that is whole on one machine does not write the readings down: nobody has to join them.
        told = figure.by_case.keys() or (own if whole else set()) if figure is not None else set()
        if missing := sorted(own - told):
            yield f"{component}/parity_psnr: it has none of {some(missing)}"


def _of_packages(lane: Lane, reference: LaneReference) -> Iterator[str]:
    found = [package.component for package in lane.packages]
    if sorted(found) != sorted(reference.packaged):
        yield f"packages of {some(found) or 'nothing'}, planned were {some(reference.packaged) or 'none'}"
        return
    figures = {(figure.component, figure.metric): figure.value for figure in lane.measurements}
    for package in lane.packages:
        yield from _of_package(package, figures)
    costs = [package.facts.cost for package in lane.packages if package.facts.cost is not None]
    if len(costs) == len(found):
        yield from _of_costs(lane.packages, costs, figures)
    else:
        yield f"only {len(costs)} of {len(found)} packages tell what they ask for"


def _of_package(package: Package, figures: Figures) -> Iterator[str]:
    size = figures.get((package.component, "package_bytes"))
    if size != package.bytes:
        yield f"{package.component}: a package of {package.bytes} bytes, measured were {size}"
    coverage = package.facts.coverage
    if coverage is None:
        yield f"{package.component}/coverage: it does not tell what was found"
        return
    flaws = (*coverage.missing, *coverage.changed, *coverage.invented)
    if flaws and figures.get((package.component, "coverage")) == 1:
        yield f"{package.component}/coverage: is 1, and {some(flaws)} are missing, changed or invented"
    if coverage.parameters < 1:
        yield f"{package.component}/coverage: a component of {coverage.parameters} parameters"
    ways = (coverage.equal, coverage.rounded, coverage.compressed, len(coverage.scaled), len(coverage.folded))
    if sum(ways) != coverage.found or coverage.exact != coverage.equal + coverage.rounded or min(ways) < 0:
        yield f"{package.component}/coverage: {coverage.found} found are not those of which it tells how"
    told = coverage.found + len(coverage.missing) + len(coverage.changed)
    if told != coverage.parameters:
        yield f"{package.component}/coverage: tells of {told} parameters, and has {coverage.parameters}"


def _of_costs(packages: Sequence[Package], costs: Sequence[PackageCost], figures: Figures) -> Iterator[str]:
    """Budgets whose figures follow from the packages, against what the packages ask for."""
    told: dict[str, float] = {
        "model_memory_bytes": sum(one.weight_bytes_stored for one in costs)
        + max((one.peak_live_bytes for one in costs), default=0),
        "one_at_a_time_memory_bytes": max((one.weight_bytes_stored + one.peak_live_bytes for one in costs), default=0),
    }
    lints = [one.facts.neural_engine for one in packages if one.facts.neural_engine is not None]
    flops = sum(one.flops for one in costs)
    if len(lints) == len(costs) and flops:
        away = sum(cost.flops * lint.leaving_share for cost, lint in zip(costs, lints, strict=True))
        told["off_neural_engine_percent"] = 100 * away / flops
    for metric, value in told.items():
        have = figures.get((None, metric))
        if have is not None and abs(have - value) > ROUNDED:
            yield f"all/{metric}: is {have:.6g}, the packages ask for {value:.6g}"


def _of_fingerprint(lane: Lane, reference: LaneReference) -> Iterator[str]:
    facts = lane.fingerprint
    for what, said, planned in (
        ("runtime", facts.runtime, lane.runtime),
        ("compute unit", facts.compute_unit, lane.compute_unit),
    ):
        if said != planned:
            yield f"the {what} of its fingerprint is {said or 'not told'}, planned was {planned}"
    drawn = {sample.case for sample in lane.samples}
    others = sorted({one.teacher for case, one in (reference.goldens or {}).items() if case in drawn} - {facts.teacher})
    if others:
        yield f"measured with the teacher {facts.teacher[:12] or 'nobody knows'}, the goldens are of {others[0][:12]}"


def _of_times(lane: Lane) -> Iterator[str]:
    """A time that is judged was measured in this run, on the cases that were drawn in it: on all of them."""
    seconds = {sample.case: sample.seconds for sample in lane.samples}
    drawn = sorted(case for case, taken in seconds.items() if taken is not None)
    for figure in lane.measurements:
        if figure.replayed or not is_timing(figure.metric) or figure.metric in OF_THE_DEVICE:
            continue
        cases = sorted(figure.cases or seconds)
        where = f"{figure.component or 'all'}/{figure.metric}"
        if cases != drawn:
            yield f"{where}: a time of {some(cases)}, drawn in this run were {some(drawn) or 'none'}"
        elif lane.replayed and not figure.cases and len(cases) > 1:
            yield f"{where}: a time of all cases of a lane that was replayed"
        elif not figure.samples and figure.metric in ("inference_s", "latency_ms"):
            yield f"{where}: a time without readings"
        elif figure.metric == "end_to_end_s":
            told, readings = sorted(seconds[case] or 0.0 for case in cases), sorted(figure.samples)
            if len(told) != len(readings) or any(abs(a - b) > ROUNDED for a, b in zip(told, readings, strict=True)):
                yield f"{where}: its readings are not the seconds that its samples took"


def _of_sums(lane: Lane) -> Iterator[str]:
    """The time inside the components is the sum of theirs, and part of the time from end to end."""
    spent: dict[str, float] = {}
    for figure in lane.measurements:
        spent[figure.metric] = spent.get(figure.metric, 0.0) + math.fsum(figure.samples)
    inside, ends = spent.get("inference_s", 0.0), spent.get("end_to_end_s", math.inf)
    parts = spent.get("latency_ms", 1000 * inside) / 1000
    if abs(parts - inside) > ROUNDED or inside > ends + ROUNDED:
        whole = f"of {ends:.6g} s from end to end" if inside > ends else "by the whole"
        yield f"all/inference_s: the components took {parts:.6g} s one by one, and {inside:.6g} s {whole}"


def unlike_planned(lane: Lane, said: Mapping[str, CaseInputs], reference: LaneReference) -> list[str]:
    """The cases of a lane that were put in as something else than the suite's, in words."""
    measured = {figure.case for figure in lane.measurements}
    drawn = [case for case in reference.cases if case in measured]
    return [text for case in drawn if (text := _unlike(case, said.get(case), reference.cases[case]))]


def _unlike(case: str, said: CaseInputs | None, planned: CaseInputs) -> str:
    if said is None:
        return f"{case}: it does not say what was put in"
    other = sorted(name for name in CaseInputs.model_fields if getattr(said, name) != getattr(planned, name))
    return f"{case}: another {some(other)} than the suite's" if other else ""


def elsewhere(lanes: Iterable[Lane], machines: Iterable[Environment]) -> list[str]:
    """Lanes whose fingerprint is of none of the machines that left the bundle, in words: what is unlike the likest."""
    fields = ("system", "os_build", "machine", "processor", "cores", "versions")
    found, known = [], tuple(machines)
    for lane in lanes:
        unlike = ([f for f in fields if getattr(lane.fingerprint, f) != getattr(one, f)] for one in known)
        other = min(unlike, key=len)
        if lane.measurements and other:
            found.append(f"{lane.id}: another {some(other)} than the machine's")
    return found
