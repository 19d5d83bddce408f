"""A machine and a GitHub to set it up with; the home folder is a temporary one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sdqa.runner import mac, service
from tests.runner.github import FakeGitHub, serving
from tests.runner.machine import Machine

TOKEN = "ghs_thisIsTheTokenOfTheTest42"


@pytest.fixture
def github() -> Iterator[FakeGitHub]:
    with serving(TOKEN) as fake:
        yield fake


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("USER", "tester")
    return folder


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: Path, github: FakeGitHub) -> Iterator[Machine]:
    made = Machine(tmp_path / "machine")
    monkeypatch.setenv("PATH", f"{made.bin}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("GITHUB_API_URL", github.url)
    for name in ("GH_TOKEN", "GITHUB_TOKEN", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SDQA_RUNNER_TOKEN", TOKEN)
    monkeypatch.setattr(service, "LINGERING", tmp_path / "linger")
    monkeypatch.setattr(mac, "ENGINE_COMMAND", (str(made.bin / "ask-core-ml"),))
    if os.geteuid() == 0:  # refusing root has a test of its own
        monkeypatch.setattr("sdqa.runner.setup.check_user", lambda user: None)
    yield made
    made.clear()
