"""The store makes things once, whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path

import pytest

from sdqa.store import Store, canonical_json, digest_of, entries, tree_digest, write_atomically


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setattr(entries, "_verified", set())
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
    monkeypatch.setattr(entries, "_verified", set())
    again = store.memo("thing", {"a": 1}, build)
    assert again.fresh
    assert file.read_text() == "made"


def test_canonical_json_ignores_order_and_refuses_nan() -> None:
    assert canonical_json({"b": 1, "a": [1.5]}) == '{"a":[1.5],"b":1}'
    with pytest.raises(ValueError, match="Out of range"):
        digest_of(float("nan"))


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


def test_a_hit_remembers_when_it_was_and_a_read_only_store_serves_too(store: Store) -> None:
    key = {"a": 1}
    entry = store.memo("kind", key, build)
    os.utime(entry.path / "key.json", (1, 1))
    assert store.find("kind", key) is not None
    assert (entry.path / "key.json").stat().st_mtime > 10**9


def test_what_another_process_built_meanwhile_is_taken(store: Store) -> None:
    """Its lock may have been pruned away: then two build the same, and one finds the other's in its place."""
    key = {"a": 1}

    def overtaken(folder: Path) -> None:
        build(folder)
        place = store.place("kind", key)
        place.mkdir()
        (place / "value.txt").write_text("made", encoding="utf-8")
        size, digest = 4, hashlib.sha256(b"made").hexdigest()
        manifest = {"value.txt": {"bytes": size, "sha256": digest}}
        (place / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")

    entry = store.memo("kind", key, overtaken)
    assert (entry.path / "value.txt").read_text(encoding="utf-8") == "made"
    assert [path.name for path in entry.path.parent.iterdir() if path.is_dir()] == [entry.path.name]


def test_the_content_of_an_entry_is_its_files_whatever_its_key_was(store: Store) -> None:
    first, second = (store.memo("kind", {"a": number}, build) for number in (1, 2))
    other = store.memo("kind", {"a": 3}, lambda folder: write_atomically(folder / "value.txt", b"other"))
    assert first.path != second.path
    assert first.content == second.content != other.content
