"""A suite run in one, two, three or seven shares is one document; without one of them, what it held is missing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from sdqa.bundle import Bundle, Run
from sdqa.cli import run as sdqa
from sdqa.plan import load_suite, make_plan
from sdqa.plan.parts import share_out
from tests.ci.gated_place import git

CASES = 8
SUITE = """
schema_version = 1
name = "shared"
goldens = "goldens"
[models.mini]
source = "random:miniature"
[variants.fp16]
precision = "float16"
[[lanes]]
model = "mini"
variants = ["fp16"]
runtime = "torch"
[[lanes]]
model = "mini"
variants = ["fp16"]
[metrics]
names = ["finite", "shape", "psnr", "latent_psnr", "constant"]
[limits]
psnr = 10.0
latent_psnr = 10.0
parity_psnr = 10.0
[budgets]
model_memory_bytes = "2 GB"
[defaults]
scheduler = "ddim"
steps = 2
strength = 0.5
"""


def suite_text() -> str:
    cases = ""
    for number in range(CASES):
        source = f'source = "scene:portrait/{115 + number}"\n' if number % 2 else ""
        steps = 2 + number % 3
        cases += f'[cases.c{number}]\n{source}prompt = "a man with red hair"\nseed = {number}\nsteps = {steps}\n'
    return SUITE + cases


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A repository with goldens."""
    root = tmp_path_factory.mktemp("shared")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        (root / "sdqa.toml").write_text(suite_text(), encoding="utf-8")
        (root / ".gitignore").write_text(".sdqa/\n", encoding="utf-8")
        assert sdqa(["goldens", "--no-check-stability"]) == 0
        git(root, "init", "-q")
        git(root, "add", "-A")
        git(root, "commit", "-q", "-m", "first")
        yield root


def merged(place: Path, units: list[str], name: str) -> Run:
    """What the gate makes of the bundles of these units."""
    bundles = place / ".sdqa" / name
    for number, unit in enumerate(units):
        folder = bundles / str(number)
        if not (folder / "run.json").exists():
            assert sdqa(["ci", "unit", unit, "--no-diagnose", "--output", str(folder)]) == 0, unit
    report = place / ".sdqa" / f"{name}-report"
    sdqa(["ci", "gate", str(bundles), "--output", str(report)])
    return Bundle(report).read()


@pytest.mark.slow
def test_any_number_of_shares_is_the_same_document(place: Path) -> None:
    whole = merged(place, ["any"], "whole")
    assert whole.exit_code == 0
    assert {measurement.metric for measurement in whole.lanes[0].measurements} >= {"parity_psnr", "psnr"}
    for count in (2, 3, 7):
        shared = merged(place, [f"any:{number}/{count}" for number in range(1, count + 1)], f"in-{count}")
        assert shared.exit_code == 0, [one.message for lane in shared.lanes for one in lane.failures]
        assert shared.identity() == whole.identity(), count
    lanes = merged(place, ["mini/fp16", "mini/fp16@torch:1/2", "mini/fp16@torch:2/2"], "by-lane")
    assert lanes.identity() == whole.identity()


@pytest.mark.slow
def test_without_a_share_its_own_cases_are_missing_and_nothing_else(place: Path) -> None:
    plan = make_plan(load_suite(place / "sdqa.toml"), place / "sdqa.toml")
    lost = {(part.lane, case) for part in share_out(plan.lanes, 3)[1] for case in part.cases}
    found = merged(place, ["any:1/3", "any:3/3"], "killed")
    assert found.exit_code == 4
    missing = {
        (lane.id, v.case) for lane in found.lanes for v in lane.verdicts if v.status == "not measured" and v.case
    }
    assert missing == lost
    healed = merged(place, ["any:1/3", "any:3/3", "any:2/3"], "killed")
    assert healed.exit_code == 0


@pytest.mark.slow
def test_a_shard_of_what_this_machine_runs(place: Path) -> None:
    folder = place / ".sdqa" / "shard"
    assert sdqa(["qa", "--shard", "2/3", "--no-diagnose", "--output", str(folder)]) == 0
    found = Bundle(folder).read()
    held = {(lane.id, sample.case) for lane in found.lanes for sample in lane.samples}
    assert 0 < len(held) < 2 * CASES
    assert json.loads((folder / "run.json").read_text(encoding="utf-8"))["exit_code"] == 0


def test_shards_that_are_none_are_refused(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for given in ("0/3", "4/3", "x", "1", "1/2/3"):
        assert sdqa(["qa", "--shard", given]) == 2
        assert "I/N" in capsys.readouterr().err
