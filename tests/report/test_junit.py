"""JUnit XML: counts, mapping, and well-formedness for any text."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdqa.bundle import Failure, Fingerprint, Lane, Run, Status, Verdict
from sdqa.report.junit import junit_xml, xml_text
from tests.builders import lane_record, run_record


def run_of(*lanes: Lane, **fields: object) -> Run:
    return run_record(*lanes, **{"created": "2026-01-01", **fields})


def lane_of(*verdicts: Verdict, **fields: object) -> Lane:
    return lane_record("a/b", *verdicts, **fields)


def one(status: Status, **fields: object) -> ET.Element:
    verdict = Verdict(check="a/b/lpips", metric="lpips", status=status, reason="why", **fields)  # type: ignore[arg-type]
    root = ET.fromstring(junit_xml(run_of(lane_of(verdict))))
    case = root.find("testsuite/testcase")
    assert case is not None
    return case


@pytest.mark.parametrize(
    ("status", "tag", "type_"), [("fail", "failure", "gate"), ("not measured", "error", "not-measured")]
)
def test_bad_verdicts_are_a_failure_or_an_error_with_the_reason(status: Status, tag: str, type_: str) -> None:
    element = one(status, value=float("nan")).find(tag)
    assert element is not None
    assert (element.get("type"), element.get("message")) == (type_, "why")
    assert element.text == "NaN"


def test_a_suspicious_verdict_passes_but_says_so() -> None:
    case = one("suspicious")
    assert case.find("failure") is None
    assert case.find("error") is None
    assert "suspicious: why" in (case.findtext("system-out") or "")
    assert case.find("properties/property[@name='sdqa.status']") is not None


def test_a_passed_verdict_has_neither_failure_nor_error_nor_skip() -> None:
    assert {child.tag for child in one("pass")} == {"system-out"}


def test_counts_and_times_add_up(run: Run) -> None:
    root = ET.fromstring(junit_xml(run))
    counts = run.counts()
    absent = sum(lane.status != "ran" and not lane.failures for lane in run.lanes)
    failures = sum(len(lane.failures) for lane in run.lanes)
    assert root.get("tests") == str(len(run.verdicts) + absent + failures)
    assert root.get("failures") == str(counts["fail"])
    assert root.get("errors") == str(counts["not measured"] + failures)
    assert root.get("skipped") == str(absent), "the Mac's lane is no hole in what this machine was to run"
    for suite in root.iter("testsuite"):
        cases = suite.findall("testcase")
        assert suite.get("tests") == str(len(cases))
        assert suite.get("failures") == str(len(suite.findall("testcase/failure")))
        assert suite.get("errors") == str(len(suite.findall("testcase/error")))
        assert float(suite.get("time", "")) == pytest.approx(sum(float(c.get("time", "")) for c in cases), abs=0.01)
    seconds = sum(sample.seconds or 0 for lane in run.lanes for sample in lane.samples)
    assert float(root.get("time", "")) == pytest.approx(seconds, abs=0.2)


@pytest.mark.parametrize(
    ("fields", "tag", "errors"),
    [({}, "skipped", "0"), ({"exit_code": 4}, "error", "1"), ({"status": "incomplete"}, "error", "1")],
)
def test_a_lane_that_did_not_run_is_never_passed(fields: dict[str, object], tag: str, errors: str) -> None:
    root = ET.fromstring(junit_xml(run_of(lane_of(status="skipped", reason="needs macOS"), **fields)))
    element = root.find(f"testsuite/testcase/{tag}")
    assert element is not None
    assert element.get("message") == "needs macOS"
    assert root.get("errors") == errors
    assert root.get("tests") == "1"


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(codec=None)))
def test_any_text_gives_well_formed_xml(text: str) -> None:
    verdict = Verdict.model_construct(
        check=text, metric=text, case=text, component=None, status="fail", value=None, golden=None, difference=None,
        interval=None, tolerance=None, unit=text, n=1, fingerprint="", reason=text,
    )  # fmt: skip
    failure = Failure.model_construct(stage=text, where=text, code=text, message=text, exit_code=3)
    lane = Lane.model_construct(
        id=text, model="m", variant="v", runtime="r", compute_unit="c", status="incomplete", reason=text,
        verdicts=(verdict,), failures=(failure,), samples=(), measurements=(), packages=(), fingerprint=Fingerprint(),
    )  # fmt: skip
    root = ET.fromstring(junit_xml(run_of(lane)).encode("utf-8"))
    found = root.find("testsuite/testcase/failure")
    assert found is not None
    assert found.get("message") == (xml_text(text) or "fail")


@pytest.mark.parametrize("status", ["fail", "not measured", "suspicious", "pass", "not judged"])
def test_what_did_not_pass_ends_with_its_place_in_the_page(status: Status) -> None:
    verdict = Verdict(check="a/c&d/m", metric="m", case="c&d", status=status, reason="said")
    [case] = ET.fromstring(junit_xml(run_record(lane_record("a", verdict)))).iter("testcase")
    told = "".join(case.itertext()).strip()
    assert told.endswith("report: index.html#/case/c%26d?lane=a") is (status not in ("pass", "not judged"))
    verdict = verdict.model_copy(update={"case": None})
    [case] = ET.fromstring(junit_xml(run_record(lane_record("a", verdict)))).iter("testcase")
    assert "index.html" not in "".join(case.itertext())
