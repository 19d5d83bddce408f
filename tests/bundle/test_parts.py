"""Parts of a lane: any grouping and order of joining them gives the same record."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdqa.bundle import Failure, Lane, Measurement, Sample, Verdict
from sdqa.bundle.parts import join_lanes
from sdqa.errors import BundleError

CASES = ("cat", "dog", "fox", "owl")
VALUES = dict(zip(CASES, (1.0, 2.0, float("nan"), None), strict=True))


def part(*cases: str, seconds: float = 1.0, parity: float = 60.0, **fields: Any) -> Lane:
    figures = [Measurement(metric="lpips", case=case, value=VALUES[case]) for case in cases]
    figures.append(Measurement(metric="inference_s", value=seconds))
    figures.append(Measurement(metric="parity_psnr", component="unet", value=parity, better="higher"))
    verdicts = [Verdict(check=f"l/{case}/lpips", metric="lpips", case=case, status="pass") for case in cases]
    verdicts.append(Verdict(check="l/all/lpips", metric="lpips", status="fail" if "fox" in cases else "pass"))
    defaults: dict[str, Any] = {
        "samples": tuple(Sample(case=case, image_digest=case, seconds=seconds) for case in cases),
        "measurements": tuple(figures),
        "verdicts": tuple(verdicts),
        "planned": tuple(verdict.check for verdict in verdicts),
    }
    return Lane(id="l", model="m", variant="v", runtime="r", compute_unit="c", **{**defaults, **fields})


PARTS = st.builds(
    lambda cases, seconds, parity, failed, skipped: part(
        *sorted(cases),
        seconds=seconds,
        parity=parity,
        status="skipped" if skipped else "incomplete" if failed else "ran",
        failures=tuple(Failure(stage="s", where=w, code="c", message="m", exit_code=3) for w in failed),
    ),
    st.sets(st.sampled_from(CASES)),
    st.sampled_from([1.0, 2.0, 3.0]),
    st.sampled_from([40.0, 60.0, float("nan")]),
    st.sets(st.sampled_from("ab")),
    st.booleans(),
)


@settings(max_examples=200, deadline=None)
@given(PARTS, PARTS, PARTS)
def test_joining_is_associative_commutative_and_idempotent(a: Lane, b: Lane, c: Lane) -> None:
    def same(one: Lane, other: Lane) -> bool:
        return one.to_json() == other.to_json()

    assert same(join_lanes(a, a), a)
    assert same(join_lanes(a, b), join_lanes(b, a))
    assert same(join_lanes(join_lanes(a, b), c), join_lanes(a, join_lanes(b, c)))
    assert same(join_lanes(join_lanes(a, b), b), join_lanes(a, b))


def test_of_times_and_of_figures_over_a_parts_own_cases_the_worse_is_kept() -> None:
    joined = join_lanes(part("cat", seconds=1.0, parity=60.0), part("fox", seconds=3.0, parity=40.0))
    values = {(m.case, m.component, m.metric): m.value for m in joined.measurements}
    assert values[None, None, "inference_s"] == 3.0
    assert values[None, "unet", "parity_psnr"] == 40.0
    assert {v.check: v.status for v in joined.verdicts}["l/all/lpips"] == "fail"
    assert [sample.case for sample in joined.samples] == ["cat", "fox"]


@pytest.mark.parametrize("metric", ["contract", "coverage"])
def test_of_what_must_be_so_the_part_in_which_it_is_not_is_kept(metric: str) -> None:
    def told(case: str, value: float) -> Lane:
        figure = Measurement(metric=metric, component="unet", value=value, better="equal")
        return part(case).model_copy(update={"measurements": (figure,)})

    for one, other in ((1.0, 0.0), (0.0, 1.0)):
        [joined] = join_lanes(told("cat", one), told("fox", other)).measurements
        assert joined.value == 0.0


@pytest.mark.parametrize(
    "fields",
    [
        {"samples": (Sample(case="cat", image_digest="other"),)},
        {"measurements": (Measurement(metric="lpips", case="cat", value=7.0),)},
        {"verdicts": (Verdict(check="l/cat/lpips", metric="lpips", case="cat", status="fail"),)},
        {"variant": "other"},
    ],
)
def test_what_a_case_showed_must_be_the_same_in_every_part(fields: dict[str, Any]) -> None:
    with pytest.raises(BundleError, match="different results"):
        join_lanes(part("cat", "dog"), part("cat").model_copy(update=fields))


def test_a_lane_that_was_skipped_adds_nothing() -> None:
    skipped = part(status="skipped", measurements=(), samples=(), verdicts=(), reason="for another machine")
    assert join_lanes(skipped, part("cat")) == part("cat") == join_lanes(part("cat"), skipped)
