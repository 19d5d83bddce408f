"""What a change does to the judge: what is not asked any more, what may be worse now, which references are others.

Whatever makes something pass that did not pass before, or not be asked, is *looser*. A looser change needs a recorded
reason: a new entry of the audit log that names exactly this change. Goldens and tolerances have theirs from the verbs
that write them; for the suite's own limits, budgets, lanes and cases, `sdqa judge-diff --record` writes one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from sdqa.bundle import JudgeChange
from sdqa.ci.effective import effective_changes
from sdqa.ci.judge import Rules, baseline_contents, golden_content
from sdqa.ci.judge_diff_measured import case_changes, measured_changes
from sdqa.ci.judge_diff_records import exchanged_files, other_teachers
from sdqa.errors import SdqaError
from sdqa.gate import TOLERANCES_FILE, Tolerances, baseline
from sdqa.gate.audit import AUDIT_FILE, AuditEntry, append, author, now, read_audit
from sdqa.gate.evidence import BUDGETS
from sdqa.gate.manifest import GoldenFile, read_manifest
from sdqa.gate.orphans import orphans
from sdqa.plan import Plan
from sdqa.plan.suite import TEACHER_NOW
from sdqa.store import digest_of

SUBJECT = "judge"
"""Subject of the audit log's entries about the suite itself; they stand in `goldens/audit.jsonl`."""
SUITE_KINDS = frozenset(
    {
        *("suite", "model", "variant", "lane", "case", "plugin"),
        *("check", "metric", "budget", "limit", "floor", "goldens", "calibration"),
    }
)
NAMED = 3


def judge_diff(base: Plan, head: Plan, rules: Rules, *, lost: Sequence[JudgeChange] = ()) -> tuple[JudgeChange, ...]:
    """All differences between two judges.

    Args:
        base: what the change is to be merged into.
        head: the change.
        rules: what a lane has to answer, and how it is judged.
        lost: what of the base's suite could not be read any more.

    Raises:
        SdqaError: an audit log cannot be read.
    """
    suite = [
        *lost,
        *_lanes(base, head),
        *case_changes(base, head),
        *measured_changes(base, head),
        *_checks(base, head, rules),
        *_metrics(base, head),
        *_budgets(base, head),
        *_limits(base, head, rules),
        *_floors(base, head),
        *_calibration(base, head),
    ]
    references = [*_goldens(base, head), *_baselines(base, head), *exchanged_files(base, head)]
    files = [*_tolerances(base, head, rules), *references, *_audit(base, head)]
    return (*with_reason(suite, base.goldens, head), *files, *_orphans(head))


def with_reason(changes: Sequence[JudgeChange], base: Path, head: Plan) -> list[JudgeChange]:
    """Changes of the suite itself, with the reason that was recorded for exactly these.

    Args:
        base: the folder of the goldens before the change: entries that its log has already excuse nothing.
    """
    reason = _reason(base, head.goldens, SUBJECT, changes_digest(changes))
    return [one.model_copy(update={"recorded": reason}) if one.looser else one for one in changes]


def is_silent(changes: Iterable[JudgeChange]) -> bool:
    """Whether the judge became looser in any way that nobody recorded."""
    return any(change.looser and not change.recorded for change in changes)


def changes_digest(changes: Iterable[JudgeChange]) -> str:
    """Identity of what loosens the suite itself, whatever else is edited with it."""
    return digest_of(sorted([one.kind, one.subject, one.what] for one in _of_suite(changes)))


def _of_suite(changes: Iterable[JudgeChange]) -> list[JudgeChange]:
    return [one for one in changes if one.looser and one.kind in SUITE_KINDS]


def record_reason(head: Plan, changes: Sequence[JudgeChange], reason: str) -> AuditEntry:
    """Write down why the suite's own judge becomes looser."""
    loose, after = tuple(f"{one.subject}: {one.what}" for one in _of_suite(changes)), changes_digest(changes)
    entry = AuditEntry(date=now(), who=author(), subject=SUBJECT, after=after, reason=reason, worse=loose)
    append(head.goldens, entry)
    return entry


