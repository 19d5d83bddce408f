"""A checkpoint's own scheduler settings are kept; what is overridden or not known is said."""

from __future__ import annotations

import inspect
import json
from typing import Any

import pytest

from sdqa import compat

compat.prepare_hub()

import diffusers  # noqa: E402
from diffusers import DDIMScheduler, PNDMScheduler  # noqa: E402

from sdqa.errors import ModelError  # noqa: E402
from sdqa.generate.schedule import make_scheduler, timesteps  # noqa: E402
from sdqa.generate.schedulers import DEFAULTS, SCHEDULERS, drawn_as_ever, kept, remarkable, resulting  # noqa: E402
from sdqa.generate.timetable import doubt, flaw, plain_timesteps, trained_steps  # noqa: E402
from sdqa.models import load_teacher  # noqa: E402

PUBLISHED = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "steps_offset": 1}


def saved(scheduler: Any, folder: Any) -> tuple[dict[str, Any], Any]:
    """A scheduler's file, and its configuration as it is loaded again."""
    scheduler.save_pretrained(folder)
    return json.loads((folder / "scheduler_config.json").read_text()), type(scheduler).from_pretrained(folder).config


@pytest.mark.parametrize("name", sorted(SCHEDULERS))
def test_the_tables_are_the_signatures_of_diffusers(name: str) -> None:
    parameters = inspect.signature(getattr(diffusers, SCHEDULERS[name][0]).__init__).parameters
    assert DEFAULTS[name] == {key: one.default for key, one in parameters.items() if key != "self"}


@pytest.mark.parametrize("name", sorted(SCHEDULERS))
@pytest.mark.parametrize(
    "stated",
    [
        {},
        {**PUBLISHED, "clip_sample": False, "set_alpha_to_one": False, "skip_prk_steps": True},
        {"clip_sample": True, "set_alpha_to_one": True, "rescale_betas_zero_snr": True, "timestep_spacing": "trailing"},
        {"trained_betas": [0.001 * (1 + index / 100) for index in range(100)], "num_train_timesteps": 100},
        {"use_karras_sigmas": True, "solver_order": 3, "skip_prk_steps": False, "prediction_type": "v_prediction"},
    ],
)
def test_what_is_said_to_result_is_what_diffusers_makes(name: str, stated: dict[str, Any]) -> None:
    made = make_scheduler(name, stated)
    expected = resulting(name, stated)
    assert {key: value for key, value in made.config.items() if key in DEFAULTS[name]} == expected
    assert {key: expected[key] for key in stated.keys() & DEFAULTS[name].keys() - {"skip_prk_steps"}} == {
        key: stated[key] for key in stated.keys() & DEFAULTS[name].keys() - {"skip_prk_steps"}
    }


def test_what_a_ddim_checkpoint_states_is_kept(tmp_path: Any) -> None:
    file, loaded = saved(DDIMScheduler(**PUBLISHED), tmp_path)  # clips, and ends at an alpha of 1
    for config in (file, loaded):
        made = make_scheduler("ddim", config)
        assert (made.config.clip_sample, made.config.set_alpha_to_one) == (True, True)
        assert float(made.final_alpha_cumprod) == 1.0
        assert remarkable("ddim", config) == {"clip_sample": True, "set_alpha_to_one": True}
        said = str(kept("ddim", "DDIMScheduler", config))
        assert said.startswith("drawn with DDIMScheduler; kept: ")
        assert "clip_sample=true" in said
        assert "set_alpha_to_one=true" in said
    assert not drawn_as_ever("ddim", remarkable("ddim", file))


def test_where_a_checkpoint_is_silent_stable_diffusions_values_are_set(tmp_path: Any) -> None:
    file, loaded = saved(PNDMScheduler(**PUBLISHED, skip_prk_steps=True), tmp_path)
    file.pop("set_alpha_to_one")
    assert make_scheduler("ddim", file).config.set_alpha_to_one is False
    assert make_scheduler("ddim", loaded).config.clip_sample is False
    assert remarkable("ddim", loaded) == {}


def test_what_is_overridden_or_not_known_is_said() -> None:
    config = {**PUBLISHED, "skip_prk_steps": False, "set_alpha_to_one": True, "clip_sample": True}
    assert str(kept("pndm", "DDIMScheduler", config)) == (
        "the checkpoint names DDIMScheduler, drawn with PNDMScheduler; kept: set_alpha_to_one=true; "
        "overridden: skip_prk_steps=false; not known to PNDMScheduler: clip_sample=true"
    )
    noisy = {"algorithm_type": "sde-dpmsolver++"}
    assert kept("dpmsolver++", "DPMSolverMultistepScheduler", noisy).overridden == noisy
    assert make_scheduler("dpmsolver++", noisy).config.algorithm_type == "dpmsolver++"


