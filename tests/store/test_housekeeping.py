"""A store can be measured and pruned: least recently used first, what is in use never, broken things without a fuss."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from sdqa.cli import run
from sdqa.errors import UsageError
from sdqa.store import Store, entries, leases
from sdqa.store.housekeeping import items, prune, sizes

DAY = 86400


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Four entries of 1,000 bytes and their keys, used 40, 30, 20 and 10 days ago, by nobody now."""
    place = tmp_path / "store"
    for number, kind in enumerate(("sample", "sample", "package", "package")):
        store = Store(place)
        entry = store.memo(kind, {"n": number}, lambda folder: (folder / "data").write_bytes(bytes(1000)) and None)
        used(entry.path, 40 - 10 * number)
    del store
    entries._verified.clear()
    assert leases.oldest(place) is None
    return place


def used(entry: Path, days: float) -> None:
    when = entry.stat().st_mtime - days * DAY
    os.utime(entry / "key.json", (when, when))


def left(root: Path) -> list[str]:
    return sorted(item.name.partition("/")[0] for item in items(root))


def test_sizes_are_by_kind(root: Path) -> None:
    kinds = {one.kind: one for one in sizes(items(root))}
    assert kinds["sample"].entries == kinds["package"].entries == 2
    assert kinds["sample"].bytes == sum(p.stat().st_size for p in (root / "sample").rglob("*") if p.is_file())
    assert kinds["sample"].newest - kinds["sample"].oldest == pytest.approx(10 * DAY * 1e9, rel=0.01)


def test_the_least_recently_used_goes_first_until_the_rest_fits(root: Path) -> None:
    whole = sum(item.bytes for item in items(root))
    done = prune(root, most_bytes=whole - 1)
    assert [item.kind for item in done.removed] == ["sample"]
    assert done.bytes_after == sum(item.bytes for item in items(root)) < whole
    prune(root, most_bytes=whole // 2)
    assert left(root) == ["package", "package"]


def test_what_was_not_used_for_long_goes_for_its_age(root: Path) -> None:
    prune(root, older_than_s=25 * DAY)
    assert left(root) == ["package", "package"]


def test_a_dry_run_removes_nothing(root: Path) -> None:
    done = prune(root, most_bytes=0, dry_run=True)
    assert len(done.removed) == 4
    assert len(items(root)) == 4


def test_a_hit_keeps_an_entry(root: Path) -> None:
    assert Store(root).find("sample", {"n": 0}) is not None
    prune(root, most_bytes=sum(item.bytes for item in items(root)) - 1)
    assert Store(root).find("sample", {"n": 0}) is not None
    assert left(root) == ["package", "package", "sample"]


def test_an_entry_that_is_being_built_stays(root: Path) -> None:
    busy = next(item for item in items(root) if item.kind == "sample")
    with FileLock(f"{busy.path}.lock"):
        done = prune(root, most_bytes=0)
    assert [item.name for item in done.kept_in_use] == [busy.name]
    assert left(root) == ["sample"]


def test_what_a_living_process_has_used_stays(root: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from sdqa.store import Store; store = Store(Path(sys.argv[1])); "
        "assert store.find('sample', {'n': 0}); print('read', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(root)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "read\n"
        done = prune(root, most_bytes=0)
        assert [item.kind for item in done.kept_in_use] == ["sample"]
        reader.communicate("")
    assert left(root) == ["sample"]
    prune(root, most_bytes=0)
    assert items(root) == []


def test_broken_things_are_listed_and_removed_first(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    [damaged, cut] = [item.path for item in items(root) if item.kind == "sample"]
    (damaged / "manifest.json").write_text("[1", encoding="utf-8")
    (cut / "data").write_bytes(b"half")
    (root / "package" / ".abc.half").mkdir()
    (root / "package" / "notes").mkdir()
    (root / "package" / "notes" / "todo.txt").write_text("mine", encoding="utf-8")
    (root / "package" / "link").symlink_to(root / "sample")
    states = {item.path.name: item.state for item in items(root)}
    assert [states[path.name] for path in (damaged, cut)] == ["damaged", "damaged"]
    assert {states[".abc.half"], states["notes"], states["link"]} == {"left", "foreign"}
    assert run(["store", "size", "--store", str(root)]) == 0
    assert "sdqa store prune removes it" in capsys.readouterr().out
    assert run(["store", "prune", "--store", str(root)]) == 0
    assert {item.state for item in items(root)} == {"entry"}
    assert left(root) == ["package", "package"]


def test_a_folder_of_something_else_is_refused_untouched(tmp_path: Path) -> None:
    (tmp_path / "letters" / "2024").mkdir(parents=True)
    (tmp_path / "letters" / "2024" / "a.txt").write_text("dear", encoding="utf-8")
    with pytest.raises(UsageError, match="no store"):
        prune(tmp_path, most_bytes=0)
    assert (tmp_path / "letters" / "2024" / "a.txt").exists()


def test_the_verbs_speak_json(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["store", "size", "--store", str(root), "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert {one["kind"]: one["entries"] for one in data["kinds"]} == {"sample": 2, "package": 2}
    arguments = ["store", "prune", "--store", str(root), "--max", "3 KB", "--older-than", "35d", "--dry-run", "--json"]
    assert run(arguments) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["dry_run"] is True
    assert data["bytes_after"] <= 3000 < data["bytes_before"]
    assert run(["store", "prune", "--store", str(root), "--max", "many"]) == 2
    assert run(["store", "size", "--store", str(root / "nowhere")]) == 0
