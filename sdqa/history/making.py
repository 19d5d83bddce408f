"""A run as a record: its lanes' figures over cases and case by case, and where it comes from.

What the bundle does not say (the address of the CI run, a pull request's number, a commit's parent) comes from the
service's variables, when they are of the same run, and from git.
"""

from __future__ import annotations

import functools
import json
import math
import os
import re
import statistics
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from sdqa.bundle import Lane, Measurement, Run, Status, Verdict
from sdqa.bundle.provenance import COMMIT, REF, RUN, stated, work_tree
from sdqa.errors import BundleError
from sdqa.history.git import output as git
from sdqa.history.records import Figure, FigureColumns, RecordedLane, RecordedPackage, RecordedRun
from sdqa.store import digest_of

ADDRESS = ("CI_PIPELINE_URL", "BUILDKITE_BUILD_URL", "CIRCLE_BUILD_URL", "BUILD_URL")
PULL_REQUEST = ("CI_MERGE_REQUEST_IID", "BUILDKITE_PULL_REQUEST", "CIRCLE_PR_NUMBER", "CHANGE_ID")
WORST_FIRST: tuple[Status, ...] = ("fail", "not measured", "suspicious", "not judged", "pass")
DIGITS = 9
"""Significant digits that are kept of a figure."""
_SHA = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")


def record_of(
    run: Run,
    *,
    folder: Path | None = None,
    ci: str = "",
    report: str = "",
    pull_request: str = "",
    environment: Mapping[str, str] | None = None,
) -> RecordedRun:
    """The record of a run; the same for the same run and arguments.

    Args:
        folder: in the work tree that was judged, for the commit's parent; None: nobody is asked.
        ci, report, pull_request: what the service's variables do not say.
        environment: the process' own otherwise.

    Raises:
        BundleError: the run holds what a record may not: texts without end, addresses that are none.
    """
    variables = os.environ if environment is None else environment
    origin = run.provenance
    here = origin is None or not origin.run_id or origin.run_id == stated(variables, RUN)
    said = variables if here else {}
    commit = origin.commit if origin else _commit(said, folder)
    try:
        return RecordedRun(
            created=run.created,
            identity=run.identity(),
            sdqa_version=run.sdqa_version,
            suite=run.suite,
            suite_digest=run.suite_digest,
            judge=origin.judge_digest if origin else "",
            status=run.status,
            exit_code=run.exit_code,
            fault=run.fault,
            partial=bool(origin and (origin.narrowed or origin.interrupted)),
            repository=origin.repository if origin else "",
            commit=commit,
            modified=bool(origin and origin.modified),
            parent=_parent(folder, commit),
            ref=(origin.ref if origin else "") or stated(said, REF),
            pull_request=pull_request or _pull_request(said),
            ci=ci or _address(said),
            report=report,
            machines=tuple(dict.fromkeys(_machine(lane) for lane in run.lanes if lane.fingerprint.to_json())),
            lanes=tuple(_lane(lane) for lane in run.lanes if lane.status != "skipped"),
        )
    except (ValidationError, ValueError) as problem:
        words = problem.errors()[0]["msg"] if isinstance(problem, ValidationError) else str(problem)
        raise BundleError(f"the run cannot be recorded: {words}", where=run.created[:40]) from problem


def _lane(lane: Lane) -> RecordedLane:
    goldens = {one.case: one.images["golden"].sha256 for one in lane.samples if "golden" in one.images}
    return RecordedLane(
        id=lane.id,
        model=lane.model,
        variant=lane.variant,
        runtime=lane.runtime,
        compute_unit=lane.compute_unit,
        status=lane.status,
        fingerprint=lane.fingerprint,
        packages=tuple(
            RecordedPackage(component=one.component, digest=one.digest, bytes=one.bytes) for one in lane.packages
        ),
        goldens=goldens,
        pictures={one.case: one.image_digest for one in lane.samples if one.image_digest},
        figures=FigureColumns.of(_figures(lane)),
    )


def _figures(lane: Lane) -> list[Figure]:
    """Of every metric one figure of the lane, and one a case: verdicts say more than measurements, where there are.

    A figure that an earlier run measured is that run's, and is left out.
    """
    measured = {(one.metric, one.component or "", one.case or ""): one for one in lane.measurements}
    found: dict[tuple[str, str, str], Figure] = {}
    for verdict in lane.verdicts:
        key = (verdict.metric, verdict.component or "", verdict.case or "")
        if not (key in measured and measured[key].replayed):
            found[key] = _judged(verdict, measured.get(key), _first(measured, key))
    for key, one in measured.items():
        if key not in found and not one.replayed:
            found[key] = _plain(one)
    for metric, component in dict.fromkeys((metric, component) for metric, component, case in found if case):
        if (metric, component, "") not in found:
            found[metric, component, ""] = _over_cases([f for f in found.values() if f[0] == metric and f.case])
    return [found[key] for key in sorted(found)]


