"""Core AI as a runtime: what is said where it is not there, and what it computes where it is."""

from __future__ import annotations

import importlib
import importlib.util
import os
import platform
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sdqa.convert import PackageRecord
from sdqa.errors import EXIT_INCOMPLETE, ExecutionError, InputError, PackageError, RuntimeUnavailable, UsageError
from sdqa.models import Teacher
from sdqa.plan import find_suite, load_suite, make_plan
from sdqa.plan.describe import plan_text
from sdqa.runtime import find_runtime
from sdqa.runtime.coreai import CoreAIRunner, reason_without
from tests.coreai import needs_coreai, write_asset


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where Core AI is not installed."""
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name.startswith("coreai") else find(name))
    monkeypatch.setattr(platform, "machine", lambda: "arm64" if sys.platform == "darwin" else "x86_64")


def test_platforms_without_wheels_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert reason_without("win32") == "coreai-core is not published for win32"
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    assert reason_without("linux") == "coreai-core is not published for aarch64"
    assert reason_without("darwin") == "coreai-core is not published for aarch64"


@pytest.mark.usefixtures("without")
def test_without_it_the_plan_says_what_to_install() -> None:
    path = find_suite("coreai")
    plan = make_plan(load_suite(path), path)
    (lane,) = plan.lanes
    assert (lane.id, lane.required) == ("tiny/fp16@coreai", False)
    assert lane.skip_reason == "Core AI is not installed: pip install 'sdqa[coreai]'"
    assert "skipped: Core AI is not installed" in plan_text(plan)


@pytest.mark.usefixtures("without")
def test_without_it_a_runner_is_incomplete_evidence(tmp_path: Path) -> None:
    with pytest.raises(RuntimeUnavailable, match=r"no Core AI here.*sdqa\[coreai\]") as caught:
        find_runtime("coreai").make_runner("unet", write_asset(tmp_path / "Unet.aimodel"))
    assert caught.value.exit_code == EXIT_INCOMPLETE


@pytest.mark.usefixtures("without")
def test_without_it_other_lanes_and_all_modules_are_what_they_were() -> None:
    """Nothing of Core AI is imported before it is used, and no lane but its own depends on it."""
    import pkgutil

    import sdqa.convert.coreai
    import sdqa.diagnose.coreai

    for package in (sdqa.convert.coreai, sdqa.diagnose.coreai):
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    path = Path(__file__).parents[2] / "sdqa.toml"
    plan = make_plan(load_suite(path), path)
    assert {lane.runtime for lane in plan.running} == {"reference"}


def test_it_runs_a_component_from_one_asset(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="one asset"):
        find_runtime("coreai").make_runner("unet", tmp_path / "1.aimodel", tmp_path / "2.aimodel")


@needs_coreai
@pytest.mark.slow
def test_it_computes_what_torch_does_and_the_same_each_time(aimodel: PackageRecord, teacher: Teacher) -> None:
    import torch

    from sdqa.convert.wrappers import wrap
    from sdqa.generate.parity import psnr_db

    z = np.random.default_rng(5).standard_normal((1, 4, 16, 16)).astype(np.float32)
    with torch.no_grad():
        expected = wrap(teacher, "vae_decoder")(torch.from_numpy(z)).numpy()
    runner = CoreAIRunner("vae_decoder", aimodel.path)
    first, again = runner.run({"z": z})["image"], runner.run({"z": z})["image"]
    assert first.dtype == np.float32
    assert psnr_db(expected, first) > 110
    assert np.array_equal(first, again)
    with pytest.raises(InputError, match=r"z is \(1, 4, 8, 8\), the asset takes \(1, 4, 16, 16\)"):
        runner.run({"z": z[..., :8, :8]})
    with pytest.raises(InputError, match="missing inputs: z"):
        runner.run({"sample": z})
    assert runner.load_s > 0
    runner.close()


@needs_coreai
@pytest.mark.slow
def test_time_outs_are_errors(aimodel: PackageRecord) -> None:
    with pytest.raises(ExecutionError, match="no answer within"):
        CoreAIRunner("vae_decoder", aimodel.path, load_s=0.01)
    runner = CoreAIRunner("vae_decoder", aimodel.path, run_s=0.0001)
    with pytest.raises(ExecutionError, match="no answer within"):
        runner.run({"z": np.zeros((1, 4, 16, 16), np.float32)})


@needs_coreai
def test_a_program_that_ends_the_process_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ExecutionError, match=r"died with status|cannot load the asset"):
        CoreAIRunner("vae_decoder", write_asset(tmp_path / "a.aimodel", b"MLIR" + bytes(100)))
    broken = write_asset(tmp_path / "b.aimodel")
    (broken / "main.mlirb").write_bytes(b"")
    with pytest.raises(PackageError):
        CoreAIRunner("vae_decoder", broken)


def _truncated(program: bytes) -> bytes:
    return program[: len(program) // 2]


def _of_another_version(program: bytes) -> bytes:
    return program[:4] + b"\x63" + program[5:]  # behind the magic number


def _claiming_much(program: bytes) -> bytes:
    place = program.index(b"\0", 5) + 1  # behind the producer's name: counts and lengths
    return program[:place] + b"\xff" * 16 + program[place + 16 :]


@needs_coreai
@pytest.mark.slow
@pytest.mark.parametrize("damage", [_truncated, _of_another_version, _claiming_much])
def test_a_program_that_is_not_whole_is_an_error_and_this_process_goes_on(
    damage: Callable[[bytes], bytes], aimodel: PackageRecord, teacher: Teacher, tmp_path: Path
) -> None:
    from sdqa.convert.coreai.adopt import adopt_component

    program = damage((aimodel.path / "main.mlirb").read_bytes())
    asset = write_asset(tmp_path / "VAEDecoder.aimodel", program)
    with pytest.raises(ExecutionError, match=r"died with status|cannot load the asset"):
        CoreAIRunner("vae_decoder", asset)
    with pytest.raises(PackageError, match=r"reading the asset failed|cannot read the asset"):
        adopt_component(teacher, "vae_decoder", asset, None)


@needs_coreai
@pytest.mark.slow
def test_a_runtime_that_dies_between_calls_is_an_error(aimodel: PackageRecord) -> None:
    z = {"z": np.zeros((1, 4, 16, 16), np.float32)}
    runner = CoreAIRunner("vae_decoder", aimodel.path)
    runner.run(z)
    os.kill(runner._served._process.pid, signal.SIGABRT)
    with pytest.raises(ExecutionError, match="died with status -6"):
        runner.run(z)
    with pytest.raises(ExecutionError, match="was ended before"):
        runner.run(z)
    assert CoreAIRunner("vae_decoder", aimodel.path).run(z)["image"].shape == (1, 3, 32, 32)
