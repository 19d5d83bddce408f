"""One warm Python for all jobs of all workflows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service.runner import Service
from tests.service.warm import Warm


@pytest.fixture(scope="session", autouse=True)
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warm]:
    """Jobs run `python -m sdqa` in forks of it."""
    folder = tmp_path_factory.mktemp("w")
    found = Warm(folder)
    client = folder / "client"
    Path(client).write_text(found.client, encoding="utf-8")
    client.chmod(0o755)
    before, Service.warm = Service.warm, str(client)
    yield found
    Service.warm = before
    found.close()
