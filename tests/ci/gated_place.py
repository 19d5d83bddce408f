"""A repository and what its machines send, for tests of `sdqa ci gate` over folders on disk."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from sdqa.bundle import Bundle, Run
from sdqa.bundle.provenance import work_tree
from sdqa.ci.judge import judge_digest
from sdqa.cli import run as sdqa
from sdqa.plan import load_suite, make_plan
from tests.ci import honest

COMMITTED = honest.COMMITTED.isoformat()


def git(folder: Path, *arguments: str) -> str:
    names = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.org"}
    names |= {"GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.org", "GIT_COMMITTER_DATE": COMMITTED}
    command = ["git", "-C", str(folder), "-c", "commit.gpgsign=false", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, **names})
    return done.stdout.strip()


class Place:
    """A repository with a suite, and what its machines send."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.suite = root / "repository" / "sdqa.toml"
        self.suite.parent.mkdir()
        self.suite.write_text(honest.SUITE, encoding="utf-8")
        honest.record_goldens(self.suite.parent / "goldens")
        git(self.suite.parent, "init", "-q")
        self.commit = self.commit_all("first")
        self.output, self.summary = root / "output", root / "summary"
        for name in list(os.environ):
            if name.startswith("GITHUB_"):
                monkeypatch.delenv(name)
        monkeypatch.setenv("GITHUB_OUTPUT", str(self.output))
        monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(self.summary))
        monkeypatch.delenv("SDQA_RESULTS", raising=False)
        monkeypatch.chdir(self.suite.parent)

    def commit_all(self, message: str) -> str:
        git(self.suite.parent, "add", "-A")
        git(self.suite.parent, "commit", "-q", "--allow-empty", "-m", message)
        return git(self.suite.parent, "rev-parse", "HEAD")

    def send(self, name: str, run: Run) -> Path:
        """A bundle of this commit, by this checkout's judge."""
        plan = make_plan(load_suite(self.suite), self.suite)
        commit, _ = work_tree(self.suite.parent)
        said = {"commit": commit, "judge_digest": judge_digest(plan)}
        folder = self.root / "bundles" / name
        own = run.model_copy(update={"suite_digest": plan.suite_digest})
        return honest.keep(folder, honest.with_origin(own, **said))

    def send_all(self) -> None:
        self.send("linux", honest.linux())
        self.send("mac", honest.mac())

    def gate(self, *options: str, results: str | None = '{"lanes": {"result": "success"}}') -> int:
        told = () if results is None else ("--results", results)
        report = str(self.root / "report")
        return sdqa(["ci", "gate", str(self.root / "bundles"), *told, "--output", report, *options])

    def outputs(self) -> dict[str, str]:
        lines = self.output.read_text(encoding="utf-8").splitlines()
        return dict(line.split("=", 1) for line in lines[-2:])


def said(place: Place, words: str) -> None:
    """What the judge was held against stands in every place."""
    assert f"judge={words}" in place.output.read_text(encoding="utf-8").splitlines()
    report = place.root / "report"
    for text in (place.summary, report / "summary.md", report / "index.html"):
        assert words in text.read_text(encoding="utf-8")


def agreed(place: Place, code: int, verdict: str, word: str) -> None:
    """Words, outputs and exit code cannot differ."""
    assert place.outputs() == {"verdict": verdict, "exit-code": str(code)}
    assert Bundle(place.root / "report").read().exit_code == code
    titles = [line for line in place.summary.read_text(encoding="utf-8").splitlines() if line.startswith("## ")]
    assert titles[-1].endswith(f": {word}"), titles
    assert word in (place.root / "report" / "index.html").read_text(encoding="utf-8")
