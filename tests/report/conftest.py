"""What the tests of the page share: pages on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from sdqa.bundle import Bundle, Run
from sdqa.report.html import render_page


@pytest.fixture(scope="session")
def page_file(bundle: Bundle, run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The realistic run's page on disk."""
    path = tmp_path_factory.mktemp("page") / "index.html"
    path.write_text(render_page(bundle, run), encoding="utf-8", errors="replace")
    return path