def _lanes(base: Plan, head: Plan) -> list[JudgeChange]:
    old, new = {lane.id: lane for lane in base.lanes}, {lane.id: lane for lane in head.lanes}
    found = [JudgeChange(kind="lane", subject=name, what="removed", looser=True) for name in old if name not in new]
    found += [JudgeChange(kind="lane", subject=name, what="added", looser=False) for name in new if name not in old]
    for name in sorted(old.keys() & new.keys()):
        gone = sorted((old[name].cases.keys() - new[name].cases.keys()) & head.suite.cases.keys())
        if gone:
            what = f"no longer draws {_some(gone)}"
            found.append(JudgeChange(kind="lane", subject=name, what=what, looser=True))
    return found


def _checks(base: Plan, head: Plan, rules: Rules) -> list[JudgeChange]:
    """Checks of a lane and case that stay, but are not asked any more."""
    new = {lane.id: lane for lane in head.lanes}
    found = []
    for lane in base.lanes:
        if lane.id not in new:
            continue
        gone = set(rules.checks(base, lane)) - set(rules.checks(head, new[lane.id]))
        stay = {case for case in lane.cases if case in new[lane.id].cases}
        scopes = {check: check.removeprefix(f"{lane.id}/").rpartition("/")[0] for check in gone}
        lost = sorted(check for check, scope in scopes.items() if scope not in lane.cases or scope in stay)
        if lost:
            what = f"{len(lost)} checks removed: {_some(lost)}"
            found.append(JudgeChange(kind="check", subject=lane.id, what=what, looser=True))
    return found


def _metrics(base: Plan, head: Plan) -> list[JudgeChange]:
    old, new = base.suite.metrics, head.suite.metrics
    gone = [name for name in old.names if name not in new.names]
    found = [JudgeChange(kind="metric", subject=name, what="removed", looser=True) for name in gone]
    for network in ("clip", "lpips"):
        before, after = getattr(old, network), getattr(new, network)
        if before != after:
            what = f"measured with {after} instead of {before}"
            found.append(JudgeChange(kind="metric", subject=network, what=what, looser=True))
    if base.suite.goldens != TEACHER_NOW == head.suite.goldens:
        what = "drawn by the teacher in the same run instead of recorded"
        found.append(JudgeChange(kind="goldens", subject="goldens", what=what, looser=True))
    return found


def _budgets(base: Plan, head: Plan) -> list[JudgeChange]:
    found = []
    for name in BUDGETS:
        old, new = getattr(base.suite.budgets, name), getattr(head.suite.budgets, name)
        if old != new:
            looser = old is not None and (new is None or new > old)
            what = f"{_number(old)} → {_number(new)}"
            found.append(JudgeChange(kind="budget", subject=name, what=what, looser=looser))
    return found


def _floors(base: Plan, head: Plan) -> list[JudgeChange]:
    """What is asked of the teacher itself; of a metric that is not known here, every other number counts as laxer."""
    if base.suite.floors == head.suite.floors:
        return []
    from sdqa.metrics import METRICS

    found = []
    for name in sorted(base.suite.floors.keys() | head.suite.floors.keys()):
        old, new = base.suite.floors.get(name), head.suite.floors.get(name)
        if old != new:
            what = f"{_number(old)} → {_number(new)}"
            better = METRICS[name].better if name in METRICS else "none"
            tighter = new is not None and (old is None or {"higher": new > old, "lower": new < old}.get(better, False))
            found.append(JudgeChange(kind="floor", subject=name, what=what, looser=not tighter))
    return found


def _calibration(base: Plan, head: Plan) -> list[JudgeChange]:
    """Whether lanes without limits of their own count."""
    old, new = base.suite.gate.require_calibrated, head.suite.gate.require_calibrated
    if old == new:
        return []
    what = f"{str(old).lower()} → {str(new).lower()}"
    return [JudgeChange(kind="calibration", subject="require_calibrated", what=what, looser=old)]


def _limits(base: Plan, head: Plan, rules: Rules) -> list[JudgeChange]:
    """What applies to each check in the end, where the suite's own limits changed."""
    if base.suite.limits == head.suite.limits:
        return []
    return effective_changes(base, head, rules, "limit")


def _tolerances(base: Plan, head: Plan, rules: Rules) -> list[JudgeChange]:
    """The same, where a model's file of tolerances changed; its own audit log says why."""
    found = []
    for model in sorted(base.suite.models.keys() & head.suite.models.keys()):
        old, new = _file_digest(base, model), _file_digest(head, model)
        if old == new:
            continue
        changes = [one for one in effective_changes(base, head, rules, "tolerance", model) if one.looser]
        what = f"{_short(old)} → {_short(new)}"
        whole = JudgeChange(kind="tolerance", subject=f"{model}/{TOLERANCES_FILE}", what=what, looser=False)
        reason = _reason(base.goldens / model, head.goldens / model, "tolerances", new)
        found += [whole, *(one.model_copy(update={"recorded": reason}) for one in changes)]
        found += other_teachers(model, base, head, reason)
    return found


