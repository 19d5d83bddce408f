"""The latents on their way, and their pictures without a decoder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sdqa.generate.film import recorded_steps, relative_error
from sdqa.generate.latent_colours import fit_colours
from sdqa.generate.noise import Noise
from sdqa.generate.pipeline import Generation, Glue, Graph, Request
from sdqa.generate.sample import read_sample, sample_record, write_sample
from sdqa.generate.teacher import graph_parts, teacher_runners
from sdqa.models import Teacher


@pytest.mark.parametrize(
    ("total", "steps"),
    [(0, ()), (1, (1,)), (2, (1, 2)), (5, (1, 2, 3, 5)), (20, (1, 5, 10, 20)), (50, (1, 13, 25, 50))],
)
def test_the_first_the_last_and_two_between_are_kept(total: int, steps: tuple[int, ...]) -> None:
    assert recorded_steps(total) == steps


def drawn(teacher: Teacher, glue: Glue | None = None, **changes: object) -> Generation:
    noise = Noise.draw(7, (4, 16, 16))
    request = Request("a girl", "", None, 1.0, 2.0, 6, "ddim", noise)
    parts = teacher.pipeline_parts()
    graph = Graph(teacher_runners(parts, teacher.family), graph_parts(parts), glue)
    return graph.generate(Request(**{**vars(request), **changes}))


@pytest.mark.parametrize("scheduler", ["ddim", "euler", "pndm", "dpmsolver++"])
def test_a_film_ends_with_the_final_latents_and_changes_nothing(teacher: Teacher, scheduler: str) -> None:
    made = drawn(teacher, scheduler=scheduler)
    assert made.film.total == len(made.timesteps)
    assert made.film.steps == recorded_steps(made.film.total)
    assert made.film.latents.shape == (len(made.film.steps), *made.latents.shape)
    assert np.array_equal(made.film.latents[-1], made.latents)
    assert not np.array_equal(made.film.latents[0], made.film.latents[-1])
    again = drawn(teacher, scheduler=scheduler)
    assert np.array_equal(again.film.latents, made.film.latents)


def test_image_to_image_that_lost_its_first_steps_has_a_film_of_the_rest(teacher: Teacher) -> None:
    source = np.zeros((32, 32, 3), np.uint8)
    made = drawn(teacher, Glue(drop_timesteps=1), source=source, strength=0.5)
    assert (made.film.total, made.film.steps) == (2, (1, 2))


def test_a_film_comes_back_from_the_store_as_it_was(teacher: Teacher, tmp_path: Path) -> None:
    made = drawn(teacher)
    write_sample(tmp_path, made, sample_record(made, 1.0, 1, "here"))
    film = read_sample(tmp_path).film
    assert film is not None
    assert (film.steps, film.total) == (made.film.steps, made.film.total)
    assert np.array_equal(film.latents, made.film.latents)


def test_an_error_is_relative_to_the_reference() -> None:
    reference = np.full((4, 2, 2), 2.0, np.float32)
    assert relative_error(reference, reference) == 0
    assert relative_error(reference * 1.5, reference) == pytest.approx(0.5)
    assert np.isnan(relative_error(np.full_like(reference, np.nan), reference))
    assert np.isnan(relative_error(reference, np.zeros_like(reference)))
    assert relative_error(np.zeros_like(reference), np.zeros_like(reference)) == 0


def linear_picture(channels: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Latents, the picture that a linear decoder makes of them, and what it looks like at the latents' size."""
    dice = np.random.default_rng(channels)
    latents = dice.normal(size=(channels, 16, 12)).astype(np.float32)
    factors = dice.normal(size=(3, channels)) * 40 / np.sqrt(channels)
    small = np.clip(np.rint(np.einsum("rc,chw->hwr", factors, latents) + 128), 0, 255).astype(np.uint8)
    return latents, small.repeat(8, axis=0).repeat(8, axis=1), small


@pytest.mark.parametrize("channels", [4, 16])
def test_colours_are_found_again_where_the_decoder_is_linear(channels: int) -> None:
    latents, picture, small = linear_picture(channels)
    found = fit_colours(latents, picture).draw(latents)
    assert found.shape == small.shape
    assert np.abs(found.astype(int) - small.astype(int)).mean() < 2


def test_the_same_map_draws_what_it_was_not_fitted_to() -> None:
    latents, picture, small = linear_picture(4)
    shifted = np.roll(latents, 3, axis=2)
    expected = np.roll(small, 3, axis=1)
    found = fit_colours(latents, picture).draw(shifted)
    assert np.abs(found.astype(int) - expected.astype(int)).mean() < 2


def test_what_is_not_finite_is_black_and_constant_latents_are_no_defect() -> None:
    latents, picture, _ = linear_picture(4)
    colours = fit_colours(latents, picture)
    broken = latents.copy()
    broken[2, 5, 5] = np.nan
    broken[0, 0, 0] = np.inf
    drawn_broken = colours.draw(broken)
    assert drawn_broken[5, 5].tolist() == drawn_broken[0, 0].tolist() == [0, 0, 0]
    flat = fit_colours(np.zeros_like(latents), np.full((8, 6, 3), 77, np.uint8))
    assert (flat.draw(latents) == 77).all()
