"""A plugin that is removed with its module: the judge asks for less, and it says which plugin and which metrics."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sdqa.bundle import JudgeChange
from sdqa.ci import lost_plugins
from sdqa.ci.affected import affected
from sdqa.ci.judge_diff import is_silent, record_reason
from sdqa.cli import run as sdqa
from sdqa.plan import Plan
from tests.ci import honest
from tests.ci.mutants import held
from tests.ci.test_comparison import changes, git, plan_of, suite_at

MODULE = "a_module_that_no_test_loads"
NAMED = honest.SUITE + f'[plugins]\nmodules = ["{MODULE}"]\n'
MEASURING = NAMED.replace('"psnr"]', '"psnr", "beauty"]').replace("[limits]\n", "[limits]\nbeauty = 1.0\n")
RUNNING = NAMED.replace('runtime = "coreml"\ncompute_units = ["CPU_AND_NE"]', 'runtime = "a-device"')


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    (tmp_path / f"{MODULE}.py").write_text("raise RuntimeError('the code of a base is never run')\n", encoding="utf-8")
    return tmp_path


def committed(repository: Path, text: str) -> Path:
    """A suite that names the module, committed; then one that does not, without the module."""
    suite = suite_at(repository, "sdqa.toml", text, instead=False)
    git(repository, "init", "-q")
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", "one")
    (repository / f"{MODULE}.py").unlink()
    suite.write_text(honest.SUITE, encoding="utf-8")
    return suite


def of(found: tuple[JudgeChange, ...]) -> list[tuple[str, str, bool]]:
    return [(one.kind, one.subject, one.looser) for one in found]


def test_what_a_removed_plugin_measured_is_named(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    suite = committed(repository, MEASURING)
    found = changes(suite)
    assert of(found) == [("plugin", MODULE, True), ("metric", "beauty", True)]
    assert found[0].what == "removed: what it added cannot be asked any more"
    assert found[1].what == f"removed with the plugin that measured it: {MODULE}"
    monkeypatch.chdir(repository)
    assert sdqa(["judge-diff", "HEAD"]) == 1
    assert sdqa(["judge-diff", "HEAD", "--record", "--reason", "nobody looked at it"]) == 0
    assert not is_silent(changes(suite))


def test_a_removed_plugin_that_measured_nothing_is_named(repository: Path) -> None:
    suite = committed(repository, NAMED)
    assert of(changes(suite)) == [("plugin", MODULE, True)]
    (repository / f"{MODULE}.py").touch()  # it may stay there: the suite does not name it
    assert of(changes(suite)) == [("plugin", MODULE, True)]


def test_a_suite_that_nobody_can_read_without_its_plugin(repository: Path) -> None:
    suite = committed(repository, RUNNING)
    found = changes(suite)
    assert of(found) == [("suite", "sdqa.toml", True)]
    assert found[0].what.startswith(f"the judge cannot be compared: without the plugin {MODULE}, which is removed, ")
    assert "a-device" in found[0].what
    record_reason(plan_of(suite), found, "the device is gone")
    assert not is_silent(changes(suite))


def test_a_renamed_suite_whose_plugin_is_removed(repository: Path) -> None:
    committed(repository, MEASURING)
    path = suite_at(repository, "quality.toml", honest.SUITE)
    assert of(changes(path)) == [
        ("suite", "quality.toml", False),
        ("plugin", MODULE, True),
        ("metric", "beauty", True),
    ]


def test_every_lane_is_affected(repository: Path) -> None:
    suite = committed(repository, NAMED)
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", "two")
    found = affected(plan_of(suite), "HEAD^1")
    assert found.carried == ()
    assert "is described otherwise" in found.words()


def test_every_condition_is_held(tmp_path: Path) -> None:
    def named(text: str) -> Plan:
        return honest.plan(tmp_path / "sdqa.toml", text)

    plans = [named(text.replace(MODULE, "numpy")) for text in (honest.SUITE, NAMED, MEASURING)]
    floors = plans[2].suite.model_copy(update={"floors": {"beauty": 1.0, "psnr": 1.0}})
    every = (*plans, replace(plans[2], suite=floors))
    cases = [(modules, plan) for plan in every for modules in ((), ("numpy",), ("other",))]
    held(lost_plugins, [lambda module, c=case: (module.lost_changes(*c), module.without_lost(*c)) for case in cases])
