"""The flow fits on one screen, and a lane keeps what there is when one of its stages fails."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from sdqa.bundle import Bundle, Measurement
from sdqa.errors import ConversionError, ExecutionError, MetricError, SdqaError
from sdqa.plan import load_suite, make_plan
from sdqa.progress import Progress
from sdqa.store import Store
from sdqa.workflow import flow, measure_lane
from sdqa.workflow.alone import run_stage
from sdqa.workflow.examination import Examined
from sdqa.workflow.failure import failure_of
from sdqa.workflow.job import Job
from sdqa.workflow.references import References
from sdqa.workflow.stages import Packages, Samples, Scores

SUITE = Path(__file__).parents[2] / "sdqa.toml"
SCREEN = 60
FIGURE = Measurement(metric="lpips", case="c", value=0.1)


class Told:
    """A progress that remembers."""

    def __init__(self) -> None:
        self.steps: list[str] = []

    def step(self, text: str) -> None:
        self.steps.append(text)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def job(tmp_path: Path, told: Progress) -> Job:
    plan = make_plan(load_suite(SUITE), SUITE, only=("tiny/fp16",), platform="linux")
    return Job(plan, Store(tmp_path / "store"), Bundle(tmp_path / "report"), None, told)


@pytest.fixture
def stages(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Puts what is given in the place of the stages; what is not given makes nothing."""
    made: dict[str, Any] = {
        "load_teacher": None,
        "examine": Examined(),
        "convert": Packages(),
        "read_references": References(),
        "generate": Samples(),
        "score": Scores(),
    }

    def put(**given: Any) -> None:
        for name, made_here in {**made, **given}.items():

            def stage(*_: object, made_here: Any = made_here, **__: object) -> Any:
                if isinstance(made_here, SdqaError):
                    raise made_here
                return made_here() if callable(made_here) else made_here

            monkeypatch.setattr(flow, name, stage)

    return put


def test_the_flow_fits_on_one_screen() -> None:
    text = Path(flow.__file__).read_text(encoding="utf-8")
    assert len(text.splitlines()) <= SCREEN


def test_a_stage_that_raises_ends_the_lane_and_the_rest_is_not_asked(job: Job, stages: Callable[..., None]) -> None:
    stages(convert=ConversionError("the unet cannot be traced"), generate=AssertionError)
    found = measure_lane(job, job.plan.running[0])
    [failure] = found.failures
    assert (failure.stage, failure.where, failure.code) == ("lane", "tiny/fp16", "SDQA-300")


def test_what_a_stage_made_before_its_error_is_kept(job: Job, stages: Callable[..., None]) -> None:
    sample: Any = SimpleNamespace()
    stages(generate=Samples({"c": sample}, ExecutionError("conv failed")))
    found = measure_lane(job, job.plan.running[0])
    assert found.samples.by_case == {"c": sample}
    assert [failure.code for failure in found.failures] == ["SDQA-410"]
    assert found.scores == Scores()
    stages(score=Scores((FIGURE,), error=MetricError("lpips failed its self-test")))
    found = measure_lane(job, job.plan.running[0])
    assert found.scores.measurements == (FIGURE,)
    assert [failure.code for failure in found.failures] == ["SDQA-500"]


def test_an_error_that_sdqa_does_not_know_is_not_swallowed(job: Job, stages: Callable[..., None]) -> None:
    def crash() -> None:
        raise ZeroDivisionError

    stages(convert=crash)
    with pytest.raises(ZeroDivisionError):
        measure_lane(job, job.plan.running[0])


def test_a_stage_alone_ends_with_the_code_that_a_whole_run_would_have(job: Job, stages: Callable[..., None]) -> None:
    missing = References(failures=(failure_of("golden", "c", ExecutionError("x")),))
    stages(read_references=missing, score=Scores((FIGURE,)))
    done = run_stage("score", job)
    assert done.exit_code == 3
    assert "lpips" in done.lines[0]
    assert run_stage("convert", job).exit_code == 0, "no golden is needed to convert"


def test_an_overflow_in_a_lane_is_shown_once_and_recorded_and_known_warnings_are_not(
    job: Job, told: Told, stages: Callable[..., None]
) -> None:
    def generate() -> Samples:
        for _ in range(3):
            assert np.isinf(np.float32(1e38) * np.float32(10))
        warnings.warn_explicit("a name will change", FutureWarning, "torch/x.py", 1, module="torch.x")
        return Samples()

    stages(generate=generate)
    found = measure_lane(job, job.plan.running[0])
    [heard] = found.warnings
    assert heard.startswith("RuntimeWarning: overflow encountered")
    assert [step for step in told.steps if "warning" in step] == [f"tiny/fp16: warning: {heard}"]


def test_a_run_reports_every_lane(job: Job, stages: Callable[..., None]) -> None:
    stages(score=Scores((FIGURE,)))
    run = flow.run(job)
    assert [lane.id for lane in run.lanes if lane.status != "skipped"] == ["tiny/fp16"]
    assert run.exit_code == 4, "one figure is not all that is planned"
    assert job.bundle.read() == run
