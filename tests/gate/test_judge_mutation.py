"""Every condition that a verdict depends on is held by a lane: with any of them taken away, some verdict is another."""

from __future__ import annotations

import importlib
import math
import types
from typing import Any

from sdqa.bundle import Failure, Fingerprint, Lane, Measurement, Package
from sdqa.gate.baseline import BaselineManifest
from sdqa.gate.standards import Standards
from sdqa.gate.tail import Tail
from sdqa.gate.tolerances import HarmlessNoise, Tolerance, Tolerances
from tests.ci.mutants import mutants

CASES = tuple("abcdefghij")
PLANNED = tuple(f"l/{scope}/{metric}" for metric in ("psnr", "drift") for scope in (*CASES, "all"))
HARD = tuple(f"l/{case}/finite" for case in CASES)
COMPONENT = ("l/unet/parity", "l/unet/contract", "l/all/coverage")
BUDGET = ("l/budget/model_memory_bytes", "l/budget/inference_s")


def limit(metric: str, better: Any, of: Any, *limits: float, fingerprints: tuple[str, ...] = ("f",)) -> Tolerance:
    noise = HarmlessNoise(n=9, mean=0, sd=0, worst=0, bound=0, case_bound=0, conditions=("measured",))
    mean, case, severe = limits
    return Tolerance(
        metric=metric, better=better, of=of, limit=mean, case_limit=case, severe=severe, harmless=noise,
        date="2026-01-01", fingerprints=fingerprints, unit="dB" if better == "higher" else "",
    )  # fmt: skip


TABLE = {
    "psnr": limit("psnr", "higher", "value", 30.0, 25.0, 20.0),
    "drift": limit("drift", "lower", "difference", 0.1, 0.2, 0.3),
    "parity": limit("parity", "higher", "value", 50.0, 40.0, 20.0, fingerprints=()),
}
TOLERANCES = Tolerances(model="m", checks=9, false_alarms=0.1, confidence=0.9, variants={"*": TABLE})


BASELINE = BaselineManifest(
    model="m",
    case="a",
    lane="l",
    golden="g",
    fingerprint=Fingerprint(),
    digests={},
    files={},
    reason="r",
    date="2026-01-01",
)
TAIL = Tail(n=50, beyond=2, worst=10.0, severe=5.0, date="2026-01-01")
TAILED = {**TABLE, "psnr": TABLE["psnr"].model_copy(update={"tail": TAIL})}
STANDARDS: dict[str, Tolerances | Standards | None] = {
    "": TOLERANCES,
    " without tolerances": None,
    " with a baseline": Standards(TOLERANCES, {"a": BASELINE}),
    " with a tail": Standards(
        TOLERANCES.model_copy(update={"variants": {"*": TAILED}}), kinds={"a": "text-to-image", "b": "image-to-image"}
    ),
    " calibrated, and that is required": Standards(TOLERANCES, require_calibrated=True),
    " where calibrated lanes are required": Standards(None, require_calibrated=True),
}


class Limits:
    model_memory_bytes = 100
    inference_s = 2.0
    one_at_a_time_memory_bytes = off_neural_engine_percent = end_to_end_s = None


def lane(psnr: Any = 60.0, drift: Any = 0.0, *more: Measurement, golden: Any = 1.0, **fields: Any) -> Lane:
    """Ten cases; a dictionary gives single cases other figures, None among them."""
    found = []
    for metric, given, usual, offset in (("psnr", psnr, 60.0, None), ("drift", drift, 0.0, golden)):
        table = given if isinstance(given, dict) else dict.fromkeys(CASES, given)
        for case in CASES:
            value = table.get(case, usual)
            if value == "absent":
                continue
            anchor = offset.get(case, 1.0) if isinstance(offset, dict) else offset
            figure = value + 1.0 if metric == "drift" and value is not None else value
            better: Any = "higher" if metric == "psnr" else "lower"
            found.append(
                Measurement(metric=metric, case=case, value=figure, golden=anchor, better=better, fingerprint="f")
            )
    found += [Measurement(metric="finite", case=case, value=1.0) for case in CASES]
    names = {m.metric + (m.case or "") + (m.component or "") for m in more}
    kept = [m for m in found if m.metric + (m.case or "") + (m.component or "") not in names]
    whole = [
        Measurement(metric="parity", component="unet", value=60.0, better="higher"),
        Measurement(metric="contract", component="unet", value=1.0),
        Measurement(metric="coverage", value=1.0),
        Measurement(metric="model_memory_bytes", value=50.0),
        Measurement(metric="inference_s", value=1.0),
    ]
    kept += [m for m in whole if m.metric + (m.component or "") not in names]
    given = {"measurements": (*kept, *more), **fields}
    return Lane(**{"id": "l", "model": "m", "variant": "v", "runtime": "reference", "compute_unit": "c", **given})


def figure(metric: str, value: float | None, **fields: Any) -> Measurement:
    return Measurement(metric=metric, value=value, **fields)


def _against_baseline(value: float) -> Measurement:
    facts = {"case": "a", "unit": "dB", "better": "higher", "fingerprint": BASELINE.identity("baseline_psnr")}
    return figure("baseline_psnr", value, **facts)


