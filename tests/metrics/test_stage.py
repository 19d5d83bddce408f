"""The score stage as lanes call it."""

from __future__ import annotations

from pathlib import Path

import pytest

from sdqa.errors import MetricError
from sdqa.metrics import MetricModels
from sdqa.metrics import scoring as scoring_module
from sdqa.metrics.stage import demand_sound
from sdqa.store import Store


def test_a_run_tests_the_metrics_that_it_measures_and_loads_no_network_for_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models, store = MetricModels(), Store(tmp_path)
    monkeypatch.setattr(models.clip, "image", lambda *_: pytest.fail("nobody asked for CLIP"))
    demand_sound(models, store, ("finite", "psnr"))
    with pytest.raises(pytest.fail.Exception, match="nobody asked for CLIP"):
        demand_sound(models, store, ("clip_directional",))


def test_a_metric_that_fails_is_found_again_where_others_passed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models, store = MetricModels(), Store(tmp_path)
    demand_sound(models, store, ("finite",))
    metric = scoring_module.find("psnr")
    monkeypatch.setitem(metric.self_tests, "planted", lambda: "it is not")
    with pytest.raises(MetricError, match="psnr: planted: it is not"):
        demand_sound(models, store, ("finite", "psnr"))
