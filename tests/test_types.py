"""What is written down is typed to the last field, and one name means one class."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TYPED_ROOMS = ("bundle", "gate", "report", "workflow")

#: Border functions that may say `Any`, as `sdqa/room/file.py:function`, each with the reason. None needs to.
UNTYPED: dict[str, str] = {}

#: Class names that two files may define, each with the reason.
SHARED_NAMES = {
    "Package": "mil knows nothing of the product: its package is a folder on disk, the bundle's a record of one",
}


def untyped(path: Path) -> Iterator[str]:
    """The places of a file that say `Any`, other than to import it: `path:function`, or `path:` outside of any."""
    yield from _untyped(ast.parse(path.read_text(encoding="utf-8")), path.relative_to(ROOT).as_posix(), "")


def _untyped(node: ast.AST, path: str, function: str) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _untyped(child, path, child.name)
            continue
        named = child.id if isinstance(child, ast.Name) else child.attr if isinstance(child, ast.Attribute) else ""
        quoted = isinstance(child, ast.Constant) and isinstance(child.value, str) and child.value.strip() == "Any"
        if named == "Any" or quoted:
            yield f"{path}:{function}"
        yield from _untyped(child, path, function)


@pytest.mark.parametrize("room", TYPED_ROOMS)
def test_a_typed_room_says_any_nowhere_but_at_its_borders(room: str) -> None:
    found = {place for path in sorted((ROOT / "sdqa" / room).rglob("*.py")) for place in untyped(path)}
    assert found == {place for place in UNTYPED if place.startswith(f"sdqa/{room}/")}


def test_what_says_any_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    path = tmp_path / "a.py"
    path.write_text(
        "from typing import Any\nimport typing\n"
        "def f(x: dict[str, Any]) -> None: ...\n"
        "def g() -> typing.Any: ...\n"
        "class C:\n    field: 'Any' = 1\n    def h(self) -> int:\n        return 1\n"
        "Alias = list[Any]\n"
    )
    assert sorted(set(untyped(path))) == ["a.py:", "a.py:f", "a.py:g"]


def class_places(*folders: Path) -> dict[str, list[str]]:
    """Class name → the files that define it."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted(path for folder in folders for path in folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                found[node.name].append(str(path))
    return found


def test_one_name_is_one_class() -> None:
    places = class_places(ROOT / "sdqa", ROOT / "training")
    assert len(places) > 100
    twice = {name for name, files in places.items() if len(files) > 1}
    assert twice == set(SHARED_NAMES), {name: places[name] for name in twice ^ set(SHARED_NAMES)}
