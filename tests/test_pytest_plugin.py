"""`pytest sdqa.toml` end to end on the embedded model: real packages, one case, through the store."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sdqa.bundle import Lane, Verdict
from sdqa.errors import EXIT_INTERRUPTED, DiagnosisError
from sdqa.workflow.diagnose import explain_failures

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store")


def qa(store: Path, output: Path, *arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "CI": "1"}
    base = [sys.executable, "-m", "sdqa", "qa", "--lane", "tiny/fp16", "--store", str(store), "--output", str(output)]
    return subprocess.run(
        [*base, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, timeout=600, check=False
    )


@pytest.fixture(scope="module")
def clean(store: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], Path]:
    output = tmp_path_factory.mktemp("clean")
    return qa(store, output, f"--junitxml={output / 'pytest.xml'}"), output


def run_of(output: Path) -> dict[str, object]:
    data = json.loads((output / "run.json").read_text(encoding="utf-8"))
    assert isinstance(data, dict)
    return data


def test_a_clean_run_is_green(clean: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    result, output = clean
    assert result.returncode == 0, result.stdout + result.stderr
    assert run_of(output)["status"] == "complete"
    for name in ("index.html", "junit.xml", "summary.md"):
        assert (output / name).stat().st_size > 0


def test_a_terminated_run_says_that_it_is_not_complete(tmp_path: Path) -> None:
    """CI services cancel a job this way."""
    store, output = tmp_path / "store", tmp_path / "output"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "CI": "1"}
    command = [
        sys.executable,
        "-m",
        "sdqa",
        "qa",
        "--lane",
        "tiny/fp16",
        "--store",
        str(store),
        "--output",
        str(output),
    ]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL) as running:
        deadline = time.monotonic() + 300
        while not any(store.rglob("*.mlpackage")) and time.monotonic() < deadline:
            time.sleep(0.1)
        running.terminate()
        assert running.wait(timeout=300) == EXIT_INTERRUPTED
    assert run_of(output)["status"] == "incomplete"


def test_items_have_the_promised_names(clean: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    names = {case.get("name") for case in ET.parse(clean[1] / "pytest.xml").iter("testcase")}
    assert "tiny/fp16/portrait-red-hair/lpips" in names
    assert "tiny/fp16/landscape-golden-hour/clip_score" in names


def test_a_second_run_has_the_same_figures(
    clean: tuple[subprocess.CompletedProcess[str], Path], store: Path, tmp_path: Path
) -> None:
    from sdqa.bundle import Bundle

    again = qa(store, tmp_path)
    assert again.returncode == 0, again.stdout + again.stderr
    assert Bundle(tmp_path).read().identity() == Bundle(clean[1]).read().identity()


def test_a_planted_fault_turns_it_red_and_names_the_component(store: Path, tmp_path: Path) -> None:
    result = qa(store, tmp_path, "--fault", "vae-decoder-noise")
    assert result.returncode == 1, result.stdout + result.stderr
    failed = [v["check"] for lane in run_of(tmp_path)["lanes"] for v in lane["verdicts"] if v["status"] == "fail"]  # type: ignore[attr-defined]
    assert "tiny/fp16/vae_decoder/parity_psnr" in failed
    assert "tiny/fp16/unet/parity_psnr" not in failed


def test_a_failure_that_cannot_be_diagnosed_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise DiagnosisError("there is no golden to diagnose with", where="tiny/fp16")

    monkeypatch.setattr("sdqa.workflow.diagnose.diagnose_lane", refuse)
    verdict = Verdict(check="tiny/fp16/all/lpips", metric="lpips", status="fail")
    names = {"model": "tiny", "variant": "fp16", "runtime": "reference", "compute_unit": "CPU_ONLY"}
    lane = Lane(id="tiny/fp16", **names, verdicts=(verdict,))
    job: Any = SimpleNamespace(plan=SimpleNamespace(running=[SimpleNamespace(id=lane.id)]))
    [found] = explain_failures(job, [lane], frozenset({verdict.check}))
    assert (found.lane, found.sound) == ("tiny/fp16", False)
    assert found.verdict.startswith("not diagnosed: ")
    assert "no golden to diagnose with" in found.verdict
    assert not list(explain_failures(job, [lane], frozenset())), "what was not selected is not looked into"


def test_selection_narrows_the_run(store: Path, tmp_path: Path) -> None:
    result = qa(store, tmp_path, "-k", "portrait-red-hair and lpips")
    assert result.returncode == 0, result.stdout + result.stderr
    run = run_of(tmp_path)
    verdicts = [v["check"] for lane in run["lanes"] for v in lane["verdicts"]]  # type: ignore[attr-defined]
    assert verdicts
    assert all("portrait-red-hair" in check for check in verdicts)
    assert int(str(run["planned_checks"])) > len(verdicts)


def test_workers_share_the_checks_and_one_report_is_written(store: Path, tmp_path: Path) -> None:
    result = qa(store, tmp_path, "-n", "2", "-k", "portrait-red-hair and lpips")
    assert result.returncode == 0, result.stdout + result.stderr
    verdicts = [v["check"] for lane in run_of(tmp_path)["lanes"] for v in lane["verdicts"]]  # type: ignore[attr-defined]
    case = "tiny/fp16/portrait-red-hair"
    assert sorted(verdicts) == [f"{case}/baseline_lpips", f"{case}/lpips", f"{case}/lpips_source"]
    assert (tmp_path / "index.html").exists()


def test_a_missing_golden_is_incomplete_not_green(store: Path, tmp_path: Path) -> None:
    import shutil

    project = tmp_path / "project"
    project.mkdir()
    shutil.copy(ROOT / "sdqa.toml", project)
    shutil.copytree(ROOT / "goldens", project / "goldens")
    shutil.rmtree(project / "goldens" / "tiny" / "portrait-hat")
    result = qa(store, tmp_path / "out", cwd=project)
    assert result.returncode == 4, result.stdout + result.stderr
    assert "SDQA-600" in result.stdout + result.stderr
    assert run_of(tmp_path / "out")["status"] == "incomplete"
