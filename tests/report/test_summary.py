"""Markdown for the job's summary."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from sdqa.bundle import Run
from sdqa.report.summary import LIMIT, markdown_text, summary_markdown


def test_the_verdict_comes_first_in_words(run: Run) -> None:
    lines = summary_markdown(run).splitlines()
    assert lines[0] == "## ❌ sdqa embedded: Fail"
    assert lines[2].startswith("31 of 109 checks failed, in 1 of 4 lanes.")


def test_a_planted_fault_is_said_before_the_figures(run: Run) -> None:
    text = summary_markdown(run)
    assert text.index("A fault was planted on purpose") < text.index("What needs attention")


def test_a_clean_run_has_no_section_for_trouble(clean_run: Run) -> None:
    text = summary_markdown(clean_run)
    assert text.startswith("## ✅")
    assert "attention" not in text


def test_every_row_of_a_table_has_as_many_cells_as_its_head(run: Run) -> None:
    width = 0
    for line in summary_markdown(run).splitlines():
        if not line.startswith("|"):
            width = 0
            continue
        cells = line.count("|")
        width = width or cells
        assert cells == width, line


def test_long_lists_are_cut_and_say_so(run: Run) -> None:
    lane = run.lanes[2]
    verdicts = [
        v.model_copy(update={"metric": f"metric-{i}", "status": "fail"})
        for i, v in enumerate(lane.verdicts[:1] * (LIMIT + 7))
    ]
    many = run.model_copy(update={"lanes": (lane.model_copy(update={"verdicts": tuple(verdicts)}),)})
    assert "… and 7 more: see the report." in summary_markdown(many)


def test_checks_of_one_metric_are_one_row_with_the_worst(run: Run) -> None:
    rows = [line for line in summary_markdown(run).splitlines() if "❌ fail" in line and "/lpips" in line]
    assert len(rows) == 1
    assert "landscape-lake/lpips (worst of 10) | NaN |" in rows[0]


def test_html_of_the_bundle_does_not_reach_the_summary(run: Run) -> None:
    text = summary_markdown(run)
    assert "<script" not in text
    assert set(re.findall(r"<(/?\w+)", text)) <= {"details", "summary", "/summary", "/details", "sub", "/sub"}


@settings(max_examples=60, deadline=None)
@given(st.text())
def test_text_cannot_break_a_table_format_or_mention(text: str) -> None:
    shown = markdown_text(text)
    assert not set(shown) & set("|<>*_`[]@~$\n\r")
    assert "://" not in shown
