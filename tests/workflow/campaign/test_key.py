"""What a measurement rests on changes its key: nothing that was measured before answers for it."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sdqa.plan import Plan, load_suite, make_plan
from sdqa.workflow.campaign.key import rests_on

ROOT = Path(__file__).parents[3]
TEACHER: Any = SimpleNamespace(digest="a")


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    path = tmp_path / "sdqa.toml"
    shutil.copy(ROOT / "sdqa.toml", path)
    shutil.copytree(ROOT / "goldens" / "tiny", tmp_path / "goldens" / "tiny")
    return make_plan(load_suite(path), path, only=("tiny/fp16",))


def test_the_same_rests_on_the_same(plan: Plan) -> None:
    assert rests_on(plan, plan.lanes[0], TEACHER) == rests_on(plan, plan.lanes[0], TEACHER)


@pytest.mark.parametrize("name", ["tolerances.json", "portrait-hat/manifest.json"])
def test_whatever_is_recorded_of_the_model_counts(plan: Plan, name: str) -> None:
    before = rests_on(plan, plan.lanes[0], TEACHER)
    path = plan.goldens / "tiny" / name
    path.write_bytes(path.read_bytes() + b" ")
    assert rests_on(plan, plan.lanes[0], TEACHER) != before


def test_another_teacher_and_fewer_cases_count(plan: Plan) -> None:
    before = rests_on(plan, plan.lanes[0], TEACHER)
    other: Any = SimpleNamespace(digest="b")
    assert rests_on(plan, plan.lanes[0], other) != before
    lane = replace(plan.lanes[0], cases=dict(list(plan.lanes[0].cases.items())[1:]))
    assert rests_on(plan, lane, TEACHER) != before
