"""Folders and addresses: added in any order, twice, from two places it is the same; a crash leaves no half."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sdqa.errors import HistoryError
from sdqa.history import RecordedRun, add_records, open_place, read_history
from sdqa.history.files import MAX_FILE_BYTES, encode
from sdqa.history.places import HistoryFolder
from sdqa.history.reading import once
from sdqa.history.writing import merge_places
from tests.history.records import record_at

RECORDS = [record_at(number, 0.01 + number / 1000) for number in range(8)]


def content(place: Path) -> dict[str, bytes]:
    return {path.relative_to(place).as_posix(): path.read_bytes() for path in place.rglob("*") if path.is_file()}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 2)), min_size=1, max_size=20), st.permutations([0, 1, 2]))
def test_any_order_twice_and_from_two_places_is_the_same(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, int]], order: list[int]
) -> None:
    root = tmp_path_factory.mktemp("places")
    places = [HistoryFolder(root / str(number)) for number in range(3)]
    for which, where in steps:
        add_records(places[where], [RECORDS[which]])
    merged, direct = HistoryFolder(root / "merged"), HistoryFolder(root / "direct")
    merge_places(merged, [places[number] for number in order])
    merge_places(merged, [places[number] for number in reversed(order)])
    add_records(direct, [RECORDS[which] for which, _ in sorted(set(steps))])
    assert content(root / "merged") == content(root / "direct")
    assert read_history(str(root / "merged")).unread == 0


def test_a_merge_says_what_it_did(tmp_path: Path) -> None:
    one, two = HistoryFolder(tmp_path / "one"), HistoryFolder(tmp_path / "two")
    assert add_records(one, RECORDS[:4]) == 4
    assert add_records(two, RECORDS[2:]) == 6
    broken = tmp_path / "one" / "runs" / "2026" / "01" / "20260101T000000Z-0123456789abcdef.json.gz"
    broken.write_bytes(b"no")
    done = merge_places(two, [one])
    assert (done.added, done.known) == (2, 2)
    assert [one.name for one in done.unread] == [broken.relative_to(one.root).as_posix()]
    assert merge_places(two, [one]).added == 0


def test_bad_files_are_skipped_and_counted(tmp_path: Path) -> None:
    place = HistoryFolder(tmp_path)
    add_records(place, RECORDS[:2])
    folder = tmp_path / "runs" / "2026" / "01"
    stem = "20260101T00000{}Z-0123456789abcdef.json.gz"
    (folder / stem.format(1)).write_bytes(b"\0" * (MAX_FILE_BYTES + 1))
    (folder / stem.format(2)).symlink_to("/etc/passwd")
    os.mkfifo(folder / stem.format(3))
    (folder / stem.format(4)).mkdir()
    (folder / "notes.txt").write_text("not a record's name: nobody looks at it")
    found = read_history(str(tmp_path))
    assert [record.created for record in found.records] == [record.created for record in RECORDS[:2]]
    assert found.unread == 4


def test_a_history_that_cannot_be_read_at_all_is_no_reason_to_fail(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("{}")
    assert read_history(str(tmp_path / "file")).unread == 1
    assert read_history(str(tmp_path / "none")) == read_history(None)
    assert read_history("git:no such branch").unread == 1
    assert read_history("nosuch://place").unread == 1


def test_of_two_records_of_one_run_the_one_counts_that_says_more() -> None:
    more = RECORDS[1].model_copy(update={"ci": "https://example.org/1"})
    assert once([RECORDS[1], RECORDS[0], more]) == once([more, RECORDS[1], RECORDS[0]]) == (RECORDS[0], more)


CRASH = """
import os, sys
from pathlib import Path
from sdqa.history import add_records
from sdqa.history.places import HistoryFolder
from tests.history.records import record_at
step = sys.argv[2]
real = getattr(os, step)
def killed(*arguments, **named):
    os.kill(os.getpid(), 9)
setattr(os, step, killed)
add_records(HistoryFolder(Path(sys.argv[1])), [record_at(1)])
"""


@pytest.mark.parametrize("step", ["replace", "chmod"])
def test_a_crash_in_the_middle_of_an_add_leaves_no_half(tmp_path: Path, step: str) -> None:
    place = HistoryFolder(tmp_path / "place")
    add_records(place, [record_at(0)])
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    done = subprocess.run([sys.executable, "-c", CRASH, str(place.root), step], env=environment, cwd=root, check=False)
    assert done.returncode == -signal.SIGKILL
    found = read_history(str(place.root))
    assert (len(found.records), found.unread) == (1, 0)
    assert add_records(place, [record_at(1)]) == 1
    assert len(read_history(str(place.root)).records) == 2


def test_an_address_is_a_place_like_a_folder() -> None:
    place = open_place("memory://sdqa-history-test")
    assert add_records(place, RECORDS[:3]) == 3
    assert add_records(place, RECORDS[:3]) == 0
    assert read_history("memory://sdqa-history-test").records == tuple(RECORDS[:3])
    name, data = encode(RECORDS[0])
    import fsspec

    system, root = fsspec.core.url_to_fs("memory://sdqa-history-test")
    system.pipe_file(f"{root}/{name}", data[:-5])  # a write that was cut off
    assert read_history("memory://sdqa-history-test").unread == 1
    assert add_records(place, [RECORDS[0]]) == 1
    assert read_history("memory://sdqa-history-test").unread == 0


def test_an_address_is_told_without_its_password() -> None:
    place = open_place("nosuch://user:secret@host/place")
    assert place.where == "nosuch://host/place"
    with pytest.raises(HistoryError) as caught:
        place.names()
    assert "secret" not in str(caught.value)


def test_a_folder_that_cannot_be_written_is_one_message(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    record: RecordedRun = RECORDS[0]
    with pytest.raises(HistoryError, match="cannot be written"):
        add_records(HistoryFolder(tmp_path / "file" / "place"), [record])
