"""What `sdqa ci gate` reads and writes besides: merged and bad bundles, pictures, history, its destination."""

from __future__ import annotations

import json
import os

import pytest

from sdqa.bundle import Bundle
from sdqa.cli import run as sdqa
from sdqa.history import add_records, read_history, record_of
from sdqa.history.places import HistoryFolder
from tests.ci import honest
from tests.ci.gated_place import Place
from tests.report.pictures import draw, png


def test_merge_with_a_plan_is_the_gate(place: Place) -> None:
    place.send_all()
    path = place.root / "plan.json"
    assert sdqa(["plan", "--record", str(path)]) == 0
    folders = [str(place.root / "bundles" / name) for name in ("linux", "mac")]
    report = ["--output", str(place.root / "merged")]
    assert sdqa(["merge", *folders, "--plan", str(path), "--expect-commit", place.commit, *report]) == 0
    assert sdqa(["merge", folders[0], "--plan", str(path), *report]) == 4
    assert sdqa(["merge", folders[0], "--expect-commit", place.commit, *report]) == 2


def test_what_is_merged_without_a_plan_is_no_gate(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.send_all()
    folders = [str(place.root / "bundles" / name) for name in ("linux", "mac")]
    merged = place.root / "merged"
    assert sdqa(["merge", *folders, "--output", str(merged)]) == 0
    said = capsys.readouterr().out
    assert "Joined, not judged: 75 checks in 3 lanes passed where they ran." in said
    assert "✓ Pass" not in said
    summary = (merged / "summary.md").read_text(encoding="utf-8")
    assert summary.startswith("## ➖ sdqa small: Joined, not judged")
    assert json.loads((merged / "summary.json").read_text(encoding="utf-8"))["title"] == "Joined, not judged"
    assert "Joined, not judged" in (merged / "index.html").read_text(encoding="utf-8")
    assert "sdqa.joined" in (merged / "junit.xml").read_text(encoding="utf-8")
    again = Bundle(place.root / "again")
    assert sdqa(["merge", str(merged), "--output", str(again.folder)]) == 0
    assert again.read().joined
    (place.root / "bundles" / "linux" / "run.json").write_bytes((merged / "run.json").read_bytes())
    assert place.gate() == 0, "the measurements are as good as before"
    assert not Bundle(place.root / "report").read().joined


def test_two_lanes_of_three_merged_without_a_plan_are_incomplete(place: Place) -> None:
    one, two, _ = honest.units()
    folders = [place.send(str(i), honest.run_of(honest.lane_of(unit))) for i, unit in enumerate((one, two))]
    assert sdqa(["merge", *map(str, folders), "--output", str(place.root / "merged")]) == 4


@pytest.mark.parametrize(
    "damage", ["json", "half", "picture", "size", "digest", "symlink", "fifo", "blob-fifo", "large"]
)
def test_a_bad_bundle_is_named_while_the_rest_is_reported(
    place: Place, damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.send_all()
    bundle = Bundle(place.send("bad", honest.mac()))
    data = png(draw("portrait", 1).resize((8, 8))) if damage != "picture" else b"\x89PNG\r\n\x1a\nnothing"
    blob = bundle.add_blob(data, "image/png")
    if damage == "size":
        blob = blob.model_copy(update={"bytes": 3})
    run = bundle.read()
    samples = tuple(one.model_copy(update={"images": {"golden": blob}}) for one in run.lanes[0].samples)
    bundle.write(honest.with_lane(run, run.lanes[0].id, samples=samples))
    path, target = bundle.folder / blob.path, bundle.folder / "run.json"
    if damage == "json":
        target.write_text("{", encoding="utf-8")
    elif damage == "half":
        target.write_text(
            target.read_text(encoding="utf-8").replace('"suite": "', '"suite": "\\ud800'), encoding="utf-8"
        )
    elif damage == "digest":
        path.write_bytes(bytes(blob.bytes))
    elif damage == "symlink":
        path.unlink()
        path.symlink_to(place.suite)
    elif damage == "fifo":
        target.unlink()
        os.mkfifo(target)
    elif damage == "blob-fifo":
        path.unlink()
        os.mkfifo(path)
    elif damage == "large":
        monkeypatch.setattr("sdqa.bundle.folder.MAX_RUN_BYTES", 10**6)
        bundle.write(run.model_copy(update={"suite": "x" * 10**6}))
    assert place.gate() == 4
    merged = Bundle(place.root / "report").read()
    assert [failure.where for failure in merged.failures] == ["bad"]
    assert "in quarantine" in merged.failures[0].message
    assert merged.counts()["pass"] == merged.planned_checks


def test_pictures_of_accepted_bundles_come_along(place: Place) -> None:
    place.send_all()
    bundle = Bundle(place.root / "bundles" / "mac")
    blob = bundle.add_blob(png(draw("portrait", 1).resize((8, 8))), "image/png")
    run = bundle.read()
    samples = tuple(
        one.model_copy(update={"images": {**one.images, "difference": blob}}) for one in run.lanes[0].samples
    )
    bundle.write(honest.with_lane(run, run.lanes[0].id, samples=samples))
    assert place.gate() == 0
    assert Bundle(place.root / "report").read_blob(blob)


def test_a_damaged_history_does_not_gate(place: Place) -> None:
    place.send_all()
    damaged = place.root / "history" / "runs" / "2026" / "01" / "20260101T000000Z-0123456789abcdef.json.gz"
    damaged.parent.mkdir(parents=True)
    damaged.write_bytes(b"no record")
    earlier = record_of(honest.linux().model_copy(update={"created": "2026-01-01T00:00:00Z"}), environment={})
    add_records(HistoryFolder(place.root / "history"), [earlier])
    assert place.gate("--history", str(place.root / "history")) == 0
    assert "1 file of the history could not be read" in (place.root / "report" / "index.html").read_text()
    assert place.gate("--history", "git:no such branch") == 0
    assert len(read_history(str(place.root / "history")).records) == 1  # a gate only reads it


def test_goldens_that_nothing_asks_for_stand_in_every_form(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("tiny/gone", "left/cat"):
        folder = place.suite.parent / "goldens" / name
        folder.mkdir(parents=True)
        (folder / "latents.safetensors").touch()
    place.commit_all("left behind")
    place.send_all()
    place.gate()
    words = "2 goldens that no case asks for: left/cat, tiny/gone"
    report = place.root / "report"
    assert [one.subject for one in Bundle(report).read().orphans] == ["left/cat", "tiny/gone"]
    for text in ((report / "index.html").read_text("utf-8"), (report / "summary.md").read_text("utf-8")):
        assert words in text
    assert words in capsys.readouterr().out


@pytest.mark.parametrize("broken", ["suite", "results", "crash"])
def test_a_gate_that_ends_half_way_leaves_no_verdict_of_yesterday(
    place: Place, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    place.send_all()
    assert place.gate() == 0
    if broken == "suite":
        place.suite.write_text("name = 3", encoding="utf-8")
    elif broken == "crash":

        def crash(*_: object, **__: object) -> None:
            raise RuntimeError("half way")

        monkeypatch.setattr("sdqa.ci.gate.decide", crash)
    assert place.gate(results="[" if broken == "results" else '{"lanes": {"result": "success"}}') in (2, 3)
    assert not [path for path in (place.root / "report").iterdir() if path.name != "blobs"]


def test_a_destination_that_is_a_bundle_is_refused_and_left(place: Place) -> None:
    place.send_all()
    bundle = place.root / "bundles" / "linux"
    assert sdqa(["ci", "gate", str(place.root / "bundles"), "--results", "{}", "--output", str(bundle)]) == 2
    assert Bundle(bundle).read()
