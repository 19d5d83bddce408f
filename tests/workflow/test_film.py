"""Films of a lane: what the bundle keeps of the latents on their way, and when."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from PIL import Image

from sdqa.bundle import Bundle, Film, Lane, Run
from sdqa.bundle.folder import blobs_of
from sdqa.errors import ModelUnreachable
from sdqa.faults import injection
from sdqa.plan import load_suite, make_plan
from sdqa.store import Store
from sdqa.workflow import film as films
from sdqa.workflow import run_lane
from sdqa.workflow.ending import run_to_an_end
from sdqa.workflow.job import Job

SUITE = """
schema_version = 1
name = "films"
goldens = "teacher"
[models.small]
source = "random:miniature"
[variants.fp16]
precision = "float16"
[[lanes]]
model = "small"
variants = ["fp16"]
runtime = "torch"
[metrics]
names = ["finite", "psnr"]
[limits]
psnr = 70.0
parity_psnr = 120.0
[defaults]
scheduler = "ddim"
guidance_scale = 5.0
steps = 4
[cases.one]
prompt = "a man with red hair"
seed = 1
[cases.two]
prompt = "a lake"
seed = 2
"""


@pytest.fixture(scope="module")
def lane_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., tuple[Lane, Job]]:
    """`lane_of(extra, fault)`: the lane as it ends, in a bundle of its own; all share one store."""
    root = tmp_path_factory.mktemp("films")

    def made(extra: str = "", fault: str | None = "guidance-off") -> tuple[Lane, Job]:
        folder = tmp_path_factory.mktemp("run")
        path = folder / "sdqa.toml"
        path.write_text(SUITE + extra, encoding="utf-8")
        planted = injection(fault) if fault else None
        job = Job(make_plan(load_suite(path), path), Store(root / "store"), Bundle(folder / "report"), planted)
        return run_lane(job, job.plan.running[0]), job

    return made


def films_of(lane: Lane) -> dict[str, Film | None]:
    return {sample.case: sample.facts.film for sample in lane.samples}


def test_a_failing_case_has_a_film_with_the_teacher_above_and_growing_errors(
    lane_of: Callable[..., tuple[Lane, Job]],
) -> None:
    lane, job = lane_of()
    assert {v.case for v in lane.verdicts if v.status == "fail" and v.case} == {"one", "two"}
    film = films_of(lane)["one"]
    assert film is not None
    assert (film.total, [frame.step for frame in film.frames], film.reason) == (4, [1, 2, 4], "")
    assert [frame.timestep for frame in film.frames] == [lane.samples[0].facts.timesteps[i] for i in (0, 1, 3)]
    errors = [frame.error for frame in film.frames]
    assert all(error is not None and error > 0 for error in errors)
    assert errors == sorted(errors)
    tensors = safetensors.numpy.load(job.bundle.read_blob(film.latents))
    assert {name: (one.dtype.name, one.shape) for name, one in tensors.items()} == {
        "candidate": ("float16", (3, 4, 16, 16)), "teacher": ("float16", (3, 4, 16, 16)),
    }  # fmt: skip
    final = safetensors.numpy.load(job.bundle.read_blob(lane.samples[0].facts.latents))["latents"]
    assert np.array_equal(tensors["candidate"][-1], final.astype(np.float16))
    for blob in (film.frames[0].candidate, film.frames[0].teacher):
        with Image.open(job.bundle.folder / blob.path) as picture:
            assert (picture.format, picture.size) == ("PNG", (16, 16))
    assert sum(blob.bytes for blob in film.blobs()) < 40_000


def test_a_film_is_written_read_and_carried_with_its_run(lane_of: Callable[..., tuple[Lane, Job]]) -> None:
    lane, job = lane_of()
    run = Run(sdqa_version="0", suite="films", suite_digest="d", created="", lanes=(lane,))
    job.bundle.write(run)
    back = job.bundle.read()
    assert back == run
    named = set(blobs_of(back))
    assert all(blob in named for film in films_of(lane).values() if film for blob in film.blobs())
    again, _ = lane_of()
    assert films_of(again) == films_of(lane)  # the same bytes from the same store
    without, _ = lane_of('[evidence]\nlatents = "off"\n')
    bare = run.model_copy(update={"lanes": (without,)})
    assert bare.identity() == run.identity()  # a film is no figure


def test_a_passing_lane_has_none_unless_all_are_asked_for(lane_of: Callable[..., tuple[Lane, Job]]) -> None:
    passing, _ = lane_of(fault=None)
    assert set(films_of(passing).values()) == {None}
    everything, _ = lane_of('[evidence]\nlatents = "all"\n', fault=None)
    film = films_of(everything)["two"]
    assert film is not None
    assert [frame.error for frame in film.frames] == [0.0, 0.0, 0.0]  # the teacher against itself
    nothing, _ = lane_of('[evidence]\nlatents = "off"\n')
    assert set(films_of(nothing).values()) == {None}


def test_no_more_are_drawn_and_kept_than_anybody_looks_at(
    lane_of: Callable[..., tuple[Lane, Job]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(films, "MAX_FAILING", 1)
    kept, second = films_of(lane_of()[0]).values()
    assert kept is not None
    assert second is not None
    assert kept.frames
    assert (second.frames, second.reason) == ((), "1 failing cases of this lane have one")
    monkeypatch.undo()
    monkeypatch.setattr(films, "MAX_DRAWN", 0)
    monkeypatch.setattr("sdqa.generate.stage.drawn_earlier", lambda *_: None)
    for film in films_of(lane_of()[0]).values():
        assert film is not None
        assert film.reason.startswith("the teacher drew 0 cases of this lane")
        assert [(frame.teacher, frame.error) for frame in film.frames] == [(None, None)] * 3
        assert len(film.frames) == 3


def test_a_lane_that_runs_other_steps_is_not_compared_step_by_step(lane_of: Callable[..., tuple[Lane, Job]]) -> None:
    lane, _ = lane_of(fault="too-few-steps")
    film = films_of(lane)["one"]
    assert film is not None
    assert film.reason == f"the teacher runs 4 steps, the lane {film.total}"
    assert all(frame.teacher is None for frame in film.frames)


def test_a_teacher_that_cannot_draw_costs_no_verdict(
    lane_of: Callable[..., tuple[Lane, Job]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise ModelUnreachable("no hub")

    expected = lane_of()[0].verdicts
    monkeypatch.setattr(films, "load_teacher", refuse)
    lane, _ = lane_of()
    assert lane.verdicts == expected
    film = films_of(lane)["one"]
    assert film is not None
    assert film.reason == "the teacher could not draw it: no hub"


def test_whatever_goes_wrong_with_films_the_lane_ends_as_it_was_judged(
    lane_of: Callable[..., tuple[Lane, Job]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _, job = lane_of()
    planned, told = job.plan.running[0], []

    class Listening:
        def step(self, text: str) -> None:
            told.append(text)

    job = replace(job, bundle=Bundle(tmp_path / "report"), progress=Listening())
    monkeypatch.setattr("sdqa.workflow.ending.filmed", lambda *_: 1 / 0)
    ended = run_to_an_end(job, planned)
    assert ended.by is None
    assert any(verdict.status == "fail" for verdict in ended.lane.verdicts)
    assert any("no films" in text for text in told)

    def stop(*_: object) -> Lane:
        raise KeyboardInterrupt

    monkeypatch.setattr("sdqa.workflow.ending.filmed", stop)
    ended = run_to_an_end(job, planned)
    assert ended.interrupted
    assert any(verdict.status == "fail" for verdict in ended.lane.verdicts)
