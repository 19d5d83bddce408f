"""A provisional verdict is shown as one on every surface; what nobody can judge is neither a pass nor a gap."""

from __future__ import annotations

import io
import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from sdqa.bundle import Bundle, Run, Verdict
from sdqa.report.annotations import workflow_commands
from sdqa.report.headline import headline_of, lane_tone
from sdqa.report.html import render_page
from sdqa.report.island import PROVISIONAL
from sdqa.report.junit import junit_xml
from sdqa.report.summary import summary_markdown
from sdqa.report.terminal import console_for, print_run
from tests.builders import lane_record, run_record

WHY = "nobody has calibrated fp16 on coreml: sdqa calibrate"


def verdict(name: str, **fields: object) -> Verdict:
    return Verdict.model_validate({"check": f"a/c/{name}", "metric": name, "case": "c", "status": "pass", **fields})


@pytest.fixture
def half() -> Run:
    """Five checks: two absolute, two provisional, and a figure that was not judged."""
    verdicts = (
        verdict("finite"),
        verdict("shape"),
        verdict("psnr", provisional=True, value=40.0, tolerance=28.0, unit="dB", reason=WHY),
        verdict("ssim", provisional=True, value=0.99, reason=WHY),
        verdict("black", status="not judged", value=0.0, reason=f"not judged: {WHY}"),
    )
    return run_record(lane_record("a", *verdicts))


def test_the_headline_counts_them(half: Run) -> None:
    found = headline_of(half)
    assert (found.tone, found.title) == ("pass", "Pass")
    assert found.sentence == (
        "All 4 checks in 1 lane passed, 2 of them provisionally: nobody has calibrated this machine yet."
        " 1 more figure was not judged."
    )
    assert lane_tone(half.lanes[0]) == "pass"


def test_a_failure_says_what_else_is_provisional(half: Run) -> None:
    worse = run_record(lane_record("a", *half.verdicts, verdict("lpips", status="fail", provisional=True)), exit_code=1)
    assert "Fail" in headline_of(worse).title
    assert "3 are provisional: nobody has calibrated this machine yet." in headline_of(worse).sentence


def test_figures_that_nobody_judged_are_no_pass() -> None:
    alone = run_record(lane_record("a", verdict("black", status="not judged")))
    assert headline_of(alone).title == "Nothing was checked"


def test_it_is_in_the_summary_the_terminal_and_the_page(half: Run, tmp_path: Path) -> None:
    assert "2 provisional: nobody has calibrated this machine yet" in summary_markdown(half)
    stream = io.StringIO()
    print_run(half, console_for(stream, {}))
    assert "40 dB ✓?" in stream.getvalue()
    assert "2 of them provisionally" in stream.getvalue()
    page = render_page(Bundle(tmp_path), half)
    assert "2 of them provisional, by what stands out from sound variants" in page
    island = json.loads(page.split('id="data">')[1].split("</script>")[0])
    assert sum(row[7] & PROVISIONAL for row in island["rows"]) == 2
    assert "not judged" in page


def test_it_is_a_property_in_junit_and_what_is_not_judged_is_skipped(half: Run) -> None:
    root = ET.fromstring(junit_xml(half))
    cases = {case.get("name"): case for case in root.iter("testcase")}
    properties = [one.get("value") for one in cases["a/c/psnr"].iter("property")]
    assert properties == ["true"]
    assert WHY in (cases["a/c/psnr"].findtext("system-out") or "")
    skipped = cases["a/c/black"].find("skipped")
    assert skipped is not None
    assert WHY in (skipped.get("message") or "")
    assert root.get("skipped") == "1"
    assert cases["a/c/finite"].find("properties") is None


def test_it_raises_no_annotation(half: Run) -> None:
    assert workflow_commands(half) == ""


def test_a_document_without_any_is_written_as_before(half: Run) -> None:
    assert "provisional" not in verdict("psnr").to_json()
    assert half.verdicts[2].to_json()["provisional"] is True
    assert "not judged" not in run_record(lane_record("a", verdict("psnr"))).counts()
