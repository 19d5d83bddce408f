"""The audit log of goldens and tolerances: who changed what, when, from which digest to which, and why.

One JSON object a line in `goldens/<model>/audit.jsonl`, only ever appended to, and a chain: every entry holds the
digest of all lines before it (`previous`) and of itself (`seal`), so a line that was appended, changed or taken out by
hand is found. Entries from before there were chains have neither; the first that has them seals those. `unrecorded`
compares the log with what is there, so a golden that was changed by hand, without a reason, is found too.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError

from sdqa.bundle import Record
from sdqa.bundle.files import Refused, read_regular
from sdqa.bundle.record import later
from sdqa.errors import BundleError
from sdqa.store import digest_of

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
    previous: str = later("")  # digest of all lines before; empty before there were chains
    seal: str = later("")  # digest of this entry without its seal

    def sealed(self, previous: str) -> AuditEntry:
        """The entry as a link of the chain."""
        linked = self.model_copy(update={"previous": previous, "seal": ""})
        return linked.model_copy(update={"seal": linked.content()})

    def content(self) -> str:
        """Digest of what the entry says, its seal apart."""
        return digest_of(self.model_dump(mode="json", exclude={"seal"}))


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
    """Add one line to the log of a model's goldens, linked to those before it.

    Args:
        folder: `goldens/<model>`.

    Raises:
        BundleError: the log that is there is too large.
    """
    folder.mkdir(parents=True, exist_ok=True)
    linked = entry.sealed(_digest_of_lines(_lines(folder)))
    line = json.dumps(linked.model_dump(mode="json"), sort_keys=True, ensure_ascii=False)
    with (folder / AUDIT_FILE).open("a", encoding="utf-8") as stream:
        stream.write(line + "\n")


def read_audit(folder: Path) -> tuple[AuditEntry, ...]:
    """All entries, oldest first; none when there is no log.

    Raises:
        BundleError: the log is too large, or a line is not an entry.
    """
    entries = []
    for number, line in enumerate(_lines(folder), 1):
        try:
            entries.append(AuditEntry.model_validate(json.loads(line)))
        except (ValueError, ValidationError) as error:
            where = f"{folder / AUDIT_FILE}:{number}"
            raise BundleError("a line of the audit log is not an entry", where=where) from error
    return tuple(entries)


def _lines(folder: Path) -> list[str]:
    """The log's lines, blank ones apart; none when there is no log."""
    path = folder / AUDIT_FILE
    if not path.exists():
        return []
    try:
        text = read_regular(path, MAX_AUDIT_BYTES).decode("utf-8")
    except (Refused, OSError, UnicodeDecodeError) as error:
        raise BundleError(f"the audit log cannot be read: {error}", where=str(path)) from error
    return [line for line in text.splitlines() if line.strip()]


def _digest_of_lines(lines: Sequence[str]) -> str:
    return hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()


def broken_links(folder: Path) -> list[str]:
    """Where the chain does not hold, in words.

    Args:
        folder: `goldens/<model>`.

    Raises:
        BundleError: the log is too large, or a line is not an entry.
    """
    lines, entries = _lines(folder), read_audit(folder)
    after: dict[str, str] = {}
    problems = []
    chained = False
    for index, entry in enumerate(entries):
        where = f"{AUDIT_FILE}, entry {index + 1} ({entry.subject}, {entry.date[:10]})"
        if chained and not entry.seal:
            problems.append(f"{where} was not written by sdqa: it has no seal, and those before it do")
        elif entry.seal and entry.seal != entry.content():
            problems.append(f"{where} was changed after it was written: its seal does not fit")
        elif entry.seal and entry.previous != _digest_of_lines(lines[:index]):
            problems.append(f"{where} does not continue the log: a line before it was changed, added or taken out")
        elif entry.seal and entry.before and after.get(entry.subject, entry.before) != entry.before:
            was = after[entry.subject][:12]
            problems.append(f"{where} replaced {entry.before[:12]}, which nobody recorded: the log says {was}")
        chained = chained or bool(entry.seal)
        after[entry.subject] = entry.after
    return problems


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
