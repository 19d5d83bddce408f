"""The site's files: small, incremental, harmless whatever a record says, and useful with one run."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest

from sdqa.bundle import Fingerprint
from sdqa.cli import run as sdqa
from sdqa.dashboard import database
from sdqa.dashboard.columns import NUMBERS
from sdqa.dashboard.feed import ATOM
from sdqa.dashboard.page import MAX_INDEX_BYTES
from sdqa.dashboard.site import BuiltSite, build
from sdqa.errors import UsageError
from sdqa.history import FigureColumns, RecordedRun, add_records
from sdqa.history.places import HistoryFolder
from sdqa.history.records import Figure
from tests.history.records import CASES, lane, record_at
from tests.report.realistic import HOSTILE

pytest.importorskip("ruptures")


def site(root: Path, records: list[RecordedRun]) -> BuiltSite:
    place = HistoryFolder(root / "history")
    add_records(place, records)
    return build(place, root / "site", index=root / "index.sqlite", address="https://example.org/site")


def island(root: Path) -> dict[str, object]:
    text = (root / "site" / "index.html").read_text(encoding="utf-8")
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    data: dict[str, object] = json.loads(found[1])
    return data


def given(root: Path, name: str) -> object:
    text = (root / "site" / "data" / f"{name}.js").read_text(encoding="utf-8")
    assert text.startswith(f'sdqaGive("{name}",')
    assert not re.search(r"[<>&\u2028\u2029]", text)
    return json.loads(text.partition(",")[2].rstrip().removesuffix(");"))


def stepped(count: int, at: int) -> list[RecordedRun]:
    return [record_at(number, 0.01 if number < at else 0.02) for number in range(count)]


def test_one_run_makes_a_useful_site(tmp_path: Path) -> None:
    built = site(tmp_path, [record_at(1, 0.05)])
    assert (built.runs, built.series, built.changes) == (1, 2, 0)
    text = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    assert "lpips fails in m/fp16" in text
    assert "<noscript>" in text
    assert built.index_bytes < 70_000


def test_a_change_is_told_with_its_commits(tmp_path: Path) -> None:
    records = stepped(20, 12)
    built = site(tmp_path, records)
    assert built.changes == 1
    (event,) = island(tmp_path)["events"]  # type: ignore[misc]
    assert event["run"] == 12
    assert event["range"] == f"{records[11].commit[:10]}..{records[12].commit[:10]}"
    assert event["changes"][0][-2:] == [2, 2]  # both cases moved with it
    series = given(tmp_path, event["series"])
    assert series["changes"][0][0] == 12  # type: ignore[index]
    feed = ElementTree.parse(tmp_path / "site" / "changes.atom").getroot()
    entry = feed.find(f"{{{ATOM}}}entry")
    assert entry is not None
    summary = entry.findtext(f"{{{ATOM}}}summary") or ""
    assert "lpips 0.01 → 0.02 (+33 % of its limit)" in summary
    assert records[12].commit[:10] in summary


def test_planted_faults_pull_requests_and_parts_of_runs_are_no_part_of_the_main_line(tmp_path: Path) -> None:
    aside = [
        record_at(20, 0.9, fault="nan"),
        record_at(21, 0.9).model_copy(update={"pull_request": "3"}),
        record_at(22, 0.9).model_copy(update={"partial": True}),
    ]
    built = site(tmp_path, [*stepped(10, 99), *aside])
    assert (built.runs, built.changes) == (13, 0)
    (row,) = [one for one in island(tmp_path)["rows"] if one[2] == "lpips"]  # type: ignore[union-attr]
    assert (row[5], row[12]) == (0.01, 10)
    assert len(given(tmp_path, "runs")) == 13  # type: ignore[arg-type]


def test_what_else_changed_is_a_mark(tmp_path: Path) -> None:
    records = [record_at(number) for number in range(3)]
    renewed = lane(dict.fromkeys(CASES, 0.01), golden="b")
    records.append(record_at(3, 0.01, renewed))
    records.append(record_at(4, 0.01, renewed).model_copy(update={"judge": "j2"}))
    records.append(record_at(5, 0.01, renewed).model_copy(update={"judge": "j2", "sdqa_version": "9"}))
    moved = renewed.model_copy(update={"fingerprint": Fingerprint(system="Darwin", processor="chip", machine="arm64")})
    records.append(
        record_at(6, 0.01, moved).model_copy(update={"judge": "j2", "sdqa_version": "9"}),
    )
    site(tmp_path, records)
    (row,) = [one for one in island(tmp_path)["rows"] if one[2] == "lpips"]  # type: ignore[union-attr]
    series = given(tmp_path, row[0])
    assert [mark[:2] for mark in series["marks"]] == [  # type: ignore[index]
        [3, "golden"], [4, "judge"], [5, "version"], [6, "machine"],
    ]  # fmt: skip
    assert series["marks"][0][2] == "golden of hat, lake"  # type: ignore[index]
    assert "system: Linux → Darwin" in series["marks"][3][2]  # type: ignore[index]
    assert len(series["machines"]) == 2  # type: ignore[index]


def test_a_check_that_says_two_things_of_the_same_is_flaky(tmp_path: Path) -> None:
    site(tmp_path, [record_at(number, 0.05 if number in (3, 5) else 0.01) for number in range(8)])
    found = island(tmp_path)["flaky"]
    (whole,) = [one for one in found if one[3] == ""]  # type: ignore[union-attr]
    assert whole[2] == "lpips"
    assert dict(whole[4]) == {"pass": 6, "fail": 2}
    assert whole[5] == [3, 4, 5, 6]


def test_another_judge_is_no_flakiness(tmp_path: Path) -> None:
    strict = [record_at(number, 0.05).model_copy(update={"judge": "j2"}) for number in range(4, 8)]
    site(tmp_path, [record_at(number) for number in range(4)] + strict)
    assert island(tmp_path)["flaky"] == []


def test_a_second_build_reads_only_what_is_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert site(tmp_path, stepped(10, 99)).new == 10
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "site" / "data" / "run").iterdir()}
    assert site(tmp_path, stepped(12, 99)).new == 2
    assert {path: path.stat().st_mtime_ns for path in before} == before
    fresh = tmp_path / "fresh"
    site(fresh, stepped(12, 99))
    once = {path.relative_to(tmp_path / "site"): path.read_bytes() for path in (tmp_path / "site").rglob("*.*")}
    assert once == {path.relative_to(fresh / "site"): path.read_bytes() for path in (fresh / "site").rglob("*.*")}


def test_a_record_that_is_gone_is_forgotten_and_a_bad_one_counted(tmp_path: Path) -> None:
    site(tmp_path, stepped(5, 99))
    paths = sorted((tmp_path / "history").rglob("*.json.gz"))
    paths[0].unlink()
    paths[1].write_bytes(b"damaged")
    (tmp_path / "index.sqlite").unlink()
    built = site(tmp_path, [])
    assert (built.runs, built.unread) == (3, 1)
    paths[2].unlink()
    assert site(tmp_path, []).runs == 2
    assert "1 file of the history could not be read" in (tmp_path / "site" / "index.html").read_text()


@pytest.mark.parametrize("content", [b"no database at all, and long enough to be looked at" * 50, b""])
def test_a_cache_that_is_no_database_is_built_again(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "index.sqlite").write_bytes(content)
    assert site(tmp_path, stepped(3, 99)).runs == 3


def test_hostile_texts_stay_texts(tmp_path: Path) -> None:
    evil = HOSTILE.replace("\x00", "").replace("\x1b", "")[:90]
    own = lane({evil: 0.05, "b": 0.05}).model_copy(update={"id": f"m/{evil}", "variant": evil})
    facts = {"suite": evil, "ref": evil, "sdqa_version": evil, "fault": None}
    records = [record_at(number, 0.05, own).model_copy(update=facts) for number in range(2)]
    site(tmp_path, records)
    text = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    assert text.count("<script") == 2  # the island and the script
    assert "<img" not in text
    assert island(tmp_path)["suite"] == evil
    given(tmp_path, "runs")
    ElementTree.parse(tmp_path / "site" / "changes.atom")
    for path in (tmp_path / "site" / "data" / "run").iterdir():
        given(tmp_path, f"run/{path.stem}")


def many(number: int, metrics: int, cases: int) -> RecordedRun:
    rows = [
        Figure(f"metric_{m}", f"c{c}" if c else "", "", 0.01 + (number * 7 + m) % 13 / 1e4, None, None, None, None,
               0.05, None, 1, "pass", "", "lower")
        for m in range(metrics) for c in range(cases)
    ]  # fmt: skip
    base = record_at(number)
    return base.model_copy(update={"lanes": (base.lanes[0].model_copy(update={"figures": FigureColumns.of(rows)}),)})


def test_the_index_stays_small_however_many_figures_there_are(tmp_path: Path) -> None:
    built = site(tmp_path, [many(number, 1500, 1) for number in range(2)])
    assert built.series == 1500
    assert built.index_bytes <= MAX_INDEX_BYTES


def test_a_build_with_nothing_new_reads_no_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site(tmp_path, [many(number, 20, 12) for number in range(5)])
    monkeypatch.setattr(HistoryFolder, "read", lambda self, names: pytest.fail(f"read {names}") if names else iter(()))
    assert site(tmp_path, []).new == 0


@pytest.mark.slow
def test_a_million_rows(tmp_path: Path) -> None:
    place = HistoryFolder(tmp_path / "history")
    for start in range(0, 600, 100):
        add_records(place, [many(number, 140, 12) for number in range(start, start + 100)])
    began = time.process_time()
    with database.opened(tmp_path / "index.sqlite") as connection:
        assert database.refresh(connection, place) == 600
        (numbers,) = connection.execute("SELECT sum(length(numbers)) FROM figures").fetchone()
    rows = numbers // (8 * len(NUMBERS))
    print(f"{rows:,} rows: {time.process_time() - began:.1f} s")  # noqa: T201
    assert rows > 1_000_000


def test_nothing_to_show_is_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UsageError, match="no run to show"):
        site(tmp_path, [])
    assert sdqa(["dashboard", "--history", str(tmp_path / "none"), "--index", str(tmp_path / "x")]) == 2
    assert "each `sdqa qa` adds one" in capsys.readouterr().err


def test_the_verb_says_what_it_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    add_records(HistoryFolder(tmp_path / ".sdqa" / "history"), stepped(4, 99))
    assert sdqa(["dashboard"]) == 0
    assert capsys.readouterr().out == "site/index.html: 4 runs (4 new), 2 series, 0 changes\n"