def _goldens(base: Plan, head: Plan) -> list[JudgeChange]:
    """References that are others now, of cases that both have."""
    found = []
    for model in sorted(base.suite.models.keys() & head.suite.models.keys()):
        for case in sorted(base.suite.cases.keys() & head.suite.cases.keys()):
            old, new = golden_content(base, model, case), golden_content(head, model, case)
            if old is None:
                continue
            if old == new:
                before, after = (read_manifest(plan.goldens / model / case).files for plan in (base, head))
                found += _files(base, head, "golden", model, case, new, before, after)
                continue
            if new is None:
                what = "removed: its case will not count as measured"
                found.append(JudgeChange(kind="golden", subject=f"{model}/{case}", what=what, looser=False))
                continue
            reason = _reason(base.goldens / model, head.goldens / model, case, new)
            what = f"{_short(old)} → {_short(new)}"
            found.append(JudgeChange(kind="golden", subject=f"{model}/{case}", what=what, looser=True, recorded=reason))
    return found


def _files(
    base: Plan,
    head: Plan,
    kind: str,
    model: str,
    name: str,
    content: str | None,
    before: Mapping[str, GoldenFile],
    after: Mapping[str, GoldenFile],
) -> list[JudgeChange]:
    """A reference whose files are others while its record says what it said: somebody exchanged them by hand."""
    other = sorted(file for file in before.keys() | after.keys() if before.get(file) != after.get(file))
    if not other:
        return []
    reason = _reason(base.goldens / model, head.goldens / model, name, content)
    what = f"other files under the same record: {_some(other)}"
    return [JudgeChange(kind=kind, subject=f"{model}/{name}", what=what, looser=True, recorded=reason)]


def _baselines(base: Plan, head: Plan) -> list[JudgeChange]:
    """Outcomes of lanes that somebody approved; of one that is gone its checks are gone too, and say so."""
    found = []
    for model in sorted(base.suite.models.keys() & head.suite.models.keys()):
        old, new = baseline_contents(base, model), baseline_contents(head, model)
        for name in sorted(old.keys() & new.keys()):
            if old[name] != new[name]:
                reason = _reason(base.goldens / model, head.goldens / model, name, new[name])
                change = {"what": f"{_short(old[name])} → {_short(new[name])}", "recorded": reason}
                found.append(JudgeChange(kind="baseline", subject=f"{model}/{name}", looser=True, **change))
            elif old[name] is not None:
                before, after = (baseline.read_manifest(plan.goldens / model / name).files for plan in (base, head))
                found += _files(base, head, "baseline", model, name, new[name], before, after)
    return found


def _audit(base: Plan, head: Plan) -> list[JudgeChange]:
    """An audit log is only ever appended to; one that lost entries proves nothing, and no entry can excuse it."""
    found = []
    for model in ("", *sorted(base.suite.models)):
        old, new = read_audit(base.goldens / model), read_audit(head.goldens / model)
        if new[: len(old)] != old:
            lost = {"subject": f"{model}/{AUDIT_FILE}".lstrip("/"), "what": "entries were removed or rewritten"}
            found.append(JudgeChange(kind="audit", looser=True, **lost))
    return found


def _orphans(head: Plan) -> list[JudgeChange]:
    return [JudgeChange(kind="orphan", subject=one.subject, what=one.words, looser=False) for one in orphans(head)]


def _reason(base: Path, head: Path, subject: str, after: str | None) -> str:
    """What a folder's audit log says about exactly this outcome, in an entry that the base does not have yet."""
    known = set(read_audit(base))
    entries = [one for one in read_audit(head) if one not in known]
    return next((one.reason.strip() for one in entries if (one.subject, one.after) == (subject, after)), "")


def _file_digest(plan: Plan, model: str) -> str | None:
    try:
        return Tolerances.load(plan.goldens / model / TOLERANCES_FILE).digest()
    except SdqaError:
        return None


def _some(names: Sequence[str]) -> str:
    return f"{', '.join(names[:NAMED])}{f' and {len(names) - NAMED} more' if len(names) > NAMED else ''}"


def _short(digest: str | None) -> str:
    return digest[:12] if digest else "nothing"


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.6g}"
