"""Every guard of the gate's intake and of the gate itself is held: with any condition taken away, something differs."""

from __future__ import annotations

import types
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sdqa.bundle import Bundle, JudgeChange, Sample
from sdqa.ci import base, comparison, gate, intake
from sdqa.ci.carried import Carried
from sdqa.ci.intake import take
from sdqa.ci.judge import judge_digest
from sdqa.ci.plan import plan_of_record, write_plan
from sdqa.ci.publish import Published
from sdqa.ci.revision import LaidOut
from sdqa.errors import ConfigError, Problem, SdqaError
from sdqa.gate.manifest import MANIFEST_FILE
from sdqa.gate.verify import GoldenFlaw
from sdqa.history import History
from sdqa.plan import Plan
from sdqa.workflow.gate import RULES
from tests.builders import lane_record, run_record
from tests.ci import honest
from tests.ci.mutants import Scenario, unnoticed

NOTHING = Carried()


def test_intake(tmp_path: Path) -> None:
    place = tmp_path / "all"
    for name, media in (("one", "image/png"), ("two", "text/plain")):
        bundle = Bundle(place / name)
        blob = bundle.add_blob(b"no picture", media)
        bundle.write(run_record(lane_record("a", samples=(Sample(case="c", images={"golden": blob}),))))
    (place / "README").touch()

    def found(*places: Path, most: int = 10) -> Scenario:
        def scenario(module: types.ModuleType) -> object:
            vars(module).update(MAX_BUNDLES=most)
            return module.find_bundles(places)

        return scenario

    def taken(folder: Path) -> Scenario:
        def scenario(module: types.ModuleType) -> object:
            one = module.take(folder)
            return one.run is None, one.problem, one.shown

        return scenario

    kept = dict(vars(intake))
    try:
        scenarios = [found(place), found(place / "one"), found(tmp_path / "none"), found(place, most=1)]
        scenarios += [taken(place / "one"), taken(place / "two")]
        assert unnoticed(intake, scenarios) == []
    finally:
        vars(intake).update(kept)


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    """A checkout whose one model has goldens."""
    (tmp_path / "goldens" / "tiny" / "cat").mkdir(parents=True)
    (tmp_path / "goldens" / "tiny" / "cat" / MANIFEST_FILE).touch()
    (tmp_path / "sdqa.toml").write_text(honest.SUITE, encoding="utf-8")
    return honest.plan(tmp_path / "sdqa.toml")


def test_the_gate(plan: Plan, tmp_path: Path) -> None:
    """What is written and what is compared are stand-ins; whatever the gate finds wrong is part of the run."""
    said = {"judge_digest": judge_digest(plan)}
    for name, run in (("linux", honest.linux()), ("mac", honest.mac())):
        Bundle(tmp_path / "bundles" / name).write(honest.with_origin(run, **said))
    own = plan_of_record(plan, RULES, commit=honest.COMMIT)
    write_plan(tmp_path / "other.json", own.model_copy(update={"commit": "1" * 40}))
    drawn_now = replace(plan, suite=plan.suite.model_copy(update={"goldens": "teacher"}))
    everything = Carried(tuple(sorted({unit.lane for unit in own.units})), take(tmp_path / "bundles" / "linux"))
    bare = replace(plan, suite_path=tmp_path / "elsewhere" / "sdqa.toml")

    def gated(
        use: Plan = plan,
        state: tuple[str, bool] = ("", False),
        sound: bool = True,
        to: str = "out",
        places: Sequence[Path] = (tmp_path / "bundles",),
        standing: Carried = NOTHING,
        **given: Any,
    ) -> Scenario:
        def scenario(module: types.ModuleType) -> object:
            vars(module).update(
                carried_lanes=lambda *_: standing,
                work_tree=lambda _: state,
                publish=lambda *_, history: Published("", 0, str(history)),
                compared=lambda *_: (JudgeChange(kind="case", subject="c", what="removed", looser=True),),
                verify=lambda *_, **__: iter(
                    [GoldenFlaw("a", True, "fine"), *([] if sound else [GoldenFlaw("b", False, "bad")])]
                ),
                read_history=lambda place, **_: History(unread=len(place)),
                with_run=lambda found, *_: found,
            )
            options = {"results": '{"lanes": {"result": "success"}}', "commit": honest.COMMIT, **given}
            run, published = module.gate(use, RULES, places, tmp_path / to, **options)
            return run.model_copy(update={"created": ""}).to_json(), published

        return scenario

    scenarios = [
        gated(),
        gated(plan_file=tmp_path / "other.json"),
        gated(plan_file=tmp_path / "absent.json"),
        gated(download="failure"),
        gated(results=None),
        gated(results=""),
        gated(history="place"),
        gated(base="HEAD"),
        gated(state=(honest.COMMIT, False)),
        gated(state=("1" * 40, False)),
        gated(state=(honest.COMMIT, True)),
        gated(to="bundles/linux"),
        gated(sound=False),
        gated(use=drawn_now, sound=False),
        gated(use=bare, sound=False),
        gated(places=[tmp_path / "absent"]),
        gated(places=[tmp_path / "absent"], standing=everything),
        gated(standing=everything, results=""),
        gated(standing=everything, results='{"lanes": {"result": "skipped"}}'),
    ]
    kept = dict(vars(gate))
    try:
        assert unnoticed(gate, scenarios) == []
    finally:
        vars(gate).update(kept)


