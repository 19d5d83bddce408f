"""Cases that are judged alone: what they may reach, the mean without them, and that no other case slips in."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from sdqa.bundle import Lane, Verdict
from sdqa.errors import UsageError
from sdqa.gate import Tolerances, judge
from sdqa.gate.calibrate import with_tails
from sdqa.gate.limits import place_tail
from sdqa.gate.reach import Worst
from sdqa.gate.standards import Standards
from sdqa.gate.tail import CaseKind, Tail, kinds_of
from sdqa.gate.tolerances import loosened
from sdqa.plan import Case

MakeLane = Callable[..., Lane]
KINDS: dict[str, CaseKind] = {f"case-{i}": "image-to-image" for i in range(3)} | {"case-3": "text-to-image"}
ORDER = ("pass", "suspicious", "fail")


def tail(severe: float = 0.4) -> Tail:
    return Tail(n=60, beyond=3, worst=0.3, severe=severe, date="2026-01-01T00:00:00+00:00")


def tailed(tolerances: Tolerances, found: Tail | None = None) -> Tolerances:
    table = tolerances.variants["fp16"]
    own = table["lpips"].model_copy(update={"tail": found or tail()})
    return tolerances.model_copy(update={"variants": {"fp16": {**table, "lpips": own}}})


def judged(lane: Lane, tolerances: Tolerances, kinds: Mapping[str, CaseKind] = KINDS) -> dict[str, Verdict]:
    found = judge(lane, Standards(tolerances, kinds=kinds))
    return {verdict.check.removeprefix("tiny/fp16/"): verdict for verdict in found}


def test_a_branch_is_suspicious_and_leaves_the_mean_alone(make_lane: MakeLane, tolerances: Tolerances) -> None:
    found = judged(make_lane({"lpips": [0.001, 0.002, 0.001, 0.25]}), tailed(tolerances))
    assert found["case-3/lpips"].status == "suspicious"
    assert "text-to-image alone may reach +0.4, after 60 draws" in found["case-3/lpips"].reason
    assert found["all/lpips"].status == "pass"
    assert found["all/lpips"].n == 3
    assert found["all/lpips"].value == pytest.approx(0.004 / 3)
    assert "without 1 of 4 cases: case-3, judged alone" in found["all/lpips"].reason


def test_without_a_tail_the_same_branch_fails(make_lane: MakeLane, tolerances: Tolerances) -> None:
    found = judged(make_lane({"lpips": [0.001, 0.002, 0.001, 0.25]}), tolerances)
    assert (found["case-3/lpips"].status, found["all/lpips"].status) == ("fail", "fail")


def test_beyond_the_tail_a_case_fails(make_lane: MakeLane, tolerances: Tolerances) -> None:
    found = judged(make_lane({"lpips": [0.001, 0.002, 0.001, 0.41]}), tailed(tolerances))
    assert found["case-3/lpips"].status == "fail"


def test_a_tail_serves_no_other_kind_and_nobody_whose_kind_is_not_known(
    make_lane: MakeLane, tolerances: Tolerances
) -> None:
    lane = make_lane({"lpips": [0.25, 0.002, 0.001, 0.001]})
    assert judged(lane, tailed(tolerances))["case-0/lpips"].status == "fail"
    lane = make_lane({"lpips": [0.001, 0.002, 0.001, 0.25]})
    assert judged(lane, tailed(tolerances), {})["all/lpips"].status == "fail"


def test_a_case_that_is_missing_is_missed_although_the_mean_goes_without_it(
    make_lane: MakeLane, tolerances: Tolerances
) -> None:
    found = judged(make_lane({"lpips": [0.001, 0.002, 0.001, None]}), tailed(tolerances))
    assert (found["case-3/lpips"].status, found["all/lpips"].status) == ("not measured", "not measured")


def test_where_all_cases_are_alone_their_mean_may_reach_what_each_may(
    make_lane: MakeLane, tolerances: Tolerances
) -> None:
    kinds: dict[str, CaseKind] = dict.fromkeys(KINDS, "text-to-image")
    assert judged(make_lane({"lpips": [0.1, 0.2, 0.1, 0.2]}), tailed(tolerances), kinds)["all/lpips"].status == "pass"
    assert judged(make_lane({"lpips": [0.9, 0.9, 0.9, 0.9]}), tailed(tolerances), kinds)["all/lpips"].status == "fail"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(figures=st.lists(st.floats(0, 0.6), min_size=4, max_size=4), index=st.integers(0, 3), more=st.floats(0, 0.6))
def test_worse_figures_never_help(
    make_lane: MakeLane, tolerances: Tolerances, figures: list[float], index: int, more: float
) -> None:
    worse = [figure + (more if i == index else 0) for i, figure in enumerate(figures)]
    before = judged(make_lane({"lpips": figures}), tailed(tolerances))
    after = judged(make_lane({"lpips": worse}), tailed(tolerances))
    assert all(
        ORDER.index(after[check].status) >= ORDER.index(found.status)
        for check, found in before.items()
        if found.status == "fail" or check.startswith("case")
    )


def test_a_tail_is_placed_only_where_the_shared_limits_do_not_hold() -> None:
    shared = {"mean": 0.001, "limit": 0.01, "severe": 0.1, "cases": 11, "alone": 2}
    assert place_tail([0.001] * 40, **shared) is None
    assert place_tail([], **shared) is None
    assert place_tail([0.001] * 39 + [0.3], **shared) == (0.3, pytest.approx(0.001 + 1.5 * 0.299))
    moved_mean = place_tail([0.001] * 39 + [0.09], **shared)  # no case is severe, and two of eleven move the mean
    assert moved_mean is not None
    assert moved_mean[1] == pytest.approx(0.001 + 1.5 * 0.089)
    assert place_tail([0.001] * 39 + [0.075], **shared) is not None
    assert place_tail([0.001] * 39 + [0.04], **shared) is None


def test_drawn_lanes_give_recorded_limits_a_tail(make_lane: MakeLane, tolerances: Tolerances) -> None:
    drawn = [make_lane({"lpips": [0.001, 0.002]}), make_lane({"lpips": [0.3, 0.001], "psnr": [60, 61]})]
    psnr = tolerances.variants["fp16"]["psnr"]
    usual = psnr.model_copy(update={"harmless": psnr.harmless.model_copy(update={"mean": 61.0})})
    known = tolerances.model_copy(update={"variants": {"fp16": {**tolerances.variants["fp16"], "psnr": usual}}})
    found = with_tails(known, {"fp16": drawn}).variants["fp16"]
    assert found["lpips"].tail is not None
    assert (found["lpips"].tail.n, found["lpips"].tail.beyond, found["lpips"].tail.worst) == (4, 1, 0.3)
    assert found["psnr"].tail is None
    assert found["lpips"].limit == tolerances.variants["fp16"]["lpips"].limit
    assert "1 of 4 draws lie beyond" in found["lpips"].explain()


def test_what_was_not_calibrated_or_is_broken_gets_no_tail(make_lane: MakeLane, tolerances: Tolerances) -> None:
    with pytest.raises(UsageError, match="has no limits yet"):
        with_tails(tolerances, {"other": [make_lane({"lpips": [0.1, 0.2]})]})
    with pytest.raises(UsageError, match="is not whole"):
        with_tails(tolerances, {"fp16": [make_lane({"lpips": [0.1]}, status="incomplete")]})


def test_a_tail_is_held_against_limits_as_they_are_judged_by(make_lane: MakeLane, tolerances: Tolerances) -> None:
    psnr = tolerances.variants["fp16"]["psnr"]
    harmless = psnr.harmless.model_copy(update={"mean": 61.0})
    deep = psnr.model_copy(update={"severe": -30.0, "limit": 20.0, "harmless": harmless})
    known = tolerances.model_copy(update={"variants": {"fp16": {"psnr": deep}}})
    drawn = {"fp16": [make_lane({"psnr": [60, 8]}), make_lane({"psnr": [60, 61]})]}
    assert with_tails(known, drawn).variants["fp16"]["psnr"].tail is None, "nothing reaches what is severe"
    found = with_tails(known, drawn, {"psnr": Worst(value=6.0, difference=-100.0)}).variants["fp16"]["psnr"]
    assert found.tail is not None
    assert found.tail.severe == pytest.approx(60 - 1.5 * 52)
    assert found.severe == -30.0, "the file stays as it was measured"


def test_a_new_or_longer_tail_is_laxer_and_said(tolerances: Tolerances) -> None:
    first = loosened(tolerances, tailed(tolerances))
    assert first == ["fp16/lpips: text-to-image cases alone, up to 0.4 instead of 0.1, and not in the mean"]
    longer = loosened(tailed(tolerances), tailed(tolerances, tail(0.5)))
    assert longer == ["fp16/lpips: text-to-image cases alone 0.4 → 0.5"]
    assert loosened(tailed(tolerances, tail(0.5)), tailed(tolerances)) == [], "a shorter one is not"


def test_a_tail_that_goes_lets_good_cases_dilute_the_mean_again(make_lane: MakeLane, tolerances: Tolerances) -> None:
    lane = make_lane({"lpips": [0.012, 0.012, 0.012, 0.0]})
    assert judged(lane, tailed(tolerances))["all/lpips"].status == "fail"
    assert judged(lane, tolerances)["all/lpips"].status != "fail"
    assert loosened(tailed(tolerances), tolerances) == [
        "fp16/lpips: text-to-image cases alone no more: the mean is taken over them again"
    ]


def test_no_case_with_a_source_has_a_tail() -> None:
    with pytest.raises(ValidationError):
        Tail.model_validate({**tail().model_dump(), "kind": "image-to-image"})


def test_the_kind_follows_from_the_suite() -> None:
    source = Case(prompt="a face", seed=1, source="file:face.png", strength=0.5)
    cases = {"a": Case(prompt="a face", seed=1), "b": source}
    assert kinds_of(cases) == {"a": "text-to-image", "b": "image-to-image"}
