"""The system's refusals in words."""

from __future__ import annotations

import errno

from sdqa.endings import in_words
from sdqa.errors import EXIT_INFRASTRUCTURE, EXIT_INTERRUPTED, UsageError


def test_a_full_disk_says_what_where_and_what_to_do() -> None:
    found = in_words(OSError(errno.ENOSPC, "No space left on device", "/store/x"))
    assert (found.what, found.where, found.exit_code) == ("the disk is full", "/store/x", EXIT_INFRASTRUCTURE)
    assert "--store" in found.hint


def test_an_error_of_a_rust_library_is_the_systems_when_it_gives_its_number() -> None:
    assert in_words(RuntimeError("I/O error: No space left (os error 28)")).what == "the disk is full"


def test_what_is_known_stays_and_what_is_not_is_named() -> None:
    known = UsageError("no lane")
    assert in_words(known) is known
    assert in_words(KeyboardInterrupt()).exit_code == EXIT_INTERRUPTED
    assert in_words(ZeroDivisionError("by zero")).what.endswith("ZeroDivisionError: by zero")
