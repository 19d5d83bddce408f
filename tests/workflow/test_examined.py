"""A diagnosis looks at the cases that failed, whatever their kind."""

from __future__ import annotations

from pathlib import Path

from sdqa.bundle import Lane, Status, Verdict
from sdqa.plan import Case, load_suite
from sdqa.workflow.examined import CASES, Failed, cases_to_look_at, failed_in

SUITE = Path(__file__).parents[2] / "sdqa.toml"
SUITE_CASES = dict(load_suite(SUITE).cases)


def verdict(check: str, status: Status = "fail", case: str | None = None, component: str | None = None) -> Verdict:
    metric = check.rpartition("/")[2]
    return Verdict(check=f"tiny/fp16/{check}", metric=metric, status=status, case=case, component=component)


def judged(*verdicts: Verdict) -> Lane:
    return Lane(
        id="tiny/fp16", model="tiny", variant="fp16", runtime="reference", compute_unit="CPU_ONLY", verdicts=verdicts
    )


def kinds(names: tuple[str, ...], cases: dict[str, Case]) -> set[bool]:
    return {cases[name].source is not None for name in names}


def test_what_failed_by_case_and_component_and_no_budget() -> None:
    lane = judged(
        verdict("text-portrait/lpips", case="text-portrait"),
        verdict("text-landscape/lpips", "suspicious", case="text-landscape"),
        verdict("unet/parity_psnr", component="unet"),
        verdict("all/lpips"),
        verdict("budget/inference_s"),
    )
    found = failed_in(lane)
    assert found.checks == ("text-portrait/lpips", "unet/parity_psnr", "all/lpips")
    assert (found.cases, found.components) == ({"text-portrait"}, {"unet"})
    assert failed_in(lane, {"tiny/fp16/all/lpips"}).checks == ("all/lpips",)


def test_the_one_text_to_image_case_that_failed_is_the_one_that_is_looked_at() -> None:
    assert cases_to_look_at(SUITE_CASES, Failed(cases=frozenset({"text-landscape"}))) == ("text-landscape",)


def test_many_failed_cases_are_spread_and_both_kinds_are_among_them() -> None:
    found = cases_to_look_at(SUITE_CASES, Failed(cases=frozenset(SUITE_CASES)))
    assert len(found) == CASES
    assert kinds(found, SUITE_CASES) == {True, False}
    texts = {name: case for name, case in SUITE_CASES.items() if case.source is None}
    some = dict(list(SUITE_CASES.items())[:1]) | texts
    many = {f"{name}-{copy}": case for copy in range(9) for name, case in texts.items()} | some
    assert kinds(cases_to_look_at(many, Failed(cases=frozenset(many))), many) == {True, False}


def test_where_no_case_failed_by_itself_some_of_every_kind_are_looked_at() -> None:
    found = cases_to_look_at(SUITE_CASES, Failed(components=frozenset({"unet"})))
    assert len(found) == CASES
    assert kinds(found, SUITE_CASES) == {True, False}


def test_a_component_that_only_image_to_image_runs_gets_a_case_that_runs_it() -> None:
    failed = Failed(cases=frozenset({"text-portrait"}), components=frozenset({"vae_encoder"}))
    found = cases_to_look_at(SUITE_CASES, failed, ["vae_encoder"])
    assert "text-portrait" in found
    assert kinds(found, SUITE_CASES) == {True, False}
    assert cases_to_look_at(SUITE_CASES, failed) == ("text-portrait",)


def test_a_suite_of_one_kind_is_spread_over_all_its_cases() -> None:
    texts = {f"text-{index}": SUITE_CASES["text-portrait"] for index in range(11)}
    assert len(cases_to_look_at(texts, Failed())) == CASES
