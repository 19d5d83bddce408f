"""JUnit XML: one test suite a lane, one test case a verdict.

| verdict | in JUnit |
|---|---|
| pass | passed |
| suspicious | passed, with a property `sdqa.status` and the reason in `system-out` |
| fail | `<failure type="gate">` |
| not measured | `<error type="not-measured">`: never a pass, never a skip |
| not judged | `<skipped>`, with the reason: there is a figure and nothing to hold it against |
| provisional pass | passed, with a property `sdqa.provisional` and the reason in `system-out` |
| a failure of a stage | `<error type="CODE">` in a test case of its own |
| a lane that had to run and did not | `<error type="lane-did-not-run">` in a test case of its own |
| a lane that is for another machine | `<skipped>` in a test case of its own, until a merge finds that nobody ran it |

What did not pass ends with its case's address in the report's page.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from sdqa.bundle import Failure, Lane, Run, Verdict
from sdqa.report.format import show_said
from sdqa.report.headline import HELD_AGAINST_NOTHING, missed
from sdqa.report.links import PAGE, case_address
from sdqa.report.words import evidence_words

# XML 1.0 forbids these even as character references; lone surrogates cannot be encoded at all.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def xml_text(text: str) -> str:
    """Any text, made fit for XML 1.0: forbidden characters become U+FFFD."""
    return _FORBIDDEN.sub("\ufffd", text)


def junit_xml(run: Run, page: str = PAGE) -> str:
    """The run as JUnit XML (the dialect that GitHub, GitLab, Jenkins and Buildkite read).

    Args:
        page: the report's page, as `sdqa.report.links.page_of` names it.
    """
    root = ET.Element("testsuites", name=xml_text(f"sdqa {run.suite}"))
    totals = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
    seconds = 0.0
    whole = Lane(id="run", model="", variant="", runtime="", compute_unit="", failures=run.failures)
    for lane in (*run.lanes, *([whole] if run.failures else [])):
        suite, lane_seconds = _suite(lane, run, page)
        root.append(suite)
        seconds += lane_seconds
        for key in totals:
            totals[key] += int(suite.get(key, "0"))
    for key, count in totals.items():
        root.set(key, str(count))
    root.set("time", f"{seconds:.3f}")
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _suite(lane: Lane, run: Run, page: str) -> tuple[ET.Element, float]:
    # A case is generated once and judged by several checks: its time is shared among them, so that suites add up.
    seconds = {sample.case: sample.seconds or 0.0 for sample in lane.samples}
    judged: dict[str | None, int] = {}
    for verdict in lane.verdicts:
        judged[verdict.case] = judged.get(verdict.case, 0) + 1
    cases = []
    for verdict in lane.verdicts:
        share = seconds.get(verdict.case or "", 0.0) / judged[verdict.case]
        cases.append(_case(verdict, lane, share, page))
    cases.extend(_failure(failure, lane) for failure in lane.failures)
    if lane.status != "ran" and not lane.failures:
        cases.append(_absent(lane, missed(lane, run)))
    suite = ET.Element(
        "testsuite",
        name=xml_text(lane.id),
        tests=str(len(cases)),
        failures=str(sum(case.find("failure") is not None for case in cases)),
        errors=str(sum(case.find("error") is not None for case in cases)),
        skipped=str(sum(case.find("skipped") is not None for case in cases)),
        time=f"{sum(float(case.get('time', '0')) for case in cases):.3f}",
        timestamp=xml_text(run.created),
    )
    properties = ET.SubElement(suite, "properties")
    for name, value in (
        ("sdqa.version", run.sdqa_version),
        ("sdqa.suite_digest", run.suite_digest),
        ("sdqa.fault", run.fault or ""),
        ("sdqa.workflow.lane.status", lane.status),
        *([("sdqa.joined", HELD_AGAINST_NOTHING)] if run.joined else []),
    ):
        ET.SubElement(properties, "property", name=name, value=xml_text(value))
    suite.extend(cases)
    return suite, sum(float(case.get("time", "0")) for case in cases)


def _case(verdict: Verdict, lane: Lane, seconds: float, page: str) -> ET.Element:
    scope = verdict.case or verdict.component or "lane"
    case = ET.Element(
        "testcase",
        classname=xml_text(f"{lane.id}.{scope}"),
        name=xml_text(verdict.check),
        time=f"{seconds:.3f}",
    )
    reason = xml_text(show_said(verdict.reason) or verdict.status)
    evidence = xml_text(evidence_words(verdict))
    if verdict.case and verdict.status not in ("pass", "not judged"):
        evidence += f"\nreport: {case_address(verdict.case, lane.id, page)}"
    if verdict.status == "fail":
        ET.SubElement(case, "failure", type="gate", message=reason).text = evidence
    elif verdict.status == "not measured":
        ET.SubElement(case, "error", type="not-measured", message=reason).text = evidence
    elif verdict.status == "suspicious":
        properties = ET.SubElement(case, "properties")
        ET.SubElement(properties, "property", name="sdqa.status", value="suspicious")
        ET.SubElement(case, "system-out").text = f"suspicious: {reason}\n{evidence}"
    elif verdict.status == "not judged":
        ET.SubElement(case, "skipped", message=reason)
    else:
        if verdict.provisional:
            properties = ET.SubElement(case, "properties")
            ET.SubElement(properties, "property", name="sdqa.provisional", value="true")
            evidence = f"{reason}\n{evidence}"
        ET.SubElement(case, "system-out").text = evidence
    return case


def _failure(failure: Failure, lane: Lane) -> ET.Element:
    case = ET.Element(
        "testcase", classname=xml_text(f"{lane.id}.{failure.stage}"), name=xml_text(failure.where), time="0.000"
    )
    message = xml_text(failure.message)
    ET.SubElement(case, "error", type=xml_text(failure.code), message=message).text = message
    return case


def _absent(lane: Lane, error: bool) -> ET.Element:
    case = ET.Element("testcase", classname=xml_text(f"{lane.id}.lane"), name=xml_text(f"{lane.id}/ran"), time="0.000")
    message = xml_text(lane.reason or f"the lane is {lane.status}")
    if error:
        ET.SubElement(case, "error", type="lane-did-not-run", message=message).text = message
    else:
        ET.SubElement(case, "skipped", message=message)
    return case
