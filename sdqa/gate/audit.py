"""The audit log of goldens and tolerances: who changed what, when, from which digest to which, and why.

One JSON object a line in `goldens/<model>/audit.jsonl`, only ever appended to. `unrecorded` compares it with what is
there, so a golden that was changed by hand, without a reason, is found.
"""

from __future__ import annotations

import datetime
import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from sdqa.bundle import Record
from sdqa.errors import BundleError

AUDIT_FILE = "audit.jsonl"
MAX_AUDIT_BYTES = 64 * 2**20


class AuditEntry(Record):
    """One change."""

    date: str  # ISO 8601, UTC
    who: str  # from git's configuration
    subject: str  # a case's name, or `tolerances`
    before: str | None = None  # digest of what was there, None for a first record
    after: str
    reason: str
    run: str = ""  # identity of the run that was approved
    diagnosis: str = ""  # what explains a figure that got worse
    worse: tuple[str, ...] = ()  # the figures that got worse, with both values


def now() -> str:
    """This moment, ISO 8601, UTC, whole seconds."""
    return datetime.datetime.now(datetime.UTC).replace(microsecond=0).isoformat()


def author() -> str:
    """`Name <address>` as git would sign a commit here, or `unknown`."""
    parts = {}
    for key in ("user.name", "user.email"):
        try:
            done = subprocess.run(["git", "config", key], capture_output=True, text=True, timeout=10, check=False)
        except (OSError, subprocess.TimeoutExpired):
            continue
        parts[key] = done.stdout.strip()
    name, address = parts.get("user.name", ""), parts.get("user.email", "")
    return f"{name} <{address}>" if name and address else name or address or "unknown"


def append(folder: Path, entry: AuditEntry) -> None:
    """Add one line to the log of a model's goldens.

    Args:
        folder: `goldens/<model>`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    line = json.dumps(entry.model_dump(mode="json"), sort_keys=True, ensure_ascii=False)
    with (folder / AUDIT_FILE).open("a", encoding="utf-8") as stream:
        stream.write(line + "\n")


def read_audit(folder: Path) -> tuple[AuditEntry, ...]:
    """All entries, oldest first; none when there is no log.

    Raises:
        BundleError: the log is too large, or a line is not an entry.
    """
    path = folder / AUDIT_FILE
    if not path.exists():
        return ()
    if path.stat().st_size > MAX_AUDIT_BYTES:
        raise BundleError(f"the audit log is larger than {MAX_AUDIT_BYTES} bytes", where=str(path))
    entries = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            entries.append(AuditEntry.model_validate(json.loads(line)))
        except (ValueError, ValidationError) as error:
            raise BundleError("a line of the audit log is not an entry", where=f"{path}:{number}") from error
    return tuple(entries)


def unrecorded(folder: Path, current: Mapping[str, str]) -> list[str]:
    """What differs from the last recorded change, in words.

    Args:
        folder: `goldens/<model>`.
        current: subject → digest of what is there now.
    """
    last = {entry.subject: entry.after for entry in read_audit(folder)}
    problems = []
    for subject, digest in sorted(current.items()):
        if subject not in last:
            problems.append(f"{subject}: nobody recorded it: {AUDIT_FILE} has no entry")
        elif last[subject] != digest:
            problems.append(
                f"{subject}: changed without a record: {AUDIT_FILE} says {last[subject][:12]}, found {digest[:12]}"
            )
    return problems