def _first(measured: Mapping[tuple[str, str, str], Measurement], key: tuple[str, str, str]) -> Measurement | None:
    """Any measurement of a metric, for what all of them share."""
    return next((one for (metric, component, _), one in measured.items() if (metric, component) == key[:2]), None)


def _judged(verdict: Verdict, one: Measurement | None, any_of: Measurement | None) -> Figure:
    low, high = verdict.interval or (None, None)
    return Figure(
        metric=verdict.metric,
        case=verdict.case or "",
        component=verdict.component or "",
        value=_short(verdict.value),
        golden=_short(verdict.golden),
        difference=_short(verdict.difference),
        low=_short(low),
        high=_short(high),
        limit=_short(verdict.tolerance),
        spread=_short(one.spread) if one else None,
        n=max(0, verdict.n),
        status=verdict.status,
        unit=verdict.unit or (any_of.unit if any_of else ""),
        better=any_of.better if any_of else "none",
    )


def _plain(one: Measurement) -> Figure:
    value, golden = _short(one.value), _short(one.golden)
    difference = None if value is None or golden is None else _short(value - golden)
    spread, count = _short(one.spread), max(0, one.n)
    name = (one.metric, one.case or "", one.component or "")
    return Figure(*name, value, golden, difference, None, None, None, spread, count, "", one.unit, one.better)


def _over_cases(cases: list[Figure]) -> Figure:
    """The median over cases, with the worst status: of a metric that nobody judges over the lane."""
    first = cases[0]

    def middle(values: list[float | None]) -> float | None:
        known = [value for value in values if value is not None and math.isfinite(value)]
        return _short(statistics.median(known)) if known else None

    statuses = {one.status for one in cases}
    limits = {one.limit for one in cases}
    return first._replace(
        case="",
        value=middle([one.value for one in cases]),
        golden=middle([one.golden for one in cases]),
        difference=middle([one.difference for one in cases]),
        low=None,
        high=None,
        limit=limits.pop() if len(limits) == 1 else None,
        spread=None,
        n=len(cases),
        status=next((status for status in WORST_FIRST if status in statuses), ""),
    )


def _short(value: float | None) -> float | None:
    """A figure without the digits that nobody measured."""
    return None if value is None else float(f"{value:.{DIGITS}g}")


def _machine(lane: Lane) -> str:
    facts = lane.fingerprint
    chip = facts.mac.chip if facts.mac and not isinstance(facts.mac, str) else facts.processor
    return " · ".join(part for part in (chip, facts.system, facts.machine) if part)[:200]


def machine_digest(lane: RecordedLane) -> str:
    """What makes two figures of a lane comparable, in ten digits."""
    return _digest_of_facts(lane.fingerprint.model_dump_json())


@functools.lru_cache(maxsize=256)
def _digest_of_facts(facts: str) -> str:
    return digest_of(json.loads(facts))[:10]


def _commit(variables: Mapping[str, str], folder: Path | None) -> str:
    named = stated(variables, COMMIT).lower()
    return named if _SHA.fullmatch(named) else work_tree(folder)[0] if folder else ""


def _parent(folder: Path | None, commit: str) -> str:
    """Of the commit; empty in a shallow clone."""
    if folder is None or not _SHA.fullmatch(commit):
        return ""
    found = git(folder, "rev-parse", "--verify", "--quiet", f"{commit}^1") or ""
    return found if _SHA.fullmatch(found) else ""


def _address(variables: Mapping[str, str]) -> str:
    """Of the service's page of this run."""
    server, repository, number = (
        variables.get(f"GITHUB_{name}", "") for name in ("SERVER_URL", "REPOSITORY", "RUN_ID")
    )
    if server and repository and number:
        return f"{server}/{repository}/actions/runs/{number}"
    return stated(variables, ADDRESS)


def _pull_request(variables: Mapping[str, str]) -> str:
    of_github = re.fullmatch(r"refs/pull/([0-9]+)/(?:merge|head)", variables.get("GITHUB_REF", ""))
    named = of_github[1] if of_github else stated(variables, PULL_REQUEST)
    return named if re.fullmatch(r"[0-9]{1,12}", named) else ""
