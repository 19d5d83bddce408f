"""What a site of many runs may weigh: bytes, memory, nodes, requests; times are printed and held to their order."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from sdqa.dashboard.page import MAX_INDEX_BYTES
from sdqa.history import add_records
from sdqa.history.places import HistoryFolder
from tests.dashboard.test_pages import go
from tests.dashboard.test_site import many
from tests.report.browser import Browser

pytest.importorskip("ruptures")

BUILD = """
import json, re, resource, sys, time
from pathlib import Path
from sdqa.dashboard.site import build
from sdqa.history.places import HistoryFolder
root = Path(sys.argv[1])
built = build(HistoryFolder(root / "history"), root / "site", index=root / "index.sqlite")
status = Path("/proc/self/status")  # getrusage counts the memory of the process that forked this one, too
peak = (
    1024 * int(re.search(r"VmHWM:\\s+(\\d+)", status.read_text("ascii"))[1])
    if status.exists()
    else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
)
print(json.dumps([built.runs, built.index_bytes, peak, time.process_time()]))
"""
SERIES_BYTES = 130  # of a run, in the file of a series of twelve cases
RUN_BYTES = 300  # in the list of all runs


@pytest.mark.parametrize("runs", [40, pytest.param(1_000, marks=pytest.mark.slow)])
def test_a_history_of_five_hundred_figures_a_run(browser: Browser, tmp_path: Path, runs: int) -> None:
    place = HistoryFolder(tmp_path / "history")
    for start in range(0, runs, 100):
        add_records(place, [many(number, 42, 12) for number in range(start, min(runs, start + 100))])
    said = subprocess.check_output([sys.executable, "-c", BUILD, str(tmp_path)], text=True)
    built, index, peak, seconds = json.loads(said)
    site = tmp_path / "site"
    data = {path.stem: path.stat().st_size for path in (site / "data").glob("*.js")}
    listed, series = data.pop("runs"), data
    series.pop("goldens")
    sizes = f"memory {peak:,}, index {index:,}, a series {max(series.values()):,} bytes"
    print(f"{runs} runs: {seconds:.1f} s of one core, {sizes}")  # noqa: T201
    assert built == runs
    assert peak < 300e6
    assert seconds < 10, "an order of magnitude: five seconds are meant"
    assert index <= MAX_INDEX_BYTES
    assert len(series) == 42
    assert max(series.values()) < 4_000 + SERIES_BYTES * runs
    assert listed < RUN_BYTES * runs + 1_000
    assert max(path.stat().st_size for path in (site / "data" / "run").iterdir()) < 10_000
    opened = browser.open((site / "index.html").as_uri())
    name = next(iter(series))
    assert browser.requests() == [], "the first screen needs the page alone"
    assert browser.run("document.querySelectorAll('*').length") < 4_000
    began = browser.run("performance.now()")
    go(browser, f"series/{name}")
    drawn = browser.run("performance.now()") - began
    print(f"opened in {opened:.2f} s, a series in {drawn:.0f} ms")  # noqa: T201
    assert sorted(url.rsplit("/", 1)[-1] for url in browser.requests()) == sorted([f"{name}.js", "runs.js"])
    assert browser.run("document.querySelectorAll('*').length") < 4_000
    assert (opened < 5, drawn < 2_000) == (True, True)
    for screen in ("runs", "changes", "flaky", "variants", "goldens"):
        go(browser, screen)
        assert browser.run("document.querySelectorAll('*').length") < 4_000, screen
    assert browser.complaints() == []
