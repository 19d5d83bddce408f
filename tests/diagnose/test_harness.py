"""What the instruments run on: answers remembered, mixtures drawn once, a component that fails loses everything."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sdqa.diagnose.evidence import Wrapper, request_digest
from sdqa.diagnose.harness import NAN_ERROR, Drawn, Harness, Memory, Remembering
from sdqa.errors import ExecutionError
from sdqa.runtime import Arrays
from sdqa.store import Store
from tests.diagnose.conftest import Laboratory, case

SHORT = case("portrait/17", 1, steps=2, scheduler="ddim")


class Counting:
    """A runner that counts and adds one."""

    def __init__(self) -> None:
        self.calls = 0

    def run(self, inputs: Arrays) -> dict[str, np.ndarray]:
        self.calls += 1
        return {"y": np.asarray(inputs["x"]) + 1}


def test_the_same_inputs_run_once_and_others_again() -> None:
    counting = Counting()
    runner = Remembering(lambda: counting, "unet", Memory(), "a")
    zeros, ones = np.zeros(3, np.float32), np.ones(3, np.float32)
    assert runner.run({"x": zeros})["y"].tolist() == runner.run({"x": zeros.copy()})["y"].tolist() == [1, 1, 1]
    runner.run({"x": ones})
    runner.run({"x": ones.astype(np.float64)})
    assert counting.calls == 3


def test_another_identity_is_not_answered_from_memory() -> None:
    memory, counting = Memory(), Counting()
    for identity in ("a", "b", "a"):
        Remembering(lambda: counting, "unet", memory, identity).run({"x": np.zeros(1)})
    assert counting.calls == 2


def test_nobody_can_change_what_is_remembered() -> None:
    runner = Remembering(Counting, "unet", Memory(), "a")
    runner.run({"x": np.zeros(2)})["y"][:] = 9
    assert runner.run({"x": np.zeros(2)})["y"].tolist() == [1, 1]


def test_memory_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sdqa.diagnose.harness.MEMORY_BYTES", 8)
    counting = Counting()
    runner = Remembering(lambda: counting, "unet", Memory(), "a")
    for _ in range(2):
        runner.run({"x": np.zeros(2)})
    assert counting.calls == 2


def test_the_same_request_has_the_same_digest_and_other_noise_another() -> None:
    again = case("portrait/17", 1, steps=2, scheduler="ddim")
    other = case("portrait/17", 2, steps=2, scheduler="ddim")
    assert request_digest(SHORT.request) == request_digest(again.request)
    assert request_digest(SHORT.request) != request_digest(other.request)
    assert request_digest(SHORT.request) != request_digest(replace(SHORT.request, prompt="another"))


def test_an_outcome_comes_from_the_store_the_second_time(laboratory: Laboratory, tmp_path: Path) -> None:
    def drawn() -> Drawn:
        evidence = laboratory.evidence({}, references=False, cases=(SHORT,), store=Store(tmp_path))
        return Harness(evidence).mixture(SHORT, frozenset())

    first = drawn()
    (entry,) = [path for path in (tmp_path / "mixtures").iterdir() if path.is_dir()]
    before = (entry / "outcome.npz").stat().st_mtime_ns
    again = drawn()
    assert np.array_equal(first.image, again.image)
    assert np.array_equal(first.latents, again.latents)
    assert (entry / "outcome.npz").stat().st_mtime_ns == before


def test_a_component_that_fails_loses_everything_and_ends_nothing(laboratory: Laboratory) -> None:
    class Failing:
        def run(self, inputs: Arrays) -> dict[str, np.ndarray]:
            raise ExecutionError("no such buffer", where="unet")

    package = laboratory.folder / "never-read.mlpackage"
    package.mkdir(exist_ok=True)
    (package / "any").write_text("x", encoding="utf-8")
    evidence = laboratory.evidence(
        {"unet": package},
        references=False,
        cases=(SHORT,),
        store=None,
        load=lambda component, path: Failing(),
        wrappers={"unet": Wrapper("none", lambda runner: runner)},
    )
    harness = Harness(evidence)
    lost = harness.mixture(SHORT, frozenset({"unet"}))
    assert not lost.image.any()
    assert np.isnan(lost.latents).all()
    assert lost.latent_error(harness.mixture(SHORT, frozenset())) == NAN_ERROR
