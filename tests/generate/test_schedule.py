"""Schedules: what is planned is what the goldens recorded, and every scheduler can be asked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from sdqa.errors import ModelError
from sdqa.generate.schedule import SCHEDULERS, make_scheduler, planned_schedule, timesteps
from sdqa.models import load_teacher
from sdqa.plan import load_suite
from sdqa.store import Store

ROOT = Path(__file__).parents[2]


def test_the_planned_schedules_are_those_of_the_goldens(tmp_path: Path) -> None:
    teacher, suite = load_teacher("embedded:tiny"), load_suite(ROOT / "sdqa.toml")
    for name, case in suite.cases.items():
        recorded = json.loads((ROOT / "goldens" / "tiny" / name / "manifest.json").read_text())["timesteps"]
        for _ in ("worked out", "from the store"):
            planned = planned_schedule(case, teacher, Store(tmp_path))
            assert list(planned.timesteps) == recorded
            assert planned.settings == {}


@pytest.mark.parametrize("name", sorted(SCHEDULERS))
def test_strength_skips_the_beginning(name: str) -> None:
    config = load_teacher("embedded:tiny").part("scheduler").config
    whole, half = timesteps(name, config, 10), timesteps(name, config, 10, 0.5)
    assert whole[-len(half) :] == half
    assert list(whole) == sorted(whole, reverse=True)
    assert 0 < len(half) <= 6


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("euler", {"interpolation_type": "nosuch"}),
        ("euler", {"sigma_min": "a", "use_karras_sigmas": True}),
        ("dpmsolver++", {"lambda_min_clipped": "x"}),
        ("ddim", {"beta_schedule": "x"}),
        ("ddim", {"num_train_timesteps": "x"}),
    ],
)
def test_whatever_a_library_raises_of_a_configuration_is_told_in_words(name: str, wrong: dict[str, object]) -> None:
    with pytest.raises(ModelError, match="Scheduler"):
        timesteps(name, {"num_train_timesteps": 1000, **wrong}, 5)


@pytest.mark.parametrize(
    ("name", "strength", "signal", "noise"),
    [("ddim", 0.5, 0.9996, 0.0292), ("pndm", None, 0.9996, 0.0292), ("pndm", 0.5, 0.9036, 0.1049)],
)
def test_pndm_started_in_the_middle_does_not_end_where_it_should(
    name: str, strength: float | None, signal: float, noise: float
) -> None:
    """Its first step counts twice, and only a whole schedule repeats the first timestep: docs/configuration.md says so.

    With the true noise as every prediction, samples stay mixtures of picture and noise.
    """
    config = load_teacher("embedded:tiny").part("scheduler").config
    picture, drawn = torch.randn(2, 4096, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    scheduler, steps = make_scheduler(name, config), timesteps(name, config, 20, strength)
    scheduler.set_timesteps(20)
    sample = scheduler.add_noise(picture, drawn, torch.tensor([int(steps[0])]))
    for step in steps:
        sample = scheduler.step(drawn, int(step), sample).prev_sample
    shares = torch.linalg.lstsq(torch.stack([picture, drawn], 1), sample[:, None]).solution.flatten()
    assert shares.tolist() == pytest.approx([signal, noise], abs=2e-4)
