"""What takes long is left out of the fast half, and what is recorded is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import times
from tests.first_hour import ROOT

REPORT = """<testsuites><testsuite>
<testcase classname="tests.mil.test_a" name="test_x[fp16-a.b]" time="3.26"/>
<testcase classname="tests.test_b" name="test_y" time="0.29"/>
<testcase classname="tests.test_b" name="test_z"/>
</testsuite></testsuites>"""


def test_only_what_is_slow_is_recorded(tmp_path: Path) -> None:
    (tmp_path / "report.xml").write_text(REPORT)
    assert times.slow_tests(tmp_path / "report.xml") == {"tests/mil/test_a.py::test_x[fp16-a.b]": 3.3}


def test_recorded_files_are_there() -> None:
    assert {
        name.partition("::")[0] for name in times.recorded() if not (ROOT / name.partition("::")[0]).exists()
    } == set()


@pytest.mark.parametrize(("seconds", "marks"), [(0.1, set()), (1.0, {"slow"}), (9.0, {"slow", "long"})])
def test_what_is_recorded_is_marked(
    seconds: float, marks: set[str], request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(times, "recorded", lambda: {request.node.nodeid: seconds})
    times.mark([request.node])
    assert {name for name in ("slow", "long") if request.node.get_closest_marker(name)} == marks
