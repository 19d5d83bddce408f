"""What a judge is held against, by event; and in words why it is not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sdqa.ci.base import Base, base_of

ROOT = Path(__file__).parents[2]
SUITE = ROOT / "sdqa.toml"


@pytest.mark.parametrize(
    ("given", "event", "words"),
    [
        ("0" * 40, "push", "the branch is new"),
        ("0" * 64, "", "the branch is new"),
        ("", "schedule", "the event 'schedule' names no base"),
        (" ", "", "no base was given"),
        ("ab" * 20, "push", "what was there before this push, abababababab, is not in the history"),
    ],
)
def test_where_there_is_none_it_is_said_in_words(given: str, event: str, words: str) -> None:
    found = base_of(given, SUITE, {"GITHUB_EVENT_NAME": event} if event else {})
    assert found.revision == ""
    assert words in found.reason


@pytest.mark.parametrize(
    ("given", "event"), [("HEAD", "push"), ("ab" * 20, "merge_group"), ("HEAD^1", "pull_request"), (str(ROOT), "push")]
)
def test_what_is_named_is_held_to(given: str, event: str) -> None:
    """A base that is not there is a flaw of the evidence, except after the fact."""
    assert base_of(given, SUITE, {"GITHUB_EVENT_NAME": event}) == Base(revision=given)


def test_every_event_that_has_a_base_hands_it_over_with_its_history() -> None:
    text = (ROOT / ".github" / "workflows" / "reusable.yml").read_text(encoding="utf-8")
    [given] = re.findall(r"base: \$\{\{ (.*) \}\}", text)
    for part in ("'pull_request' && 'HEAD^1'", "github.event.merge_group.base_sha", "github.event.before"):
        assert part in given
    assert "fetch-depth: 0" in text.partition("\n  gate:\n")[2]
