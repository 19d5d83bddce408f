"""The tokenizer that draws, and the one that ships, read prompts as the plan does; before anything is converted."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sdqa.bundle import Bundle
from sdqa.errors import ModelError, PackagesError
from sdqa.models import Teacher, look_at
from sdqa.models.tokens import PromptTokenizer
from sdqa.plan import PlannedLane, load_suite, make_plan
from sdqa.store import Store
from sdqa.workflow.job import Job
from sdqa.workflow.prompts import demand_tokens, tokenizer_beside

SUITE = """
name = "one"
goldens = "teacher"
models.one = {{ source = "packages:{folder}", reference = "random:miniature" }}
variants.fp16 = {{}}
lanes = [{{ model = "one", variants = ["fp16"], runtime = "reference" }}]
metrics.names = ["finite"]
cases.x = {{ prompt = "Two  GIRLS, naïve \\u200d {long}", negative_prompt = "", steps = 2 }}
"""


@pytest.fixture
def job(tmp_path: Path) -> Job:
    path = tmp_path / "sdqa.toml"
    path.write_text(SUITE.format(folder=tmp_path / "made", long="cat " * 90), "utf-8")
    return Job(make_plan(load_suite(path), path), Store(tmp_path / "store"), Bundle(tmp_path / "report"))


@pytest.fixture
def lane(job: Job) -> PlannedLane:
    return job.plan.running[0]


@pytest.fixture
def tokenizer() -> PromptTokenizer:
    opening = look_at("random:miniature")
    assert opening is not None
    assert opening.tokenizer is not None
    return opening.tokenizer()


def test_the_tokenizer_that_draws_reads_as_the_plan_does(
    job: Job, lane: PlannedLane, teacher: Teacher, tokenizer: PromptTokenizer
) -> None:
    demand_tokens(job, lane, teacher, tokenizer)


def test_one_that_reads_otherwise_is_refused(
    job: Job, lane: PlannedLane, teacher: Teacher, tokenizer: PromptTokenizer
) -> None:
    own = teacher.part("tokenizer")

    def shouting(text: str, **options: Any) -> Any:
        return own(text.replace("c", "k"), **options)

    shouting.model_max_length, shouting.eos_token_id = own.model_max_length, own.eos_token_id  # type: ignore[attr-defined]
    other = replace(
        teacher, loader=lambda name: shouting if name == "tokenizer" else teacher.part(name), digest="other"
    )
    with pytest.raises(ModelError, match="transformers reads the prompt 'Two  GIRLS"):
        demand_tokens(job, lane, other, tokenizer)


def test_the_tokenizer_that_ships_is_held_against_the_one_that_draws(
    lane: PlannedLane, tokenizer: PromptTokenizer, saved: Path, tmp_path: Path
) -> None:
    assert tokenizer_beside(lane, tokenizer) == ()
    place = tmp_path / "made"
    place.mkdir()
    shutil.copy(saved / "tokenizer" / "tokenizer.json", place)
    assert "the same tokenizer" in tokenizer_beside(lane, tokenizer)[0]
    model = json.loads((place / "tokenizer.json").read_text("utf-8"))
    model["model"]["merges"] = model["model"]["merges"][::-1]
    (place / "tokenizer.json").write_text(json.dumps(model), "utf-8")
    with pytest.raises(PackagesError, match="its merges differ"):
        tokenizer_beside(lane, tokenizer)
