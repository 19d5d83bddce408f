"""The plan of record: the same from every machine, complete, and held to its published schema."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from sdqa.ci.judge import judge_digest
from sdqa.ci.plan import plan_differences, plan_of_record, plan_schema, read_plan, write_plan
from sdqa.errors import BundleError
from sdqa.plan import load_suite, make_plan
from sdqa.workflow.gate import RULES
from tests.ci import honest

ROOT = Path(__file__).parents[2]
SUITE = ROOT / "sdqa.toml"


def test_all_lanes_of_the_suite_are_units_with_their_checks_and_machines() -> None:
    plan = plan_of_record(make_plan(load_suite(SUITE), SUITE), RULES)
    assert len(plan.units) == 6
    assert sum(len(unit.checks) for unit in plan.units) == 1410
    assert {unit.role for unit in plan.units} == {"any", "mac", "mac-ane"}
    engine = next(unit for unit in plan.units if unit.id == "tiny/fp16@coreml-cpu_and_ne")
    assert (engine.labels, engine.system) == (("macOS", "sdqa-ane"), "Darwin")
    assert "macOS" in engine.skip_reason
    assert all(unit.unet_calls > 0 for unit in plan.units)


@pytest.mark.parametrize("only", [(), ("tiny/fp16",), ("*@coreml-*",)])
@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_the_machine_and_the_choice_of_lanes_do_not_matter(only: tuple[str, ...], platform: str) -> None:
    suite = load_suite(SUITE)
    one = plan_of_record(make_plan(suite, SUITE, only=only, platform=platform), RULES, commit="a" * 40)
    assert one == plan_of_record(make_plan(suite, SUITE), RULES, commit="a" * 40)


def test_it_follows_its_schema_and_is_read_back(tmp_path: Path) -> None:
    plan = honest.expected().plan
    jsonschema.Draft202012Validator(plan_schema()).validate(plan.to_json())
    write_plan(tmp_path / "plan.json", plan)
    assert read_plan(tmp_path / "plan.json") == plan
    (tmp_path / "plan.json").write_text('{"schema_version": 2}', encoding="utf-8")
    with pytest.raises(BundleError, match="schema version 2"):
        read_plan(tmp_path / "plan.json")


def test_the_judge_is_named_by_limits_budgets_and_goldens(tmp_path: Path) -> None:
    texts = [
        honest.SUITE,
        honest.SUITE.replace("lpips = 0.1", "lpips = 0.2"),
        honest.SUITE.replace("model_memory_bytes = 1000", "model_memory_bytes = 2000"),
        honest.SUITE.replace('names = ["finite", ', "names = ["),
    ]
    digests = {judge_digest(honest.plan(tmp_path / "sdqa.toml", text)) for text in texts}
    assert len(digests) == 4
    same = honest.SUITE.replace('name = "small"', 'name = "small"\ndescription = "words"')
    assert judge_digest(honest.plan(tmp_path / "sdqa.toml", same)) in digests


def test_every_difference_of_a_plan_is_named() -> None:
    own = honest.expected().plan
    one, two, three = own.units
    assert plan_differences(own, own) == []
    for field in ("sdqa_version", "suite", "suite_digest", "judge_digest", "commit"):
        assert plan_differences(own.model_copy(update={field: "x"}), own)
    for units in ((one, two), (one, two, three, three), (one, two, three.model_copy(update={"checks": ()}))):
        assert plan_differences(own.model_copy(update={"units": units}), own)
    stranger = three.model_copy(update={"id": "x", "lane": "x"})
    assert plan_differences(own.model_copy(update={"units": (*own.units, stranger)}), own) == [
        "unit x is not in the suite"
    ]


def test_it_is_written_without_torch(tmp_path: Path) -> None:
    code = (
        "import sys; from sdqa.cli import run\n"
        f"assert run(['ci', 'plan', '--output', {str(tmp_path / 'plan.json')!r}]) == 0\n"
        "sys.exit(', '.join({'torch', 'coremltools', 'diffusers', 'scipy'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "plan.json").read_text(encoding="utf-8"))["units"]
