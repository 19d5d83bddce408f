"""Words are written once: what a suite may say is what a registry implements, and a name is taken once."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest

from sdqa.plan.suite import CASE_METRICS, PICTURE_SOURCES, Budgets, MetricChoice, Scheduler

PACKAGE = Path(__file__).parents[1] / "sdqa"


def test_schedulers() -> None:
    from sdqa.generate.schedule import SCHEDULERS

    assert set(get_args(Scheduler)) == set(SCHEDULERS)


def test_recipes() -> None:
    """In a process of their own: this one may have loaded a plugin's."""
    code = """
from sdqa.plan.recipes import RECIPES
declared = tuple(RECIPES)
import sdqa.convert.component
from sdqa.convert.compression import COMPRESSION
assert set(declared) == set(COMPRESSION), set(declared) ^ set(COMPRESSION)
assert tuple(RECIPES) == declared
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120, cwd=PACKAGE.parent)


def test_every_form_of_a_recipe_has_a_name_that_follows_it() -> None:
    from sdqa.plan.recipes import RECIPES, recipe_name

    examples = {
        "palettize-6bit": "palettize-{1|2|3|4|6|8}bit",
        "palettize-4bit-grouped16": "palettize-{2|3|4|6|8}bit-grouped{N}",
        "linear-int8": "linear-int8",
        "linear-int8-per-tensor": "linear-int8-per-tensor",
        "blockwise-int4": "blockwise-int4[-block{N}]",
        "blockwise-int4-block64": "blockwise-int4[-block{N}]",
        "prune-50": "prune-{percent}",
        "mixed-bit:3.5bit": "mixed-bit:{target, 3.5bit or 60dB}",
    }
    found = {name: recipe_name(name) for name in examples}
    assert {name: one[0].form for name, one in found.items() if one} == examples
    assert set(examples.values()) <= set(RECIPES)
    assert recipe_name("palettize-5bit") is None


def test_recipes_that_calibration_and_faults_name() -> None:
    from sdqa.plan.recipes import recipe_name
    from sdqa.workflow.calibrate import INVISIBLE

    assert all(recipe_name(name) for name in INVISIBLE)


def test_sources_of_pictures() -> None:
    from sdqa.generate.sources import PICTURES

    assert set(PICTURE_SOURCES) == set(PICTURES)


def test_budgets() -> None:
    from sdqa.gate.evidence import BUDGETS, FROM_PACKAGES, NoBudgets

    assert set(Budgets.model_fields) == set(BUDGETS) == set(NoBudgets.__dataclass_fields__)
    assert set(BUDGETS) > FROM_PACKAGES


def test_metrics() -> None:
    from sdqa.gate.evidence import HARD
    from sdqa.gate.stated import COMPARING, EXECUTION_CHECKS
    from sdqa.metrics import METRICS, MetricModels
    from sdqa.workflow.gate import PACKAGE_CHECKS

    own = {name: one for name, one in METRICS.items() if not one.code}
    assert set(CASE_METRICS) <= set(own)
    asked = {name for name, one in own.items() if one.on_request}
    assert set(CASE_METRICS) == set(own) - asked, "a suite measures every metric that need not be named"
    compared = {name: (one.unit, one.better) for name, one in own.items() if one.compares}
    parity = {name: kind for name, kind in COMPARING.items() if name not in METRICS}
    assert {**compared, **parity} == COMPARING
    assert set(parity) == set(EXECUTION_CHECKS)
    assert set(own) | set(PACKAGE_CHECKS) >= HARD
    for spec in get_args(MetricChoice.model_fields["lpips"].annotation):
        MetricModels(lpips=spec)


def test_no_runtime_is_named_in_a_comparison_outside_its_room() -> None:
    from sdqa.runtime import RUNTIMES

    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.relative_to(PACKAGE).parts[0] == "runtime":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Compare | ast.MatchValue) and names_in(node) & set(RUNTIMES):
                found.append(f"{path.relative_to(PACKAGE)}:{node.lineno}")
    assert found == []


def names_in(node: ast.AST) -> set[str]:
    """Texts that a comparison compares with, those in tuples and sets of them included."""
    sides = [node.left, *node.comparators] if isinstance(node, ast.Compare) else [node]
    inner = [
        one for side in sides for one in (side.elts if isinstance(side, ast.Tuple | ast.Set | ast.List) else [side])
    ]
    values = [one.value if isinstance(one, ast.MatchValue) else one for one in inner]
    return {one.value for one in values if isinstance(one, ast.Constant) and isinstance(one.value, str)}


@pytest.mark.parametrize(
    "code",
    ['x == "coreml"', '"torch" != x', 'x in ("reference", "coreml")', 'match x:\n    case "coreml":\n        pass'],
)
def test_a_comparison_would_be_found(code: str) -> None:
    nodes = [one for one in ast.walk(ast.parse(code)) if isinstance(one, ast.Compare | ast.MatchValue)]
    assert any(names_in(node) & {"coreml", "torch"} for node in nodes)


def registrations() -> dict[str, Callable[[], Any]]:
    from sdqa.convert.compression import recipe
    from sdqa.faults.registry import fault, known_faults
    from sdqa.generate.sources import picture
    from sdqa.metrics import metric
    from sdqa.models.sources import source
    from sdqa.plan.recipes import declare
    from sdqa.runtime import runtime

    known_faults()

    def nothing(*_: object) -> None:
        """Nothing."""

    return {
        "metric": lambda: metric("psnr", unit="", better="lower")(nothing),  # type: ignore[arg-type]
        "source": lambda: source("embedded")(nothing),  # type: ignore[arg-type]
        "picture": lambda: picture("scene")(nothing),  # type: ignore[arg-type]
        "runtime": lambda: runtime("coreml")(nothing),  # type: ignore[arg-type]
        "recipe": lambda: recipe("linear-int8")(nothing),  # type: ignore[arg-type]
        "name of a recipe": lambda: declare("linear-int8", "linear-int8"),
        "fault": lambda: fault("unet-noise", component="unet", stage="weights", severities={"mild": 1})(nothing),  # type: ignore[arg-type]
    }


@pytest.mark.parametrize("kind", ["metric", "source", "picture", "runtime", "recipe", "name of a recipe", "fault"])
def test_a_name_is_taken_once(kind: str) -> None:
    with pytest.raises(ValueError, match=r"twice|two "):
        registrations()[kind]()
