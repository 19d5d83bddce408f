"""The audit log is a chain: what was appended, changed or taken out by hand is found."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from sdqa.errors import BundleError
from sdqa.gate.audit import AUDIT_FILE, AuditEntry, append, broken_links, read_audit

Change = Callable[[list[str]], list[str]]


def entry(subject: str, after: str, before: str | None = None) -> AuditEntry:
    return AuditEntry(
        date="2026-11-25T12:00:00+00:00", who="a", subject=subject, before=before, after=after, reason="why"
    )


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Two changes of one case, one of another."""
    append(tmp_path, entry("portrait", "1" * 64))
    append(tmp_path, entry("winter", "2" * 64))
    append(tmp_path, entry("portrait", "3" * 64, before="1" * 64))
    return tmp_path


def rewrite(folder: Path, change: Change) -> list[str]:
    path = folder / AUDIT_FILE
    lines = change(path.read_text(encoding="utf-8").splitlines())
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return broken_links(folder)


def with_field(line: str, **changes: object) -> str:
    return json.dumps({**json.loads(line), **changes}, sort_keys=True)


def test_a_log_that_only_sdqa_wrote_holds(log: Path) -> None:
    assert broken_links(log) == []
    first, second, third = read_audit(log)
    assert len({first.seal, second.seal, third.seal, first.previous, second.previous, third.previous}) == 6


def test_a_line_appended_by_hand_is_found(log: Path) -> None:
    by_hand = entry("winter", "4" * 64, before="2" * 64).model_dump_json()
    (found,) = rewrite(log, lambda lines: [*lines, by_hand])
    assert "entry 4 (winter" in found
    assert "no seal" in found


def test_a_sealed_line_copied_to_the_end_is_found(log: Path) -> None:
    (found,) = rewrite(log, lambda lines: [*lines, lines[1]])
    assert "entry 4" in found
    assert "does not continue" in found


@pytest.mark.parametrize("index", [0, 1, 2])
def test_a_changed_line_is_found_the_last_one_too(log: Path, index: int) -> None:
    def change(lines: list[str]) -> list[str]:
        return [with_field(line, reason="better") if i == index else line for i, line in enumerate(lines)]

    found = rewrite(log, change)
    assert f"entry {index + 1} " in found[0]
    assert "seal does not fit" in found[0]
    assert len(found) == 3 - index, "and every later entry says that a line before it was changed"


def test_a_line_without_its_seal_is_found(log: Path) -> None:
    found = rewrite(log, lambda lines: [*lines[:2], with_field(lines[2], seal="", previous="")])
    assert "no seal" in found[0]


def test_a_line_taken_out_or_moved_is_found(log: Path) -> None:
    assert "does not continue" in rewrite(log, lambda lines: [lines[0], lines[2]])[0]


def test_what_was_replaced_has_to_be_what_was_recorded(log: Path) -> None:
    append(log, entry("winter", "5" * 64, before="9" * 64))
    (found,) = broken_links(log)
    assert "replaced 999999999999, which nobody recorded: the log says 222222222222" in found


def test_a_case_that_was_removed_may_come_back(log: Path) -> None:
    append(log, entry("winter", "5" * 64))
    assert broken_links(log) == []


def test_an_old_log_is_accepted_and_sealed_by_the_first_chained_entry(tmp_path: Path) -> None:
    old = [entry("portrait", "1" * 64).model_dump_json(), entry("winter", "2" * 64).model_dump_json()]
    assert "seal" not in old[0], "an entry without a chain is written as it always was"
    (tmp_path / AUDIT_FILE).write_text("\n".join(old) + "\n", encoding="utf-8")
    assert broken_links(tmp_path) == []
    append(tmp_path, entry("portrait", "3" * 64, before="1" * 64))
    assert broken_links(tmp_path) == []
    (found,) = rewrite(tmp_path, lambda lines: [with_field(lines[0], reason="other"), *lines[1:]])
    assert "entry 3" in found
    assert "a line before it was changed" in found


def test_blank_lines_and_line_endings_do_not_matter(log: Path) -> None:
    path = log / AUDIT_FILE
    text = path.read_text(encoding="utf-8").replace("\n", "\r\n\r\n")
    path.write_bytes(text.encode())
    assert broken_links(log) == []


@pytest.mark.parametrize("kind", ["bytes", "fifo"])
def test_a_log_that_is_no_text_is_one_error_and_is_not_waited_for(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "audit.jsonl"
    if kind == "bytes":
        path.write_bytes(b"\xff\xfe{\n")
    else:
        os.mkfifo(path)
    with pytest.raises(BundleError, match="the audit log cannot be read"):
        read_audit(tmp_path)
