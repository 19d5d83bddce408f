"""Another model, recipe, runtime, picture or plugin under the old name is named, and lifted by a reason alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sdqa.bundle import JudgeChange
from sdqa.ci import judge_diff_measured
from sdqa.ci.judge_diff import is_silent, judge_diff, record_reason
from sdqa.plan import Plan
from sdqa.workflow.gate import RULES
from tests.ci import honest
from tests.ci.mutants import unnoticed

NOW = honest.SUITE.replace('goldens = "goldens"', 'goldens = "teacher"')
PACKAGES = 'source = "packages:made"\nreference = "embedded:tiny"'
LONG = "a cat " * 40


def plans(folder: Path, before: str, after: str) -> tuple[Plan, Plan]:
    found = []
    for name, text in (("base", before), ("head", after)):
        (folder / name).mkdir(exist_ok=True)
        (folder / name / "sdqa.toml").write_text(text, encoding="utf-8")
        found.append(honest.plan(folder / name / "sdqa.toml", text))
    return found[0], found[1]


def edited(text: str, old: str, new: str) -> str:
    assert old in text
    return text.replace(old, new)


def of(changes: tuple[JudgeChange, ...], kind: str) -> list[tuple[str, str, bool]]:
    return [(one.subject, one.what, one.looser) for one in changes if one.kind == kind]


@pytest.mark.parametrize(
    ("old", "new", "kind", "subject", "words"),
    [
        ('compression = "palettize-6bit"\n', "", "variant", "small", 'compression "palettize-6bit" → none'),
        ('"palettize-6bit"', '"palettize-4bit"', "variant", "small", '"palettize-6bit" → "palettize-4bit"'),
        ("[variants.fp16]\n", '[variants.fp16]\nprecision = "float32"\n', "variant", "fp16", '"float16" → "float32"'),
        ("[variants.fp16]\n", "[variants.fp16]\nchunked = true\n", "variant", "fp16", "chunked false → true"),
        ('"embedded:tiny"', '"random:miniature"', "model", "tiny", '"embedded:tiny" → "random:miniature"'),
        ('source = "embedded:tiny"', PACKAGES, "model", "tiny", 'reference none → "embedded:tiny"'),
    ],
)
def test_another_thing_under_the_same_name(
    tmp_path: Path, old: str, new: str, kind: str, subject: str, words: str
) -> None:
    base, head = plans(tmp_path, honest.SUITE, edited(honest.SUITE, old, new))
    found = judge_diff(base, head, RULES)
    [(name, what, looser)] = of(found, kind)
    assert (name, looser) == (subject, True)
    assert what.startswith(f"another {kind} under the same name: ")
    assert words in what
    assert is_silent(found)
    record_reason(head, found, "the phone has more room now")
    assert not is_silent(judge_diff(base, head, RULES))


def test_a_reason_holds_for_one_recipe_alone(tmp_path: Path) -> None:
    base, head = plans(tmp_path, honest.SUITE, edited(honest.SUITE, "6bit", "4bit"))
    record_reason(head, judge_diff(base, head, RULES), "it is good enough")
    base, head = plans(tmp_path, honest.SUITE, edited(honest.SUITE, "6bit", "2bit"))
    assert is_silent(judge_diff(base, head, RULES))


@pytest.mark.parametrize(
    ("new", "words"),
    [
        ('prompt = "a mat"', 'prompt "a cat" → "a mat"'),
        ('prompt = "a cat"\nsteps = 5\nguidance_scale = 0.5', "guidance_scale 3.0 → 0.5, steps 20 → 5"),
        ('prompt = "a cat"\nsource = "scene:portrait/3"\nstrength = 0.1', "strength 0.6 → 0.1"),
        (f'prompt = "{LONG}"', "… ("),
    ],
)
def test_a_case_that_the_teacher_draws_anew(tmp_path: Path, new: str, words: str) -> None:
    base, head = plans(tmp_path, NOW, edited(NOW, 'prompt = "a cat"', new))
    [(name, what, looser)] = of(judge_diff(base, head, RULES), "case")
    assert (name, looser) == ("cat", True)
    assert words in what
    assert what.endswith("the teacher draws its references anew")
    base, head = plans(tmp_path, honest.SUITE, edited(honest.SUITE, 'prompt = "a cat"', new))
    assert of(judge_diff(base, head, RULES), "case") == [("cat", "changed", False)]


def test_a_case_for_more_models_is_the_same_case(tmp_path: Path) -> None:
    base, head = plans(tmp_path, NOW, edited(NOW, 'prompt = "a cat"', 'prompt = "a cat"\nmodels = ["tiny"]'))
    assert of(judge_diff(base, head, RULES), "case") == [("cat", "changed", False)]


@pytest.mark.parametrize(
    ("before", "after", "looser"),
    [("auto", "off", True), ("required", "auto", True), ("off", "auto", False), ("auto", "required", False)],
)
def test_what_is_asked_of_a_lanes_own_outcomes(tmp_path: Path, before: str, after: str, looser: bool) -> None:
    texts = [
        edited(honest.SUITE, 'runtime = "coreml"', f'runtime = "coreml"\nbaseline = "{x}"') for x in (before, after)
    ]
    base, head = plans(tmp_path, texts[0], texts[1])
    said = ("tiny/fp16@coreml-cpu_and_ne", f"baseline {before} → {after}", looser)
    assert of(judge_diff(base, head, RULES), "lane") == [said]


def test_another_runtime_under_the_same_name(tmp_path: Path) -> None:
    base, head = plans(tmp_path, honest.SUITE, honest.SUITE)
    lane = head.lanes[0]
    other = replace(head, lanes=(replace(lane, runtime="torch", compute_unit="GPU"), *head.lanes[1:]))
    found = of(judge_diff(base, other, RULES), "lane")
    words = [f'runtime "{lane.runtime}" → "torch"', f'compute_unit "{lane.compute_unit}" → "GPU"']
    assert found == [(lane.id, what, True) for what in words]


def test_a_plugin_is_code_that_runs_inside_the_judge(tmp_path: Path) -> None:
    def with_modules(plan: Plan, *modules: str) -> Plan:
        plugins = plan.suite.plugins.model_copy(update={"modules": modules})
        return replace(plan, suite=plan.suite.model_copy(update={"plugins": plugins}))

    base, head = plans(tmp_path, honest.SUITE, honest.SUITE)
    base, head = with_modules(base, "old", "kept"), with_modules(head, "kept", "docs.metricx")
    found = judge_diff(base, head, RULES)
    added = ("docs.metricx", "added: code that runs inside the judge", True)
    assert of(found, "plugin") == [added, ("old", "removed", False)]
    assert is_silent(found)
    record_reason(head, found, "it was read line by line")
    assert not is_silent(
        judge_diff(with_modules(base, "old", "kept"), with_modules(head, "kept", "docs.metricx"), RULES)
    )


def test_every_condition_is_held(tmp_path: Path) -> None:
    """With any one taken away, what is said of one of these pairs is something else."""
    texts = [
        honest.SUITE,
        edited(honest.SUITE, 'compression = "palettize-6bit"\n', ""),
        edited(honest.SUITE, '"embedded:tiny"', '"random:miniature"'),
        edited(honest.SUITE, 'runtime = "coreml"', 'runtime = "coreml"\nbaseline = "off"'),
        edited(honest.SUITE, "[cases.cat]", "[cases.cow]"),
        edited(honest.SUITE, 'variants = ["fp16", "small"]', 'variants = ["small"]'),
        edited(NOW, '"a cat"', f'"{LONG}"'),
        NOW,
    ]
    pairs = []
    for index, text in enumerate(texts):
        (tmp_path / str(index)).mkdir()
        base, head = plans(tmp_path / str(index), texts[0] if index < 6 else NOW, text)
        pairs += [(base, head), (head, base)]
    lane = replace(head.lanes[0], runtime="torch")
    plugins = head.suite.plugins.model_copy(update={"modules": ("a", "b")})
    more = replace(head, suite=head.suite.model_copy(update={"plugins": plugins}), lanes=(lane, *head.lanes[1:]))
    pairs += [(head, more), (more, head), (more, more)]
    scenarios = [
        lambda module, one=one, two=two: [*module.case_changes(one, two), *module.measured_changes(one, two)]
        for one, two in pairs
    ]
    assert unnoticed(judge_diff_measured, scenarios) == []
