"""A run in a few kilobytes, for whoever tells others of it without opening the report: `summary.json`."""

from __future__ import annotations

import json

from sdqa.bundle import Record, Run
from sdqa.report.headline import failures_of, headline_of

SCHEMA_VERSION = 1
FILE = "summary.json"
MAX_BYTES = 64 * 2**10
LISTED = (100, 20, 2)
LONGEST = 160


class BriefCheck(Record):
    """A check that did not pass."""

    check: str
    status: str


class Brief(Record):
    """The content of `summary.json`; every list is cut, and the numbers say of what."""

    schema_version: int = SCHEMA_VERSION
    suite: str
    title: str  # Pass, Fail, Incomplete …
    sentence: str
    exit_code: int
    identity: str
    looser: tuple[str, ...] = ()  # what this change does to the judge
    checks: tuple[BriefCheck, ...] = ()  # failing first
    not_passed: int = 0  # before the list was cut
    problems: tuple[str, ...] = ()  # what did not happen
    causes: tuple[str, ...] = ()  # of diagnoses, a line each
    cost: str = ""


def brief_of(run: Run, identity: str = "") -> Brief:
    """A run's brief; its JSON is below `MAX_BYTES` whatever the run says.

    Args:
        identity: of the run, where the caller knows it.
    """
    identity = (identity or run.identity())[:12]
    for listed in LISTED:
        brief = _brief(run, identity, listed)
        if len(json.dumps(brief.to_json())) < MAX_BYTES:
            break
    return brief


def _brief(run: Run, identity: str, listed: int) -> Brief:
    headline = headline_of(run)
    bad = [verdict for verdict in run.verdicts if verdict.status in ("fail", "not measured", "suspicious")]
    bad.sort(key=lambda verdict: (verdict.status != "fail", verdict.status, verdict.check))
    diagnoses = run.diagnoses or ((run.diagnosis,) if run.diagnosis else ())
    return Brief(
        suite=_cut(run.suite),
        title=headline.title,
        sentence=headline.sentence[: 4 * LONGEST],
        exit_code=run.exit_code,
        identity=identity,
        looser=tuple(_cut(f"{one.subject}: {one.what}") for one in run.judge_changes if one.looser)[:listed],
        checks=tuple(BriefCheck(check=_cut(one.check), status=one.status) for one in bad[:listed]),
        not_passed=len(bad),
        problems=tuple(_cut(f"{lane}: {failure.message}") for lane, failure in failures_of(run))[:listed],
        causes=tuple(_cut(f"{one.lane}: {one.verdict.strip().partition(chr(10))[0]}") for one in diagnoses)[:listed],
        cost=cost_sentence(run),
    )


def cost_sentence(run: Run) -> str:
    """`12 minutes of machines in 3 jobs, planned about 10; about $0.07 (…)`; empty where nobody counted."""
    cost = run.cost
    if cost is None:
        return ""
    said = f"{cost.spent_minutes:g} minutes of machines in {cost.jobs} job{'s' if cost.jobs != 1 else ''}"
    if cost.planned_minutes is not None:
        said += f", planned were about {cost.planned_minutes:g}"
    money = [
        f"${value:.2f} {word}" for value, word in ((cost.spent_usd, "spent"), (cost.planned_usd, "planned")) if value
    ]
    if money:
        said += f"; about {', '.join(money)} ({cost.prices})"
    return f"{said}. Installing is not counted."


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