def test_what_the_judge_is_held_against(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_EVENT_NAME", "schedule")
    suite = tmp_path / "sdqa.toml"

    def asked(given: str, environment: dict[str, str] | None) -> Scenario:
        def scenario(module: types.ModuleType) -> object:
            vars(module).update(commit_of=lambda revision, _: revision if revision == "HEAD" else None)
            return module.base_of(given, suite, environment)

        return scenario

    push = {"GITHUB_EVENT_NAME": "push"}
    scenarios = [asked("0" * 40, {}), asked("", {}), asked("", push), asked("", None), asked("HEAD", push)]
    scenarios += [asked("gone", push), asked("gone", {}), asked(str(tmp_path), push)]
    kept = dict(vars(base))
    try:
        assert unnoticed(base, scenarios) == []
    finally:
        vars(base).update(kept)


def test_which_suite_it_was(tmp_path: Path) -> None:
    head = honest.plan(tmp_path / "sdqa.toml")
    elsewhere = honest.SUITE.replace('goldens = "goldens"', 'goldens = "g"')
    other = elsewhere.replace('name = "small"', 'name = "o"').replace("embedded:tiny", "random:miniature")
    texts = {
        "same.toml": honest.SUITE,
        "renamed.toml": honest.SUITE.replace('name = "small"', 'name = "r"'),
        "moved.toml": elsewhere.replace('name = "small"', 'name = "m"'),
        "other.toml": other,
        "broken.toml": honest.SUITE + "strange = 1",
        "named.toml": other.replace('name = "o"', 'name = "small"'),
    }
    plans = {name: honest.plan(tmp_path / name, text) for name, text in texts.items() if name != "broken.toml"}

    class Laid(LaidOut):
        def lost(self, name: str) -> tuple[str, ...]:
            return ("gone",) if "lost.toml" in self.suites else ()

        def plan(self, name: str) -> Plan | None:
            if name == "broken.toml":
                raise SdqaError("it cannot be read")
            if name == "sdqa.toml" and "unread.toml" in self.suites:
                raise ConfigError([Problem("$", "it cannot be read without its plugin")], where="")
            return (
                plans.get(name) if name != "sdqa.toml" else plans["same.toml"] if "sdqa.toml" in self.suites else None
            )

    def held(*names: str) -> Scenario:
        @contextmanager
        def tree_at(*_: object) -> Iterator[LaidOut]:
            yield Laid(tmp_path, names)

        def differences(before: Plan, *_: object, lost: Sequence[JudgeChange]) -> tuple[object, ...]:
            return (before.suite_path.name, *lost)

        def scenario(module: types.ModuleType) -> object:
            vars(module).update(tree_at=tree_at, judge_diff=differences)
            return [getattr(one, "what", one) for one in module.compared("HEAD", head, RULES)]

        return scenario

    scenarios = [held(), held("sdqa.toml"), held("same.toml"), held("renamed.toml"), held("moved.toml")]
    scenarios += [
        held("other.toml"),
        held("named.toml"),
        held("broken.toml", "absent.toml"),
        held("moved.toml", "same.toml"),
    ]
    scenarios += [held("lost.toml"), held("lost.toml", "sdqa.toml"), held("lost.toml", "unread.toml")]
    scenarios += [
        held("unread.toml"),
        held("lost.toml", "same.toml"),
        held("same.toml", "moved.toml"),
        held("other.toml", "a.toml", "b.toml", "c.toml"),
    ]
    kept = dict(vars(comparison))
    try:
        assert unnoticed(comparison, scenarios) == []
    finally:
        vars(comparison).update(kept)
