"""The score stage: every metric of every case, made once for the same sample, golden and metric identities."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sdqa.bundle import Measurement
from sdqa.bundle.environment import versions
from sdqa.metrics import MetricModels, find, score
from sdqa.metrics import demand_sound as demand_sound_now
from sdqa.metrics.subject import Subject
from sdqa.runtime.identity import identify
from sdqa.store import Store, code_digest, digest_of

FILE = "measurements.json"


def score_case(
    subject: Subject, names: tuple[str, ...], models: MetricModels, store: Store, evidence: Mapping[str, Any]
) -> tuple[Measurement, ...]:
    """The measurements of one case.

    Args:
        evidence: digests of the sample and the golden that `subject` was read from.
    """
    key = {
        "evidence": dict(evidence),
        "case": subject.case,
        "metrics": sorted(names),
        "identity": digest_of(models.identity()),
        "execution": _execution(),
        "code": code_digest(__name__),
    }

    def build(folder: Path) -> None:
        measurements = score(subject, names=names, models=models)
        data = [measurement.to_json() for measurement in measurements]
        (folder / FILE).write_text(json.dumps(data, sort_keys=True), encoding="utf-8")

    entry = store.memo("score", key, build)
    return tuple(Measurement.model_validate(item) for item in json.loads((entry.path / FILE).read_bytes()))


def demand_sound(models: MetricModels, store: Store, names: tuple[str, ...]) -> None:
    """The self-tests of the metrics that are measured; once for the same metrics, networks and libraries.

    Args:
        names: the metrics; a network that none of them looks through is not loaded.

    Raises:
        MetricError: a metric failed a self-test; nothing it says can be trusted.
    """
    tested = tuple(name for name in names if "face" not in find(name).needs)  # its network is an extra
    key = {"identity": digest_of(models.identity(tested)), "execution": _execution(), "code": code_digest(__name__)}

    def build(folder: Path) -> None:
        results = [[result.metric, result.self_test] for result in demand_sound_now(models, tested)]
        (folder / "sound.json").write_text(json.dumps(results), encoding="utf-8")

    store.memo("sound", key, build)


def _execution() -> dict[str, Any]:
    """What makes two executions of the metrics' networks the same."""
    libraries = (*versions(), "pillow", "scikit-image", "scipy")
    return identify("torch", "CPU_ONLY", threads=1, libraries=libraries, code="", on_device=False).facts()