def test_the_embedded_models_schedule_needs_no_record() -> None:
    for source in ("embedded:tiny", "random:miniature"):
        config = load_teacher(source).part("scheduler").config
        assert remarkable("ddim", config) == remarkable("pndm", config) == {}
        assert drawn_as_ever("ddim", {})


def test_a_configuration_that_makes_no_scheduler_is_one_clear_error() -> None:
    with pytest.raises(ModelError, match="no DDIMScheduler can be made"):
        make_scheduler("ddim", {"beta_schedule": "sigmoid"})
    with pytest.raises(ModelError, match="set_timesteps: ValueError: sideways is not supported"):
        timesteps("ddim", {"timestep_spacing": "sideways"}, 5)


@pytest.mark.parametrize("name", sorted(SCHEDULERS))
@pytest.mark.parametrize("spacing", ["leading", "linspace", "trailing"])
@pytest.mark.parametrize("offset", [0, 1])
def test_timesteps_are_diffusers_without_diffusers(name: str, spacing: str, offset: int) -> None:
    config = {**PUBLISHED, "timestep_spacing": spacing, "steps_offset": offset}
    for steps in (1, 2, 3, 4, 7, 20, 50, 333, 600, 999, 1000):
        for strength in (None, 0.3, 0.75, 1.0):
            expected = timesteps(name, config, steps, strength)
            assert plain_timesteps(name, config, steps, strength) == pytest.approx(expected), (steps, strength)


def test_timesteps_by_noise_level_take_the_scheduler() -> None:
    assert plain_timesteps("euler", {"use_karras_sigmas": True}, 20) is None
    assert plain_timesteps("dpmsolver++", {"lambda_min_clipped": -5.1}, 20) is None


@pytest.mark.parametrize(
    ("name", "steps", "words"),
    [
        ("ddim", 1000, "1000 steps give the timestep 1000; the training schedule is 0 to 999"),
        ("pndm", 1000, "1000 steps give the timestep 1000; the training schedule is 0 to 999"),
        ("dpmsolver++", 1000, "1000 steps give timesteps that do not fall: … 1, 1 …"),
    ],
)
def test_steps_that_a_schedule_has_not_are_flaws(name: str, steps: int, words: str) -> None:
    config = {**PUBLISHED, "timestep_spacing": "leading"}
    found = plain_timesteps(name, config, steps)
    assert found is not None
    assert flaw(name, found, trained_steps(config), steps) == words


@pytest.mark.parametrize("name", sorted(SCHEDULERS))
def test_usual_schedules_have_no_flaw_and_raise_no_doubt(name: str) -> None:
    config = load_teacher("embedded:tiny").part("scheduler").config
    for steps in (1, 2, 3, 4, 5, 10, 20, 25, 30, 50, 100, 250, 500 if name != "dpmsolver++" else 400):
        for strength in (None, 1.0, 0.5):
            if strength == 0.5 and steps == 1:
                continue
            found = plain_timesteps(name, config, steps, strength)
            assert found is not None
            assert flaw(name, found, 1000, steps) == "", (steps, strength)
            assert doubt(found, 1000, steps, strength) == "" or steps > 100


def test_a_schedule_that_begins_in_the_middle_is_doubted() -> None:
    found = plain_timesteps("ddim", {"steps_offset": 1}, 600)
    assert found is not None
    assert doubt(found, 1000, 600, None).startswith("begins at timestep 600 of 1000")


def test_a_schedule_is_as_long_as_its_betas() -> None:
    assert trained_steps({"trained_betas": [0.1] * 20, "num_train_timesteps": 1000}) == 20
    assert flaw("ddim", (50.0, 0.0), 20, 2).startswith("2 steps give the timestep 50")


@pytest.mark.parametrize("solver", ["logrho", "bh1", "bh2", "heun"])
def test_a_setting_that_diffusers_replaces_is_not_said_to_be_kept(solver: str) -> None:
    config = {"num_train_timesteps": 1000, "solver_type": solver}
    drawn = make_scheduler("dpmsolver++", config).config["solver_type"]
    found = kept("dpmsolver++", "UniPCMultistepScheduler", config)
    assert ("solver_type" in found.kept) == (drawn == solver)
    assert ("solver_type" in found.overridden) == (drawn != solver)
