"""Goldens that no case of the suite asks for: what is left of a case that was deleted, or of one that was renamed."""

from __future__ import annotations

import shutil

from sdqa.errors import UsageError
from sdqa.gate.audit import AuditEntry, append, author, now
from sdqa.gate.manifest import MANIFEST_FILE, read_manifest
from sdqa.plan import Plan
from sdqa.plan.suite import TEACHER_NOW

REMOVED = ""
"""What the audit log calls the digest of a golden that is not there any more."""


def orphans(plan: Plan) -> tuple[str, ...]:
    """`<model>/<case>` of goldens of the suite's models that no case asks for, sorted."""
    if plan.suite.goldens == TEACHER_NOW:
        return ()
    found = []
    for model in plan.suite.models:
        wanted = {name for name, case in plan.suite.cases.items() if not case.models or model in case.models}
        places = sorted((plan.goldens / model).glob(f"*/{MANIFEST_FILE}"))
        found += [f"{model}/{place.parent.name}" for place in places if place.parent.name not in wanted]
    return tuple(sorted(found))


def orphans_text(plan: Plan) -> str:
    """The orphans in one line for people; empty when there are none."""
    names = orphans(plan)
    if not names:
        return ""
    some = f"{', '.join(names[:5])}{' …' if len(names) > 5 else ''}"
    return f"orphans  {len(names)} goldens that no case asks for: {some} (sdqa goldens prune --reason '…')"


def prune(plan: Plan, reason: str) -> tuple[str, ...]:
    """Remove the orphans, each with an entry of its model's audit log; their names.

    Raises:
        UsageError: there are some and no reason was given.
        GoldenMissing: a manifest is damaged.
    """
    names = orphans(plan)
    if names and not reason.strip():
        raise UsageError(f"{len(names)} goldens would be removed", where=", ".join(names), hint="say why: --reason '…'")
    for name in names:
        model, _, case = name.partition("/")
        folder = plan.goldens / model / case
        before = read_manifest(folder).content()
        shutil.rmtree(folder)
        entry = AuditEntry(
            date=now(), who=author(), subject=case, before=before, after=REMOVED, reason=reason.strip(), run=""
        )
        append(plan.goldens / model, entry)
    return names
