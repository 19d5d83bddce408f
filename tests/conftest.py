"""What every room of tests shares: the realistic run on disk and in memory, hostile text and drawn pictures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from sdqa.bundle import Bundle, Run
from tests.report.pictures import draw, png
from tests.report.realistic import HOSTILE, make_run


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """The realistic bundle on disk; tests only read it."""
    bundle = Bundle(tmp_path_factory.mktemp("bundle"))
    bundle.write(make_run(bundle))
    return bundle


@pytest.fixture(scope="session")
def run(bundle: Bundle) -> Run:
    """The realistic run as read back from disk."""
    return bundle.read()


@pytest.fixture
def clean_run(run: Run) -> Run:
    """A run in which everything passed."""
    lane = run.lanes[0]
    verdicts = tuple(v.model_copy(update={"status": "pass"}) for v in lane.verdicts)
    return run.model_copy(
        update={
            "lanes": (lane.model_copy(update={"verdicts": verdicts}),),
            "status": "complete",
            "exit_code": 0,
            "fault": None,
            "diagnosis": None,
            "sensitivity": None,
        }
    )


@pytest.fixture
def empty_folder(tmp_path: Path) -> Path:
    """A folder that is not there yet."""
    return tmp_path / "new" / "report"


@pytest.fixture(scope="session")
def hostile() -> str:
    """Text that would do harm if it were not escaped."""
    return HOSTILE


@pytest.fixture(scope="session")
def drawn() -> Callable[..., bytes]:
    """A drawn picture's PNG bytes, by name, seed and size."""

    def make(name: str, seed: int = 1, size: tuple[int, int] = (64, 64)) -> bytes:
        return png(draw(name, seed).resize(size))

    return make
