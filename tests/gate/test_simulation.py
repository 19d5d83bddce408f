"""The gate's promises, on measured noise: clean runs do not alarm, a shift of the stated power does, real faults do.

`measured.json` holds figures of the embedded pipeline; its `about` says how they were measured.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sdqa.bundle import Lane, Measurement
from sdqa.gate import Tolerances, judge, statistics, verdict
from sdqa.gate.calibrate import calibrate

MEASURED: dict[str, Any] = json.loads((Path(__file__).parent / "measured.json").read_text())
VARIANTS = ("fp16", "palettized-6bit")
RUNS = 1000
Case = Sequence[Sequence[float] | None]


def lane(variant: str, cases: Mapping[str, Case]) -> Lane:
    figures = tuple(
        Measurement.model_construct(case=case, value=figure[0], golden=figure[1], **facts)
        for case, row in cases.items()
        for facts, figure in zip(MEASURED["metrics"], row, strict=True)
        if figure is not None
    )
    base = Lane(id=f"tiny/{variant}", model="tiny", variant=variant, runtime="reference", compute_unit="CPU_ONLY")
    return base.model_copy(update={"measurements": figures})


@cache
def tolerances() -> Tolerances:
    clean = {v: {"clean, several seeds": [lane(v, cases) for cases in MEASURED["clean"][v]]} for v in VARIANTS}
    faults = {name: [lane("fp16", cases) for cases in lanes] for name, lanes in MEASURED["faults"].items()}
    checks = sum(len(judge(lanes["clean, several seeds"][0], None)) for lanes in clean.values())
    return calibrate("tiny", clean, faults, checks=checks, date="2026-11-23T00:00:00+00:00")


def draw(variant: str, rng: np.random.Generator) -> dict[str, Case]:
    """A clean run: eleven measured cases, drawn with replacement, each figure jittered by a tenth of its spread."""
    pool = [row for cases in MEASURED["clean"][variant] for row in cases.values()]
    chosen = [pool[i] for i in rng.integers(0, len(pool), 11)]
    jitter = 0.1 * spreads(variant) * rng.standard_normal((11, len(MEASURED["metrics"])))
    return {
        f"case-{i}": [None if figure is None else (figure[0] + jitter[i, j], figure[1]) for j, figure in enumerate(row)]
        for i, row in enumerate(chosen)
    }


@cache
def spreads(variant: str) -> np.ndarray:
    pool = [row for cases in MEASURED["clean"][variant] for row in cases.values()]
    columns = [[row[j][0] - (row[j][1] or 0.0) for row in pool if row[j] is not None] for j in range(len(pool[0]))]
    return np.array([np.std(column) for column in columns])


@pytest.mark.slow
def test_a_thousand_clean_runs_give_at_most_one_false_alarm() -> None:
    rng = np.random.default_rng(2026)
    failed, suspicious = 0, dict.fromkeys(VARIANTS, 0)
    for _ in range(RUNS):
        statuses = {name: {v.status for v in judge(lane(name, draw(name, rng)), tolerances())} for name in VARIANTS}
        failed += any("fail" in found for found in statuses.values())
        for name in VARIANTS:
            suspicious[name] += "suspicious" in statuses[name]
    assert failed <= 1
    assert suspicious["fp16"] <= 0.05 * RUNS
    # One in eleven six-bit cases may change what it shows: few cases leave the means of such a variant in doubt.
    assert suspicious["palettized-6bit"] <= 0.10 * RUNS


def test_every_clean_lane_that_was_measured_passes() -> None:
    for name in VARIANTS:
        for cases in MEASURED["clean"][name]:
            assert {v.status for v in judge(lane(name, cases), tolerances())} == {"pass"}


def test_every_limit_is_in_its_place() -> None:
    for table in tolerances().variants.values():
        for tolerance in table.values():
            harmless = tolerance.harmless
            order = (harmless.mean, harmless.bound, tolerance.limit, tolerance.case_limit, tolerance.severe)
            losses = [statistics.loss(figure, tolerance.better) for figure in order]
            assert losses == sorted(losses), tolerance.metric
            assert not tolerance.worse_than(harmless.worst, tolerance.case_limit)
            assert harmless.n == 44 or tolerance.metric in ("clip_directional", "lpips_source")


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("metric", ["lpips", "psnr", "clip_score", "ssim"])
def test_a_shift_of_the_stated_power_is_caught_in_95_of_100_runs(variant: str, metric: str) -> None:
    rng = np.random.default_rng(7)
    column = next(i for i, facts in enumerate(MEASURED["metrics"]) if facts["metric"] == metric)
    better = MEASURED["metrics"][column]["better"]
    tolerance = tolerances().variants[variant][metric]
    clean = [row[column] for cases in MEASURED["clean"][variant] for row in cases.values()]
    figures = [value - (golden or 0.0) if tolerance.of == "difference" else value for value, golden in clean]
    losses = [statistics.loss(figure, better) for figure in figures]
    # The power is stated for eleven cases that scatter as all the measured ones do.
    n, z = 11, statistics.NORMAL.inv_cdf(statistics.POWER)
    limit = statistics.loss(tolerance.limit, better)
    shift = limit - float(np.mean(losses)) + z * float(np.std(losses, ddof=1)) / math.sqrt(n)
    sign = 1 if better == "higher" else -1
    caught = 0
    for _ in range(400):
        drawn = draw(variant, rng)
        worse = {
            case: [
                (figure[0] - sign * shift, figure[1]) if j == column and figure is not None else None
                for j, figure in enumerate(row)
            ]
            for case, row in drawn.items()
        }
        caught += verdict(f"tiny/{variant}/all/{metric}", lane(variant, worse), tolerances()).status == "fail"
    assert caught / 400 >= 0.95 - 2 * math.sqrt(0.95 * 0.05 / 400)


@pytest.mark.parametrize("fault", sorted(MEASURED["faults"]))
def test_measured_faults_are_caught_against_fp16(fault: str) -> None:
    for cases in MEASURED["faults"][fault]:
        verdicts = judge(lane("fp16", cases), tolerances())
        assert sum(v.status == "fail" for v in verdicts) > 20
        assert verdict("tiny/fp16/all/lpips", lane("fp16", cases), tolerances()).status == "fail"


def test_a_two_bit_unet_is_caught_even_against_palettes_of_six_bits() -> None:
    for cases in MEASURED["faults"]["unet-palette-2bit"]:
        found = {v.metric for v in judge(lane("palettized-6bit", cases), tolerances()) if v.status == "fail"}
        assert {"lpips", "psnr", "clip_score", "ssim"} <= found


def test_six_bits_are_not_passed_off_as_sixteen() -> None:
    for cases in MEASURED["clean"]["palettized-6bit"]:
        assert any(v.status == "fail" for v in judge(lane("fp16", cases), tolerances()))
