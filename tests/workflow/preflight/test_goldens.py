"""Recorded goldens in a plan: which of them a run would find stale, why, and the command that renews them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sdqa.gate.goldens import write_golden
from sdqa.generate.inputs import case_inputs
from sdqa.generate.schedulers import remarkable
from sdqa.generate.sources import load_source
from sdqa.generate.timetable import plain_timesteps
from sdqa.models import load_teacher, look_at
from sdqa.plan import Plan, load_suite, make_plan
from sdqa.workflow.preflight.goldens import look_at_goldens
from sdqa.workflow.preflight.models import look_at_models
from sdqa.workflow.preflight.record import Look
from tests.workflow.preflight.test_preflight import SOUND, SUITE

CASES = 'source_prompt = "a face"\n[cases.text]\nprompt = "a cat"\n'


def planned(folder: Path, **changed: str) -> Plan:
    path = folder / "sdqa.toml"
    given = {**SOUND, "goldens": "goldens", "picture": "file:p.png", "more": CASES, **changed}
    path.write_text(SUITE.format(**given), encoding="utf-8")
    return make_plan(load_suite(path), path)


def paint(folder: Path, seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 255, (32, 32, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(folder / "p.png")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A suite whose goldens say what a recording would have said; nothing is drawn for it."""
    monkeypatch.chdir(tmp_path)
    paint(tmp_path, 1)
    plan = planned(tmp_path)
    opening = look_at("random:miniature")
    assert opening is not None
    assert opening.facts is not None
    size = opening.facts.image_size
    for name, case in plan.suite.cases.items():
        picture = None if case.source is None else load_source(case.source, size, plan.root, case.background)
        strength = None if picture is None else case.strength
        write_golden(
            plan.goldens / "mine" / name,
            inputs=case_inputs(case, opening.facts),
            seed=case.seed,
            timesteps=plain_timesteps(case.scheduler, opening.scheduler, case.steps, strength) or (),
            scheduler=remarkable(case.scheduler, opening.scheduler),
            image=np.zeros((size, size, 3), np.uint8),
            latents=np.zeros((4, 16, 16), np.float32),
            noise=np.zeros((4, 16, 16), np.float32),
            posterior_noise=None if picture is None else np.zeros((4, 16, 16), np.float32),
            source=picture,
            scores={},
            teacher_digest=load_teacher("random:miniature").digest,
            metric_identities={},
            versions={},
        )
    return tmp_path


def look(plan: Plan) -> Look:
    return look_at_goldens(plan, look_at_models(plan)[0])


def test_sound_goldens_are_counted(folder: Path) -> None:
    found = look(planned(folder))
    assert found.lacks == ()
    assert [note.text for note in found.notes] == [f"2 of 2 are recorded in {planned(folder).goldens}"]


def test_an_exchanged_picture_is_named_with_the_command(folder: Path) -> None:
    paint(folder, 2)
    [lack] = look(planned(folder)).lacks
    assert lack.what == "mine/edit is stale: the source picture changed: file:p.png is not the one that was recorded"
    assert lack.command == "sdqa goldens --case edit --reason '…'"


@pytest.mark.parametrize(
    ("changed", "words", "cases"),
    [
        ({"picture": "scene:portrait/115"}, 'source: "file:p.png" → "scene:portrait/115"', ["edit"]),
        ({"more": CASES.replace("cat", "dog")}, 'prompt: "a cat" → "a dog"', ["text"]),
        ({"more": "steps = 10\n" + CASES}, "steps: 20 → 10; the schedule changed", ["edit"]),
        ({"source": 'source = "random:miniature-tiny-sd"'}, "the teacher changed", ["edit", "text"]),
    ],
)
def test_what_changed_is_said_once(folder: Path, changed: dict[str, str], words: str, cases: list[str]) -> None:
    [lack] = look(planned(folder, **changed)).lacks
    assert words in lack.what
    assert lack.command == f"sdqa goldens {' '.join(f'--case {case}' for case in cases)} --reason '…'"


def test_a_picture_that_is_gone_or_a_record_that_is_damaged(folder: Path) -> None:
    (folder / "p.png").unlink()
    (folder / "goldens" / "mine" / "text" / "manifest.json").write_text("{")
    first, second = look(planned(folder)).lacks
    assert "mine/edit is stale: the source picture cannot be read" in first.what
    assert "mine/text is stale: the golden's manifest" in second.what
