"""What the tests of the site share: a browser, axe, and a site on disk with everything that a page can show."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sdqa.bundle import Fingerprint
from sdqa.dashboard.site import build
from sdqa.history import add_records
from sdqa.history.places import HistoryFolder
from tests.history.records import CASES, lane, record_at
from tests.report.browser import BROWSER, NAMES, Browser


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser with one tab. Where one was promised (CI), its absence is a failure, not a skip."""
    if BROWSER is None:
        assert not os.environ.get("SDQA_REQUIRE_BROWSER"), f"no browser on PATH ({', '.join(NAMES)})"
        pytest.skip(f"not run: no browser on PATH ({', '.join(NAMES)})")
    driven = Browser(tmp_path_factory.mktemp("profile"))
    yield driven
    driven.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """axe's script."""
    found = importlib.util.find_spec("axe_core_python")
    if found is None or found.origin is None:
        pytest.skip("not run: axe_core_python is not installed")
    return Path(found.origin).with_name("axe.min.js").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty runs of two variants: a step, a renewed golden, another machine and judge, a flaky check, a failure."""
    pytest.importorskip("ruptures")
    root = tmp_path_factory.mktemp("site")
    records = []
    for number in range(40):
        value = 0.01 if number < 20 else 0.02
        value = 0.04 if number in (8, 39) else value
        golden = "a" if number < 25 else "b"
        machine = Fingerprint(system="Linux", processor="chip" if number < 30 else "faster chip", machine="arm64")
        lanes = (
            lane(dict.fromkeys(CASES, value), golden=golden, fingerprint=machine),
            lane(dict.fromkeys(CASES, 0.028), variant="pal6", golden=golden, fingerprint=machine),
        )
        judge = {"judge": "j1" if number < 35 else "j2"}
        records.append(record_at(number, 0.01, *lanes).model_copy(update={**judge, "report": "https://example.org/r"}))
    add_records(HistoryFolder(root / "history"), records)
    goldens = Path(__file__).parents[2] / "goldens"
    build(HistoryFolder(root / "history"), root / "site", index=root / "index.sqlite", goldens=goldens)
    return root / "site"
