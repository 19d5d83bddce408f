"""A new checkpoint: what it draws is shown beside what the one before drew, and floors hold for both."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from sdqa import cli, models
from sdqa.errors import EXIT_INCOMPLETE, EXIT_PASS, EXIT_USAGE
from sdqa.gate.manifest import Manifest, read_manifest
from sdqa.workflow.teacher_change import got_worse, teacher_change
from tests.small_suite import write_suite

PLAIN = {"seed": 1, "timesteps": (1.0,), "digests": {}, "files": {}, "reason": "", "date": ""}


def manifest(teacher: str, **fields: Any) -> Manifest:
    facts = {"model": "m", "case": "c", "inputs": {"prompt": "a"}, "teacher": teacher, **PLAIN}
    return Manifest.model_validate({**facts, "scores": {"clip_score": 0.8, "noise": 2.0, "psnr": 100.0}, **fields})


def test_two_teachers_of_one_case_are_held_side_by_side() -> None:
    found = teacher_change(manifest("old"), manifest("new", scores={"clip_score": 0.7, "noise": 1.0, "psnr": 100.0}))
    assert found is not None
    assert str(found) == "m/c: teacher old → new: clip_score 0.8 → 0.7 (worse), noise 2 → 1"
    assert got_worse([found]) == ["clip_score 0.8 → 0.7 on average over 1 cases"]


def test_one_case_may_be_worse_where_the_others_are_better() -> None:
    up = teacher_change(manifest("old"), manifest("new", scores={"clip_score": 0.95}))
    down = teacher_change(manifest("old"), manifest("new", scores={"clip_score": 0.75}))
    assert up is not None
    assert down is not None
    assert got_worse([up, down]) == []
    assert got_worse([]) == []


@pytest.mark.parametrize(
    "now",
    [
        manifest("old", scores={"clip_score": 0.1}),
        manifest("new", inputs={"prompt": "b"}),
        manifest("new", seed=2),
        manifest("new", origin="m/fp16"),
    ],
)
def test_what_is_not_the_same_task_is_not_compared(now: Manifest) -> None:
    assert teacher_change(manifest("old"), now) is None
    assert teacher_change(None, now) is None


def test_a_figure_of_another_network_is_left_out() -> None:
    found = teacher_change(manifest("old", metrics={"clip_score": 1}), manifest("new", metrics={"clip_score": 2}))
    assert found is not None
    assert [figure.metric for figure in found.figures] == ["noise"]


def said_by(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    code = cli.run(arguments)
    captured = capsys.readouterr()
    return code, captured.out + captured.err


def test_a_new_checkpoint_from_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    suite = write_suite(tmp_path)
    text = suite.read_text(encoding="utf-8").replace('goldens = "teacher"', 'goldens = "goldens"')
    text = text.replace(
        'names = ["finite", "shape", "psnr"]', 'names = ["finite", "shape", "psnr", "saturation", "black"]'
    )
    suite.write_text(text, encoding="utf-8")
    record = ("goldens", "--case", "edit-1", "--no-check-stability")
    assert said_by(capsys, *record)[0] == EXIT_PASS
    golden = tmp_path / "goldens" / "tiny" / "edit-1"
    before = read_manifest(golden)

    load = models.load_teacher
    monkeypatch.setattr(models, "load_teacher", lambda *a, **k: dataclasses.replace(load(*a, **k), digest="f" * 64))
    code, said = said_by(capsys, *record, "--reason", "trained on")
    assert code == EXIT_PASS, said
    assert f"tiny/edit-1: teacher {before.teacher[:12]} → {'f' * 12}: black " in said
    assert "got worse" not in said, "it draws the same"

    suite.write_text(text + "[floors]\nsaturation = -1.0\n", encoding="utf-8")
    code, said = said_by(capsys, *record, "--reason", "again")
    assert code == EXIT_INCOMPLETE
    assert "refused  tiny/edit-1: saturation is " in said
    assert "SDQA-603" in said
    assert read_manifest(golden).reason == "trained on", "nothing was recorded"
    code, said = said_by(capsys, "plan")
    assert "tiny/edit-1 is below the floor: saturation is " in said
    code, said = said_by(capsys, "score", "--lane", "tiny/fp16@torch")
    assert code == EXIT_INCOMPLETE
    assert "the golden is below the floor: saturation is " in said

    suite.write_text(text + "[floors]\npsnr = 30.0\n", encoding="utf-8")
    code, said = said_by(capsys, "plan")
    assert code == EXIT_USAGE
    assert "$.floors.psnr: 'psnr' says nothing of the teacher alone" in said
