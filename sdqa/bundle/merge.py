"""Merge the bundles of several machines into one run. A planned lane that no machine ran makes it incomplete.

Every bundle names all lanes of its plan: those that it ran, and, as skipped, those that are for another machine. So the
union of the names is the plan, and a lane that is skipped everywhere is a hole in the evidence, never a pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sdqa.bundle.blob import Blob
from sdqa.bundle.environment import Environment
from sdqa.bundle.folder import Bundle
from sdqa.bundle.records import Lane, Machines, Run
from sdqa.errors import EXIT_GATE_FAILED, EXIT_INCOMPLETE, BundleError, UsageError, worst
from sdqa.store import digest_of


def merge(bundles: Sequence[Bundle], destination: Bundle, *, planned: Iterable[str] = ()) -> Run:
    """Merge bundles of one suite and write the merged bundle.

    Args:
        bundles: at least one; the order does not matter.
        destination: where the merged `run.json` and all blobs go; must hold no run of its own.
        planned: lane ids that must have run, besides those that the bundles name themselves.

    Raises:
        UsageError: no bundles, or the destination is one of them or holds a run already.
        BundleError: a bundle cannot be read, they are of different suites, versions or faults, or two of them ran the
            same lane with different results.
    """
    if not bundles:
        raise UsageError("nothing to merge", hint="name at least one bundle's folder")
    folders = {bundle.folder.resolve() for bundle in bundles}
    if destination.folder.resolve() in folders:
        raise UsageError(
            "the merged bundle would overwrite one of its parts",
            where=str(destination.folder),
            hint="choose another --output",
        )
    runs = [(bundle, bundle.read()) for bundle in bundles]
    _refuse_strangers(runs)
    lanes = _lanes(runs, planned)
    # The blobs first: a run.json never names a blob that is not there.
    for bundle, run in runs:
        for blob in _blobs(run):
            destination.add_blob(bundle.read_blob(blob), blob.media_type)
    merged = _merged([run for _, run in runs], lanes)
    destination.write(merged)
    return merged


def _refuse_strangers(runs: Sequence[tuple[Bundle, Run]]) -> None:
    """All bundles must be of one suite, one version of sdqa and one planted fault."""
    (first_bundle, first), *rest = runs
    for bundle, run in rest:
        for what, one, other in (
            ("suites", (first.suite, first.suite_digest), (run.suite, run.suite_digest)),
            ("versions of sdqa", first.sdqa_version, run.sdqa_version),
            ("planted faults", first.fault, run.fault),
            ("cases", _cases_digest(first), _cases_digest(run)),
        ):
            if one != other:
                raise BundleError(
                    f"bundles of different {what} cannot be merged: {_show(one)} and {_show(other)}",
                    where=f"{first_bundle.folder}, {bundle.folder}",
                    hint="run the same commit and suite on every machine",
                )


def _cases_digest(run: Run) -> str:
    return digest_of({name: case.to_json() for name, case in run.cases.items()})


def _show(value: object) -> str:
    return " ".join(str(part)[:40] for part in value) if isinstance(value, tuple) else str(value)[:40]


def _lanes(runs: Sequence[tuple[Bundle, Run]], planned: Iterable[str]) -> tuple[Lane, ...]:
    """One record for each planned lane, by name."""
    found: dict[str, tuple[Bundle, Lane]] = {}
    for bundle, run in runs:
        for lane in run.lanes:
            known = found.get(lane.id)
            found[lane.id] = (bundle, lane) if known is None else _better(known, (bundle, lane))
    for name in planned:
        if name not in found:
            found[name] = (runs[0][0], _never_planned(name))
    return tuple(found[name][1] for name in sorted(found))


def _better(one: tuple[Bundle, Lane], other: tuple[Bundle, Lane]) -> tuple[Bundle, Lane]:
    """The record of a lane that two bundles know: the one that ran. Two that ran must say the same."""
    if other[1].status == "skipped":
        return one
    if one[1].status == "skipped":
        return other
    if _identity(one[1]) != _identity(other[1]):
        raise BundleError(
            f"two bundles ran lane {one[1].id} with different results",
            where=f"{one[0].folder}, {other[0].folder}",
            hint="run each lane on one machine, or merge only one of the two",
        )
    return min(one, other, key=lambda item: str(item[0].folder))


def _identity(lane: Lane) -> str:
    """A lane's results without times: `Run.identity` of a run that has only this lane."""
    return Run(sdqa_version="", suite="", suite_digest="", created="", lanes=(lane,)).identity()


def _never_planned(name: str) -> Lane:
    return Lane(
        id=name, model="", variant="", runtime="", compute_unit="", status="skipped", reason="no bundle has this lane"
    )  # fmt: skip


def _merged(runs: Sequence[Run], lanes: tuple[Lane, ...]) -> Run:
    first = runs[0]
    absent = [lane for lane in lanes if lane.status != "ran"]
    incomplete = bool(absent) or any(run.status == "incomplete" for run in runs)
    return first.model_copy(
        update={
            "created": max(run.created for run in runs),
            "status": "incomplete" if incomplete else "complete",
            "exit_code": _exit_code(runs, lanes, incomplete),
            "environment": _environments(runs),
            "lanes": lanes,
            "planned_checks": sum(run.planned_checks for run in runs),
            "diagnosis": next((run.diagnosis for run in runs if run.diagnosis), None),
            "sensitivity": next((run.sensitivity for run in runs if run.sensitivity), None),
        }
    )


def _exit_code(runs: Sequence[Run], lanes: Sequence[Lane], incomplete: bool) -> int:
    """The worst of what the runs, their failures and all verdicts together say."""
    codes = {run.exit_code for run in runs} | {failure.exit_code for lane in lanes for failure in lane.failures}
    statuses = {verdict.status for lane in lanes for verdict in lane.verdicts}
    if "fail" in statuses:
        codes.add(EXIT_GATE_FAILED)
    if incomplete or "not measured" in statuses or not statuses:
        codes.add(EXIT_INCOMPLETE)
    return worst(codes)


def _environments(runs: Sequence[Run]) -> Machines:
    """Each machine's environment under the lanes that it ran; one environment stays as it is."""
    if len(runs) == 1:
        return runs[0].environment
    environments: dict[str, Environment] = {}
    for number, run in enumerate(runs, start=1):
        ran = sorted(lane.id for lane in run.lanes if lane.status != "skipped")
        name = ", ".join(ran) or f"bundle {number}"
        for place, one in run.machines.items():
            own = place or name  # a part that was merged before keeps its own names
            environments[own if own not in environments else f"{own} ({number})"] = one
    return environments


def _blobs(run: Run) -> Iterable[Blob]:
    return (blob for lane in run.lanes for sample in lane.samples for blob in sample.images.values())
