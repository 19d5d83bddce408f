"""What the tests of the site share: a site on disk with everything that a page can show."""

from __future__ import annotations

from pathlib import Path

import pytest

from sdqa.bundle import Fingerprint
from sdqa.dashboard.site import build
from sdqa.history import add_records
from sdqa.history.places import HistoryFolder
from tests.history.records import CASES, lane, record_at


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
