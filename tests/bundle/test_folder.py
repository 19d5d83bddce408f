"""Bundles survive a round trip and refuse what they did not write."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from sdqa.bundle import Bundle, Lane, Measurement, Run, Verdict
from sdqa.errors import BundleError


def run(**changes: object) -> Run:
    lane = Lane(
        id="tiny/fp16",
        model="tiny",
        variant="fp16",
        runtime="reference",
        compute_unit="CPU_ONLY",
        measurements=(
            Measurement(metric="lpips", case="a", value=0.1),
            Measurement(metric="latency_ms", component="unet", value=12.0),
            Measurement(metric="psnr", case="a", value=math.nan),
        ),
        verdicts=(Verdict(check="tiny/fp16/a/lpips", metric="lpips", case="a", status="fail", value=math.inf),),
    )
    base = Run(sdqa_version="0", suite="s", suite_digest="d", created="2026-01-01T00:00:00+00:00", lanes=(lane,))
    return base.model_copy(update=changes)


def test_round_trip_keeps_nonfinite_values(tmp_path: Path) -> None:
    bundle = Bundle(tmp_path)
    bundle.write(run())
    json.loads((tmp_path / "run.json").read_text(), parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    read = bundle.read()
    assert read.lanes[0].measurements[0] == run().lanes[0].measurements[0]
    value = read.lanes[0].measurements[2].value
    assert value is not None
    assert math.isnan(value)
    assert read.lanes[0].verdicts[0].value == math.inf


def test_same_run_same_bytes(tmp_path: Path) -> None:
    Bundle(tmp_path / "a").write(run())
    Bundle(tmp_path / "b").write(run())
    assert (tmp_path / "a" / "run.json").read_bytes() == (tmp_path / "b" / "run.json").read_bytes()


def test_identity_ignores_times_but_not_figures() -> None:
    lane = run().lanes[0]
    slower = lane.measurements[1].model_copy(update={"value": 99.0})
    worse = lane.measurements[0].model_copy(update={"value": 0.2})
    timed = lane.model_copy(update={"measurements": (lane.measurements[0], slower, lane.measurements[2])})
    changed = lane.model_copy(update={"measurements": (worse, *lane.measurements[1:])})
    assert run(lanes=(timed,), created="later").identity() == run().identity()
    assert run(lanes=(changed,)).identity() != run().identity()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not JSON"),
        ("[]", "schema version None"),
        ('{"schema_version": 99}', "schema version 99"),
        ('{"schema_version": 1, "suite": 3}', "does not follow its schema"),
    ],
)
def test_garbage_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(BundleError, match=message):
        Bundle(tmp_path).read()


def test_missing_bundle(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="no bundle here"):
        Bundle(tmp_path / "nothing").read()


def test_blobs_are_checked(tmp_path: Path) -> None:
    bundle = Bundle(tmp_path)
    blob = bundle.add_blob(b"data", "image/png")
    assert bundle.read_blob(blob) == b"data"
    (tmp_path / blob.path).write_bytes(b"dada")
    with pytest.raises(BundleError, match="damaged"):
        bundle.read_blob(blob)
    with pytest.raises(BundleError, match="not a digest"):
        bundle.read_blob(blob.model_copy(update={"sha256": "../../etc/passwd"}))