LANES: dict[str, Lane] = {
    "good": lane(),
    "on coreml": lane(runtime="coreml"),
    "mean fails": lane(28.0),
    "an outlier": lane({"a": 24.0}),
    "an outlier while the mean fails": lane(dict.fromkeys(CASES, 29.0) | {"a": 24.0}),
    "as bad as a fault": lane({"a": 10.0}),
    "worse than any tail": lane({"a": 2.0}),
    "an interval beyond": lane(dict(zip(CASES, [42.0] * 5 + [25.5] * 5, strict=True))),
    "a lower interval beyond": lane(drift=dict(zip(CASES, [0.0] * 5 + [0.17] * 5, strict=True))),
    "drift fails": lane(drift=0.15),
    "no number": lane({"a": math.nan}),
    "infinite": lane({"a": math.inf}),
    "no value": lane({"a": None}),
    "no values": lane(dict.fromkeys(CASES)),
    "six of ten have no value": lane(dict.fromkeys(CASES[:6])),
    "a case is absent": lane({"a": "absent"}),
    "all cases are absent": lane(dict.fromkeys(CASES, "absent")),
    "an outlier beside one that is missing": lane({"a": 24.0, "b": None}),
    "an outlier beside one that is no number": lane({"a": 24.0, "b": math.nan}),
    "no golden": lane(golden={"a": None}),
    "no goldens": lane(golden=dict.fromkeys(CASES)),
    "an outlier of drift without another's golden": lane(drift={"a": 0.25}, golden={"b": None}),
    "not finite": lane(60.0, 0.0, figure("finite", 0.0, case="a", reason="3 NaN")),
    "not finite, no reason": lane(60.0, 0.0, figure("finite", 0.0, case="a")),
    "not finite beside an outlier": lane({"b": 24.0}, 0.0, figure("finite", 0.0, case="a")),
    "finite was not measured": lane(60.0, 0.0, figure("finite", None, case="a")),
    "another network": lane(60.0, 0.0, figure("psnr", 60.0, case="a", better="higher", fingerprint="g")),
    "a metric that nobody limits": lane(60.0, 0.0, figure("beauty", 1.0, case="a"), figure("beauty", 2.0, case="b")),
    "a component's": lane(60.0, 0.0, figure("parity", 35.0, component="unet", better="higher")),
    "a component's worst": lane(60.0, 0.0, figure("parity", 5.0, component="unet", better="higher")),
    "a component's missing": lane(60.0, 0.0, figure("parity", None, component="unet")),
    "the contract is broken": lane(60.0, 0.0, figure("contract", 0.0, component="unet")),
    "no coverage": lane(60.0, 0.0, figure("coverage", None)),
    "too large": lane(60.0, 0.0, figure("model_memory_bytes", 500.0)),
    "too slow": lane(60.0, 0.0, figure("inference_s", 5.0)),
    "a time of an earlier run": lane(60.0, 0.0, figure("inference_s", 1.0, replayed=True)),
    "its baseline's": lane(60.0, 0.0, _against_baseline(80.0)),
    "another than its baseline's": lane(60.0, 0.0, _against_baseline(30.0)),
    "no time": lane(60.0, 0.0, figure("inference_s", None)),
    "no time that is a number": lane(60.0, 0.0, figure("inference_s", math.nan)),
    "nothing": lane(measurements=()),
    "nothing of a package": lane(measurements=(), packages=(Package(component="unet", name="u", digest="d", bytes=1),)),
    "nothing, for a reason": lane(
        measurements=(),
        status="incomplete",
        failures=(Failure(stage="generate", where="a", code="SDQA-410", message="no memory", exit_code=3),),
    ),
}

#: Conditions that only shape a reason's words.
ELSEWHERE = {
    "if limit > 0",  # a note that a figure is close to its limit: tests/gate/test_closeness.py
    "if standard.provisional",
    "if metric in EXECUTED",  # a package that cannot be run: tests/workflow/test_unrunnable.py
    "if unrun",
}
"""Conditions that no lane here meets, and where they are held."""
WORDS = {
    "if on_device(evidence.lane.runtime)",
    "if len(fingerprints) == 1",
    "if len(goldens) == len(shared)",
    "if len(shared) < len(compared)",
    "if limit is not None",
    "if m.value is not None",
    "if measurement.reason",
    "if metric in BASELINE_METRICS and (not standard.provisional)",
    "if missing",
    "if name in FROM_PACKAGES",
    "if scope",
    "if scope in known",
    "if shift > 0",
    "if tolerance.of == 'difference'",
    "if value is not None and golden is not None",
}


def verdicts(module: types.ModuleType) -> tuple[dict[str, Any], dict[str, Any]]:
    """Statuses, and everything, of all lanes; with tolerances and without, and with budgets of other names."""
    statuses: dict[str, Any] = {}
    everything: dict[str, Any] = {}
    planned = (*PLANNED, *HARD, *COMPONENT, *BUDGET, "l/budget/end_to_end_s", "l/a/beauty", "l/all/beauty")
    for name, one in LANES.items():
        for kind, tolerances in STANDARDS.items():
            try:
                found = module.judge(one, tolerances, Limits(), planned=planned)
            except Exception as error:
                statuses[name + kind] = everything[name + kind] = type(error).__name__
                continue
            statuses[name + kind] = [(v.check, v.status) for v in found]
            everything[name + kind] = [v.model_dump_json() for v in found]
    return statuses, everything


def test_every_condition_of_a_verdict_is_held_by_a_lane() -> None:
    judging = importlib.import_module("sdqa.gate.judging")
    statuses, everything = verdicts(judging)
    silent, wordy = set(), set()
    for what, mutant in mutants(judging):
        found = verdicts(mutant)
        if found[1] == everything:
            silent.add(what.partition(": ")[2])
        elif found[0] == statuses:
            wordy.add(what.partition(": ")[2])
    assert silent == ELSEWHERE
    assert wordy == WORDS
