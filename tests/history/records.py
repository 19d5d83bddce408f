"""Runs of a little suite, made by hand: two cases, a figure over them with its limit, and package bytes."""

from __future__ import annotations

import hashlib
from typing import Any

from sdqa.bundle import Blob, Fingerprint, Lane, Measurement, Package, Run, Sample, Verdict
from sdqa.bundle.provenance import Provenance
from sdqa.history import RecordedRun, record_of
from tests.builders import lane_record, run_record

CASES = ("hat", "lake")
LIMIT = 0.03


def sha(number: int) -> str:
    return hashlib.sha1(str(number).encode()).hexdigest()


def lane(values: dict[str, float], *, variant: str = "fp16", golden: str = "a", **fields: Any) -> Lane:
    """A lane with LPIPS in each case, judged over the cases, and a package."""
    name = f"m/{variant}"
    mean = sum(values.values()) / len(values)
    verdicts = [
        Verdict(check=f"{name}/{case}/lpips", metric="lpips", case=case, value=value, tolerance=2 * LIMIT,
                status="pass" if value <= 2 * LIMIT else "fail")
        for case, value in values.items()
    ]  # fmt: skip
    verdicts.append(
        Verdict(
            check=f"{name}/all/lpips", metric="lpips", value=mean, tolerance=LIMIT, n=len(values),
            interval=(mean * 0.9, mean * 1.1), status="pass" if mean <= LIMIT else "fail",
        )
    )  # fmt: skip
    measurements = [Measurement(metric="lpips", case=case, value=value) for case, value in values.items()]
    measurements.append(Measurement(metric="package_bytes", component="unet", value=8e6, unit="bytes"))
    samples = tuple(
        Sample(
            case=case,
            images={"golden": Blob(sha256=golden * 64, bytes=1, media_type="image/png")},
            image_digest="c" * 64,
        )
        for case in values
    )
    facts = {
        "variant": variant,
        "packages": (Package(component="unet", name="u", digest="d" * 64, bytes=8_000_000),),
        "fingerprint": Fingerprint(system="Linux", processor="chip", machine="arm64"),
    }
    return lane_record(name, *verdicts, **{**facts, "measurements": measurements, "samples": samples, **fields})


def run_at(number: int, value: float = 0.01, *lanes: Lane, **fields: Any) -> Run:
    """Run `number` of a history, an hour after the one before."""
    origin = Provenance(commit=sha(number + 1), ref="main", judge_digest="j1")
    created = f"2026-{1 + number // 600:02d}-{1 + number // 24 % 25:02d}T{number % 24:02d}:00:00+00:00"
    chosen = lanes or (lane(dict.fromkeys(CASES, value)),)
    exit_code = int(any(v.status == "fail" for one in chosen for v in one.verdicts))
    return run_record(*chosen, **{"created": created, "provenance": origin, "exit_code": exit_code, **fields})


def record_at(number: int, value: float = 0.01, *lanes: Lane, **fields: Any) -> RecordedRun:
    return record_of(run_at(number, value, *lanes, **fields), environment={})
