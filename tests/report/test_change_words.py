"""A comparison in words: terminal, Markdown, summary."""

from __future__ import annotations

import io

import pytest

from sdqa.bundle import Measurement, Provenance, Run, Verdict
from sdqa.report.against import compare
from sdqa.report.change_words import ROWS, comparison_markdown, moved_words, sentence
from sdqa.report.comparison_terminal import print_comparison
from sdqa.report.markdown import MAX_BYTES
from sdqa.report.summary import summary_markdown
from sdqa.report.terminal import console_for
from tests.builders import lane_record, run_record


def verdict(case: str, difference: float, limit: float = 0.1) -> Verdict:
    return Verdict(
        check=f"a/{case}/lpips", metric="lpips", case=case, status="fail" if difference > limit else "pass",
        value=difference, golden=0.0, difference=difference, tolerance=limit, reason=f"{case} is what it is",
    )  # fmt: skip


def made(*verdicts: Verdict, **fields: object) -> Run:
    lane = lane_record("a", *verdicts, measurements=(Measurement(metric="lpips", better="lower"),))
    return run_record(lane, provenance=Provenance(commit="3f" * 20, ref="main"), **fields)


BEFORE = made(verdict("x", 0.01), verdict("y", 0.5), verdict("z", 0.5), verdict("w", 0.02))
AFTER = made(verdict("x", 0.31), verdict("y", 0.6), verdict("z", 0.0), verdict("w", 0.03))


def test_the_sentence_counts_what_is_new_what_stays_and_what_is_fixed() -> None:
    assert sentence(compare(BEFORE, AFTER)) == (
        "Against 3f3f3f3f3f3f (main) of 2026-01-01 00:00 UTC: 1 new failure, 1 still failing, 1 fixed; "
        "1 changed figure; 0 as before."
    )


def test_a_change_says_both_figures_the_limit_and_how_far() -> None:
    found = compare(BEFORE, AFTER)
    assert moved_words(found.changes[0]) == "+0.01 → +0.31, limit +0.1, 3 limits worse"
    moved = compare(made(verdict("x", 0.01)), made(verdict("x", 0.01, limit=0.005)))
    assert moved_words(moved.changes[0]).startswith("+0.01 → +0.01, limit +0.1 → +0.005")
    gone = compare(made(verdict("x", 0.5)), made())
    assert moved_words(gone.changes[0]) == "+0.5 → no such check, limit +0.1"


class Pipe(io.StringIO):
    encoding = "utf-8"


def test_the_terminal_lists_every_kind_and_ends_with_the_sentence() -> None:
    stream = Pipe()
    found = compare(BEFORE, AFTER)
    print_comparison(found, console_for(stream, {}))
    lines = stream.getvalue().splitlines()
    assert lines[0] == "✕ new failures (1)"
    assert lines[1] == "  a/x/lpips: +0.01 → +0.31, limit +0.1, 3 limits worse"
    assert lines[2] == "    index.html#/case/x?lane=a"
    assert "✓ fixed (1)" in lines
    assert lines[-1] == sentence(found)


def test_two_equal_runs_are_one_line() -> None:
    stream = Pipe()
    passing = made(verdict("x", 0.01))
    print_comparison(compare(passing, passing), console_for(stream, {}))
    assert stream.getvalue().splitlines() == [sentence(compare(passing, passing))]


@pytest.mark.parametrize("page", ["index.html", "https://example.org/7/index.html"])
def test_a_published_page_makes_links_and_another_none(page: str) -> None:
    text = comparison_markdown(compare(BEFORE, AFTER), page)
    assert ("[a/x/lpips](<https://example.org/7/index.html#/case/x?lane=a>)" in text) is page.startswith("https")
    assert "new failures" in text


def test_the_summary_says_what_is_new_before_what_needs_attention() -> None:
    text = summary_markdown(AFTER, compare(BEFORE, AFTER))
    assert text.index("### Against an earlier run") < text.index("### What needs attention")
    assert "1 new failure, 1 still failing, 1 fixed" in text


def test_a_summary_stays_below_its_limit_whatever_a_bundle_holds(hostile: str) -> None:
    wide = "😀" * 5000
    many = [verdict(f"{i}{wide}", 1.0).model_copy(update={"reason": wide + hostile}) for i in range(400)]
    texts = {"suite": wide, "sdqa_version": wide, "created": wide, "suite_digest": wide, "fault": wide}
    before, after = made(), made(*many, **texts)
    text = summary_markdown(after, compare(before, after))
    assert len(text.encode()) <= MAX_BYTES
    assert "<script>" not in text
    assert text.rstrip().endswith("</sub>")
    alone = comparison_markdown(compare(before, after))
    assert len(alone.encode()) <= MAX_BYTES
    assert f"… and {400 - ROWS} more: see the report." in comparison_markdown(
        compare(made(), made(*(verdict(str(i), 1.0) for i in range(400))))
    )
