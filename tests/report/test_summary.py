"""Markdown for the job's summary."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from sdqa.bundle import Failure, JudgeChange, Run, Verdict
from sdqa.bundle.diagnosis import Diagnosis
from sdqa.report.against import compare
from sdqa.report.markdown import escape
from sdqa.report.summary import LIMIT, MAX_BYTES, summary_markdown
from tests.builders import lane_record, run_record


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
    address = "index.html&#35;/case/landscape-lake?lane=tiny/palette2/reference/cpu"
    assert f"landscape-lake/lpips (worst of 10)<br><sub>{address}</sub> | NaN |" in rows[0]


def test_html_of_the_bundle_does_not_reach_the_summary(run: Run) -> None:
    text = summary_markdown(run)
    assert "<script" not in text
    assert set(re.findall(r"<(/?\w+)", text)) <= {"details", "summary", "/summary", "/details", "sub", "/sub", "br"}


@settings(max_examples=60, deadline=None)
@given(st.text())
def test_text_cannot_break_a_table_format_or_mention(text: str) -> None:
    shown = escape(text)
    assert not set(shown) & set("|<>*_`[]@~$\n\r")
    assert "://" not in shown


ATTACK = "@team ![x](https://e.example/x.png) [y](https://e.example) <img src=x> | \u202egnp.exe\u2066 `z`"
ATTACK += " www.e.example\n# head"


def links(text: str) -> list[str]:
    """What a Markdown renderer makes of a text besides text."""
    parsed = MarkdownIt("commonmark").enable("table").parse(text)
    tokens = [child for token in parsed for child in (token.children or [])]
    return [token.type for token in tokens if token.type in ("link_open", "image", "html_inline", "code_inline")]


@pytest.mark.parametrize("place", ["cause", "unit", "operation", "failure", "reason", "suite", "lane"])
def test_a_strangers_text_reaches_the_summary_as_text(clean_run: Run, place: str) -> None:
    lane = clean_run.lanes[0]
    run = clean_run
    if place in ("cause", "operation"):
        failed = lane.verdicts[0].model_copy(update={"status": "fail"})
        named = f"Cause: unet, quantisation, conv {ATTACK}" if place == "operation" else f"Cause: {ATTACK}"
        lanes = (lane.model_copy(update={"verdicts": (failed,)}),)
        run = run.model_copy(update={"lanes": lanes, "diagnosis": Diagnosis(lane="a", verdict=named)})
    elif place == "unit":
        verdicts = tuple(v.model_copy(update={"unit": ATTACK, "status": "fail"}) for v in lane.verdicts)
        figures = tuple(m.model_copy(update={"unit": ATTACK}) for m in lane.measurements)
        run = run.model_copy(
            update={"lanes": (lane.model_copy(update={"verdicts": verdicts, "measurements": figures}),)}
        )
    elif place == "suite":
        run = run.model_copy(update={"suite": ATTACK})
    elif place == "failure":
        failure = Failure(stage=ATTACK, where=ATTACK, code=ATTACK, message=ATTACK, exit_code=4)
        run = run.model_copy(update={"failures": (failure,)})
    else:
        failed = lane.verdicts[0].model_copy(update={"status": "fail", "reason": ATTACK, "check": ATTACK})
        run = run.model_copy(update={"lanes": (lane.model_copy(update={"id": ATTACK, "verdicts": (failed,)}),)})
    text = summary_markdown(run)
    assert "@team" not in text
    assert "https://" not in text
    assert "www." not in text
    assert not set(text) & {"\u202e", "\u2066"}
    assert set(links(text)) <= {"html_inline"}
    assert set(re.findall(r"<(/?\w+)", text)) <= {"details", "summary", "/summary", "/details", "sub", "/sub", "br"}


def test_four_hundred_failures_fit_below_the_limit_and_are_counted(clean_run: Run) -> None:
    failure = Failure(stage="generate", where="x" * 300, code="SDQA-410", message="|" * 5000, exit_code=3)
    run = clean_run.model_copy(
        update={"failures": tuple(failure.model_copy(update={"stage": f"s{i}"}) for i in range(400))}
    )
    text = summary_markdown(run)
    assert len(text.encode()) <= MAX_BYTES
    assert f"… and {400 - LIMIT} more: see the report." in text


def test_a_summary_that_would_be_too_long_says_how_much_is_missing(clean_run: Run) -> None:
    lane = clean_run.lanes[0]
    lanes = tuple(lane.model_copy(update={"id": f"{i}{'|' * 380}", "status": "skipped"}) for i in range(300))
    text = summary_markdown(clean_run.model_copy(update={"lanes": lanes}))
    assert len(text.encode()) <= MAX_BYTES
    assert re.search(r"… and \d+ more lines: see the report\.", text)
    assert text.rstrip().endswith("</sub>")


def test_every_diagnosis_is_shown_with_its_lane(clean_run: Run) -> None:
    both = (Diagnosis(lane="a/b", verdict="Cause: one"), Diagnosis(lane="c/d", verdict="Cause: other"))
    text = summary_markdown(clean_run.model_copy(update={"diagnosis": both[0], "diagnoses": both}))
    for words in ("### Diagnosis of a/b", "> Cause: one", "### Diagnosis of c/d", "> Cause: other"):
        assert words in text


@pytest.mark.parametrize("recorded", ["", "the old limit was below measured noise"])
def test_who_loosened_the_judge_comes_first(clean_run: Run, recorded: str) -> None:
    change = JudgeChange(kind="limit", subject="lpips", what="0.1 → 1e8", looser=True, recorded=recorded)
    text = summary_markdown(
        clean_run.model_copy(update={"judge_changes": (change,), "exit_code": 0 if recorded else 1})
    )
    lines = text.splitlines()
    assert lines[0].startswith("## ✅ sdqa embedded: Pass" if recorded else "## ❌ sdqa embedded: Judge changed")
    assert lines[2].startswith("This change loosens the judge in 1 place, ")
    assert lines[4] == "### The judge changed"
    assert (recorded or "❌ looser") in text


def targets(text: str) -> set[str]:
    """Where a Markdown renderer would lead."""
    parsed = MarkdownIt("commonmark").enable("table").parse(text)
    tokens = [child for token in parsed for child in (token.children or [])]
    return {str(token.attrs["href"]) for token in tokens if token.type == "link_open"}


def test_a_published_page_makes_links_that_keep_to_their_cell(run: Run) -> None:
    text = summary_markdown(run, page="https://example.org/7/index.html")
    row = next(line for line in text.splitlines() if "landscape-lake/lpips" in line)
    address = "https://example.org/7/index.html#/case/landscape-lake?lane=tiny/palette2/reference/cpu"
    assert f"[tiny/palette2/reference/cpu/landscape-lake/lpips](<{address}>) (worst of 10) | NaN |" in row
    assert address in targets(text)


def test_a_strangers_names_lead_nowhere_but_into_the_page(clean_run: Run) -> None:
    lane = clean_run.lanes[0]
    names = {"case": ATTACK, "check": ATTACK, "metric": ATTACK, "reason": ATTACK}
    failed = lane.verdicts[0].model_copy(update={"status": "fail", **names})
    lane = lane.model_copy(update={"id": ATTACK, "verdicts": (failed,)})
    run = clean_run.model_copy(update={"lanes": (lane,)})
    text = summary_markdown(run, compare(clean_run, run), page="https://example.org/7/index.html")
    found = targets(text)
    assert sum("%40team" in one for one in found) == 1
    assert all(one.startswith("https://example.org/7/index.html#/") for one in found)
    assert "@team" not in text


def test_a_name_that_is_a_book_is_no_link_and_pushes_nothing_out() -> None:
    book = Verdict(check="a/x/m", metric="m", case="é" * 20_000, status="fail", reason="long")
    short = Verdict(check="a/y/n", metric="n", case="y", status="fail", reason="short")
    text = summary_markdown(run_record(lane_record("a", book, short)), page="https://example.org/index.html")
    assert targets(text) == {"https://example.org/index.html#/case/y?lane=a"}
    assert "a/x/m" in text
