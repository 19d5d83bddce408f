"""What the tests of the page share: a browser, axe, and pages on disk."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sdqa.bundle import Bundle, Run
from sdqa.report.html import render_page
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
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).with_name("axe.min.js").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def page_file(bundle: Bundle, run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The realistic run's page on disk."""
    path = tmp_path_factory.mktemp("page") / "index.html"
    path.write_text(render_page(bundle, run), encoding="utf-8", errors="replace")
    return path
