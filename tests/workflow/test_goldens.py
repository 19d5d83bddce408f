"""Goldens are drawn again for what the suite still asks for, and only for that."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sdqa.errors import GoldenStale
from sdqa.plan import load_suite, make_plan
from sdqa.progress import Silent
from sdqa.store import Store
from sdqa.workflow.goldens import reproducer

SUITE = Path(__file__).parents[2] / "sdqa.toml"


@pytest.mark.parametrize(("model", "case"), [("tiny", "a-case-that-was-deleted"), ("renamed", "text-portrait")])
def test_an_orphan_is_named_instead_of_drawn(tmp_path: Path, model: str, case: str) -> None:
    reproduce = reproducer(make_plan(load_suite(SUITE), SUITE), Store(tmp_path), Silent())
    golden: Any = SimpleNamespace(manifest=SimpleNamespace(model=model, case=case))
    with pytest.raises(GoldenStale, match="no case of the suite asks for it"):
        reproduce(golden)
