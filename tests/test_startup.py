"""What a verb imports before it does anything: a plan, a gate and a report start without what only a run needs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import click
import pytest

from sdqa.bundle import Bundle
from sdqa.cli.verbs import VERBS, Commands
from tests.small_suite import ROOT

HEAVY = {"torch", "scipy", "diffusers", "transformers", "coremltools", "open_clip", "pytest", "safetensors"}
DRAWING = {"PIL", "jinja2", "sdqa.embedded.clip", "sdqa.runtime.recorder", "sdqa.generate.sample"}
RUNNING = {"sdqa.workflow.flow", "sdqa.workflow.lane", "sdqa.workflow.job", "sdqa.store.entries", "sdqa.store.code"}
RECORDS = {"sdqa.bundle.records", "sdqa.bundle.diagnosis", "sdqa.bundle.sensitivity"}
UNNEEDED = {
    "--help": HEAVY | {"numpy", "pydantic", "rich", "sdqa.plan", "sdqa.bundle", "sdqa.store", "sdqa.cli.options"},
    "plan": HEAVY
    | DRAWING
    | RUNNING
    | RECORDS
    | {"numpy", "rich", "logging", "subprocess", "sdqa.report", "sdqa.history"},
    "report": HEAVY | RUNNING | {"numpy", "sdqa.plan", "sdqa.metrics", "sdqa.workflow", "sdqa.models"},
    "gate": HEAVY | DRAWING | RUNNING | {"numpy.ma", "sdqa.report.writer", "sdqa.report.html", "sdqa.history"},
    "runner": HEAVY | {"numpy", "pydantic", "rich", "filelock", "sdqa.plan", "sdqa.bundle", "sdqa.workflow"},
}


@pytest.mark.parametrize("verb", UNNEEDED)
def test_a_verb_imports_only_what_it_needs(verb: str, bundle: Bundle, tmp_path: Path) -> None:
    arguments = {
        "report": ["report", str(bundle.folder), "--output", str(tmp_path)],
        "gate": ["gate", str(bundle.folder)],
        "runner": ["runner", "doctor", "--api", "http://127.0.0.1:9", "--root", str(tmp_path / "a" / "runner")],
    }
    code = (
        "import json, sys; from sdqa import cli; "
        "sys.modules['flip_evaluator'] = None; "  # a report draws its maps where it is installed
        f"status = cli.run({arguments.get(verb, [verb])!r}); "
        "print(); print(json.dumps([status, sorted(sys.modules)]))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120, check=True
    )
    status, modules = json.loads(result.stdout.splitlines()[-1])
    assert status in (0, 1, 3, 4), result.stderr
    assert sorted(UNNEEDED[verb] & set(modules)) == []


def test_the_help_says_of_each_verb_what_the_verb_says_of_itself() -> None:
    table, loaded = Commands(), Commands()
    for name in VERBS:
        assert isinstance(loaded[name], click.Command)
        for letters in (45, 60, 85, 1000):
            assert table.short_help(name, letters) == loaded.short_help(name, letters), name
