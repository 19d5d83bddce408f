"""The store makes things once, whole or not at all."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from sdqa import store as store_module
from sdqa.store import Store, canonical_json, digest_of, source_digest, tree_digest, write_atomically


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setattr(store_module, "_verified", set())
    return Store(tmp_path / "store")


def build(folder: Path) -> None:
    (folder / "value.txt").write_text("made", encoding="utf-8")


def test_builds_once_and_finds_again(store: Store) -> None:
    first = store.memo("thing", {"a": 1, "b": 2}, build)
    second = store.memo("thing", {"b": 2, "a": 1}, lambda folder: pytest.fail("built twice"))
    assert first.fresh
    assert not second.fresh
    assert first.path == second.path
    assert (second.path / "value.txt").read_text() == "made"


def test_another_key_is_another_entry(store: Store) -> None:
    assert store.memo("thing", {"a": 1}, build).path != store.memo("thing", {"a": 2}, build).path


def test_a_failed_build_leaves_nothing(store: Store) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").write_text("half", encoding="utf-8")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.memo("thing", {"a": 1}, fail)
    assert store.find("thing", {"a": 1}) is None
    assert [path for path in (store.root / "thing").iterdir() if path.is_dir()] == []


@pytest.mark.parametrize("damage", ["truncated", "changed", "removed"])
def test_a_damaged_entry_is_built_again(store: Store, monkeypatch: pytest.MonkeyPatch, damage: str) -> None:
    entry = store.memo("thing", {"a": 1}, build)
    file = entry.path / "value.txt"
    {
        "truncated": lambda: file.write_text("ma", encoding="utf-8"),
        "changed": lambda: file.write_text("mode", encoding="utf-8"),
        "removed": file.unlink,
    }[damage]()
    monkeypatch.setattr(store_module, "_verified", set())
    again = store.memo("thing", {"a": 1}, build)
    assert again.fresh
    assert file.read_text() == "made"


def test_canonical_json_ignores_order_and_refuses_nan() -> None:
    assert canonical_json({"b": 1, "a": [1.5]}) == '{"a":[1.5],"b":1}'
    with pytest.raises(ValueError, match="Out of range"):
        digest_of(float("nan"))


def test_source_digest_covers_rooms() -> None:
    assert source_digest("plan") != source_digest("plan", "store")
    assert source_digest("plan", "store") == source_digest("store", "plan")


def test_tree_digest_sees_names_and_bytes(tmp_path: Path) -> None:
    write_atomically(tmp_path / "a" / "x", b"1")
    before = tree_digest(tmp_path)
    (tmp_path / "a" / "x").rename(tmp_path / "a" / "y")
    assert tree_digest(tmp_path) != before


def test_what_somebody_removed_is_built_again(store: Store) -> None:
    entry = store.memo("kind", {"a": 1}, build)
    shutil.rmtree(entry.path)
    assert store.find("kind", {"a": 1}) is None
    again = store.memo("kind", {"a": 1}, build)
    assert again.fresh
    assert (again.path / "value.txt").read_text(encoding="utf-8") == "made"
