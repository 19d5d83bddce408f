"""Merge the bundles of several machines into one run. A planned lane that no machine ran makes it incomplete.

Every bundle names all lanes of its plan: those that it ran, and, as skipped, those that are for another machine. So the
union of the names is the plan, and a lane that is skipped everywhere is a hole in the evidence, never a pass. What is
merged is joined and not judged: it says so, and no gate takes its verdicts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from sdqa.bundle.blob import Blob
from sdqa.bundle.diagnosis import Diagnosis
from sdqa.bundle.environment import Environment
from sdqa.bundle.folder import Bundle, blobs_of
from sdqa.bundle.parts import join_all
from sdqa.bundle.records import Failure, Lane, Machines, Run
from sdqa.errors import EXIT_GATE_FAILED, EXIT_INCOMPLETE, BundleError, UsageError, worst
from sdqa.store import canonical_json, digest_of


def merge(bundles: Sequence[Bundle], destination: Bundle, *, planned: Iterable[str] = ()) -> Run:
    """Merge bundles of one suite and write the merged bundle.

    Args:
        bundles: at least one; the order does not matter.
        destination: where the merged `run.json` and all blobs go; what an earlier merge left there is taken away
            first, whatever becomes of this one.
        planned: lane ids that must have run, besides those that the bundles name themselves.

    Raises:
        UsageError: no bundles, or the destination is one of them.
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
    destination.withdraw()
    runs = [(bundle, bundle.read()) for bundle in bundles]
    _refuse_strangers(runs)
    lanes = _lanes(runs, planned)
    # The blobs first: a run.json never names a blob that is not there.
    for bundle, run in runs:
        for blob in blobs_of(run):
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
    try:
        found = join_all(lane for _, run in runs for lane in run.lanes)
    except BundleError as error:
        raise BundleError(
            error.what, where=", ".join(str(bundle.folder) for bundle, _ in runs), hint=error.hint
        ) from error
    for name in planned:
        found.setdefault(name, _never_planned(name))
    return tuple(found[name] for name in sorted(found))


def _never_planned(name: str) -> Lane:
    return Lane(
        id=name, model="", variant="", runtime="", compute_unit="", status="skipped", reason="no bundle has this lane"
    )  # fmt: skip


def _merged(runs: Sequence[Run], lanes: tuple[Lane, ...]) -> Run:
    first = runs[0]
    incomplete = any(lane.status != "ran" for lane in lanes) or any(run.status == "incomplete" for run in runs)
    shared = all(run.provenance == first.provenance for run in runs)
    merged = combined_run(
        runs,
        lanes,
        sdqa_version=first.sdqa_version,
        suite=first.suite,
        suite_digest=first.suite_digest,
        planned_checks=_planned_checks(runs, lanes),
        failures=tuple(dict.fromkeys(failure for run in runs for failure in run.failures)),
        status="incomplete" if incomplete else "complete",
        exit_code=_exit_code(runs, lanes, incomplete),
    )
    told = {"fault": first.fault, "provenance": first.provenance if shared else None, "joined": True}
    return merged.model_copy(update=told)


def combined_run(
    runs: Sequence[Run],
    lanes: tuple[Lane, ...],
    *,
    sdqa_version: str,
    suite: str,
    suite_digest: str,
    planned_checks: int,
    failures: tuple[Failure, ...],
    status: Literal["complete", "incomplete"],
    exit_code: int,
) -> Run:
    """One run with these lanes, and of several runs what they say besides: every diagnosis, machine and case.

    Args:
        runs: may be none at all.
    """
    diagnoses = diagnoses_of(runs)
    tables = [run.sensitivity_table for run in runs if run.sensitivity_table]
    table = min(tables, key=lambda blob: blob.sha256, default=None)
    return Run(
        sdqa_version=sdqa_version,
        suite=suite,
        suite_digest=suite_digest,
        created=max((run.created for run in runs), default=""),
        status=status,
        exit_code=exit_code,
        environment=_environments(runs),
        cases=runs[0].cases if runs else {},
        lanes=lanes,
        planned_checks=planned_checks,
        diagnosis=diagnoses[0] if diagnoses else None,
        diagnoses=diagnoses if len(diagnoses) > 1 else (),
        sensitivity=None if table else next((run.sensitivity for run in runs if run.sensitivity), None),
        sensitivity_table=table,
        sensitivity_tables=_further_tables(runs),
        failures=failures,
        orphans=tuple(sorted({one for run in runs for one in run.orphans}, key=lambda one: one.subject)),
    )


def diagnoses_of(runs: Sequence[Run]) -> tuple[Diagnosis, ...]:
    """Every diagnosis of the runs, once, in the order of their lanes."""
    found = [one for run in runs for one in (*run.diagnoses, *([run.diagnosis] if run.diagnosis else []))]
    unique = {canonical_json(one.to_json()): one for one in found}
    return tuple(unique[text] for text in sorted(unique, key=lambda text: (unique[text].lane, text)))


def _planned_checks(runs: Sequence[Run], lanes: Sequence[Lane]) -> int:
    """How many checks the lanes that ran have to answer: a union, so that a bundle counts once.

    Bundles that do not name them say only how many; those of the same lanes count once.
    """
    unnamed: dict[frozenset[str], int] = {}
    for run in runs:
        ran = [lane for lane in run.lanes if lane.status != "skipped"]
        if not any(lane.planned for lane in ran):
            names = frozenset(lane.id for lane in ran)
            unnamed[names] = max(unnamed.get(names, 0), run.planned_checks)
    return sum(len(lane.planned) for lane in lanes) + sum(unnamed.values())


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
    if not runs:
        return Environment()
    if all(run.environment == runs[0].environment for run in runs):
        return runs[0].environment
    environments: dict[str, Environment] = {}
    for number, run in enumerate(runs, start=1):
        ran = sorted(lane.id for lane in run.lanes if lane.status != "skipped")
        name = ", ".join(ran) or f"bundle {number}"
        for place, one in run.machines.items():
            own = place or name  # a part that was merged before keeps its own names
            environments[own if own not in environments else f"{own} ({number})"] = one
    return environments


def _further_tables(runs: Sequence[Run]) -> tuple[Blob, ...]:
    """The sensitivity tables of further lanes, by digest: several bundles bring the same ones."""
    found = {blob.sha256: blob for run in runs for blob in run.sensitivity_tables}
    return tuple(found[digest] for digest in sorted(found))
