"""Errors say what, where and what to do, keep their codes, and survive the way between processes."""

from __future__ import annotations

import pickle

import pytest

from sdqa import errors


def family() -> list[type[errors.SdqaError]]:
    found, queue = [], [errors.SdqaError]
    while queue:
        kind = queue.pop()
        found.append(kind)
        queue.extend(kind.__subclasses__())
    return found


def test_codes_are_unique_and_exit_codes_known() -> None:
    codes = [kind.code for kind in family()]
    assert len(codes) == len(set(codes))
    assert {kind.exit_code for kind in family()} <= {2, 3, 4, 130}


def test_message_has_all_three_parts() -> None:
    error = errors.ModelError("cannot be loaded", where="folder", hint="look there")
    assert str(error) == "SDQA-200: cannot be loaded (folder)\n  → look there"


@pytest.mark.parametrize(
    "error",
    [
        errors.PackageError("truncated", where="a.mlpackage", hint="convert again"),
        errors.ConfigError([errors.Problem("$.a", "is wrong")], where="sdqa.toml"),
    ],
)
def test_errors_cross_processes(error: errors.SdqaError) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert str(copy) == str(error)
