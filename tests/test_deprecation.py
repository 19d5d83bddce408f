from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

import sdqa
from sdqa import deprecation
from sdqa.deprecation import Deprecated, deprecated

PACKAGE = Path(sdqa.__file__).parent
ARGUMENTS = {"instead", "remove_in"}


def calls(folder: Path) -> Iterator[tuple[str, str]]:
    """Where something is deprecated, and the version in which it goes."""
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name != "deprecated":
                continue
            given = {keyword.arg: keyword.value for keyword in node.keywords}
            literal = [*node.args, *given.values()]
            where = f"{path.relative_to(folder)}:{node.lineno}"
            assert set(given) == ARGUMENTS, where
            assert len(node.args) == 1, where
            assert all(isinstance(value, ast.Constant) for value in literal), f"{where}: literals only"
            yield where, str(ast.literal_eval(given["remove_in"]))


def version(text: str) -> tuple[int, int, int]:
    major, minor, patch = (int(part) for part in text.split("."))
    return major, minor, patch


def overdue(folder: Path, now: str) -> list[str]:
    return [where for where, remove_in in calls(folder) if version(remove_in) <= version(now)]


def test_nothing_is_there_that_was_to_go() -> None:
    assert overdue(PACKAGE, sdqa.__version__) == []


def test_what_is_overdue_is_found(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text('deprecated("a", instead="b", remove_in="0.4.0")\n', encoding="utf-8")
    assert overdue(tmp_path, "0.3.9") == []
    assert overdue(tmp_path, "0.4.0") == ["one.py:1"]
    assert overdue(tmp_path, "1.0.0") == ["one.py:1"]


def test_a_version_that_cannot_be_read_in_the_source_is_refused(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text('deprecated("a", instead="b", remove_in=SOON)\n', encoding="utf-8")
    with pytest.raises(AssertionError, match="literals only"):
        overdue(tmp_path, "0.1.0")


def test_it_is_said_once_and_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deprecation, "_SAID", set())

    def used() -> None:
        deprecated("--old", instead="--new", remove_in="9.0.0")

    with pytest.warns(Deprecated, match=r"^--old is deprecated and goes in sdqa 9\.0\.0; use --new$") as seen:
        used()
    assert seen[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        used()


def test_people_see_it_without_asking() -> None:
    assert issubclass(Deprecated, FutureWarning)
