"""Schedules: what is planned is what the goldens recorded, and every scheduler can be asked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sdqa.generate.schedule import SCHEDULERS, planned_timesteps, timesteps
from sdqa.models import load_teacher
from sdqa.plan import load_suite
from sdqa.store import Store

ROOT = Path(__file__).parents[2]


def test_the_planned_schedules_are_those_of_the_goldens(tmp_path: Path) -> None:
    teacher, suite = load_teacher("embedded:tiny"), load_suite(ROOT / "sdqa.toml")
    for name, case in suite.cases.items():
        recorded = json.loads((ROOT / "goldens" / "tiny" / name / "manifest.json").read_text())["timesteps"]
        assert list(planned_timesteps(case, teacher, Store(tmp_path))) == recorded
        assert list(planned_timesteps(case, teacher, Store(tmp_path))) == recorded


@pytest.mark.parametrize("name", sorted(SCHEDULERS))
def test_strength_skips_the_beginning(name: str) -> None:
    config = load_teacher("embedded:tiny").part("scheduler").config
    whole, half = timesteps(name, config, 10), timesteps(name, config, 10, 0.5)
    assert whole[-len(half) :] == half
    assert list(whole) == sorted(whole, reverse=True)
    assert 0 < len(half) <= 6
