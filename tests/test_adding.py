"""docs/adding.md answers where things are added; every answer's code runs as it stands there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from sdqa import compat

compat.prepare_hub()

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "adding.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (.+?)\n(.+?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL))
BLOCK = re.compile(r"^```python\n(.+?)^```", re.MULTILINE | re.DOTALL)
LONGEST = 10
"""Lines of words in an answer."""


@pytest.fixture
def registries() -> Iterator[None]:
    """Whatever an answer adds is gone afterwards."""
    from sdqa.cli import cli
    from sdqa.convert.compression import COMPRESSION
    from sdqa.families import FAMILIES
    from sdqa.faults.local import DAMAGES
    from sdqa.faults.registry import FAULTS, known_faults
    from sdqa.generate.schedule import SCHEDULERS
    from sdqa.metrics import METRICS
    from sdqa.mil.registry import OPERATIONS, operation
    from sdqa.models.sources import SOURCES
    from sdqa.plan.recipes import RECIPES
    from sdqa.runtime import RUNTIMES

    known_faults()
    operation("add")
    tables: list[dict[str, object]] = [  # type: ignore[list-item]
        *(COMPRESSION, DAMAGES, FAMILIES, FAULTS, METRICS, OPERATIONS, RECIPES, RUNTIMES, SCHEDULERS, SOURCES),
        cli.commands,
    ]
    before = [dict(table) for table in tables]
    yield
    for table, kept in zip(tables, before, strict=True):
        table.clear()
        table.update(kept)


def harness() -> object:
    """Two cases of the embedded model, with its teacher."""
    from sdqa.diagnose import Evidence, ExaminedCase
    from sdqa.diagnose.harness import Harness
    from sdqa.generate.noise import Noise
    from sdqa.generate.pipeline import Request
    from sdqa.models.sources import load_teacher

    facts = {"strength": 0.5, "guidance_scale": 3.0, "steps": 2, "scheduler": "ddim"}
    source = np.zeros((64, 64, 3), np.uint8)
    cases = tuple(
        ExaminedCase(prompt, Request(prompt, "", source, noise=Noise.draw(seed, (4, 16, 16)), **facts))  # type: ignore[arg-type]
        for seed, prompt in enumerate(("a portrait", "a landscape at night"))
    )
    teacher = load_teacher("embedded:tiny")
    return Harness(Evidence(parts=teacher.pipeline_parts(), family=teacher.family, cases=cases, packages={}))


@pytest.mark.usefixtures("registries")
@pytest.mark.parametrize("name", SECTIONS)
def test_the_answer_runs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = BLOCK.findall(SECTIONS[name])
    assert len(blocks) == 1
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "answer"}
    if "(harness)" in blocks[0]:
        names["harness"] = harness()
    exec(compile(blocks[0], f"docs/adding.md, {name}", "exec"), names)


@pytest.mark.parametrize("name", SECTIONS)
def test_the_answer_is_short_and_asserts_something(name: str) -> None:
    words = BLOCK.sub("", SECTIONS[name]).strip().splitlines()
    code = BLOCK.findall(SECTIONS[name])[0].splitlines()
    assert len(words) <= LONGEST
    assert len([line for line in code if line.strip()]) <= LONGEST + 2
    assert any(line.startswith("assert ") for line in code)
    assert max(map(len, code)) <= 130


def test_every_question_is_there() -> None:
    wanted = [
        "metric",
        "fault",
        "recipe",
        "runtime",
        "family",
        "operation",
        "scheduler",
        "source",
        "budget",
        "section",
        "instrument",
        "verb",
        "exit",
        "limit",
        "key",
    ]
    assert [word for word in wanted if not any(word in name.lower() for name in SECTIONS)] == []
