"""What a page may weigh: bytes, nodes, requests; times are printed and held to their order of magnitude."""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path

import pytest

from sdqa.history import record_of
from sdqa.report.html import Page, make_page
from sdqa.report.writer import write_report
from tests.report.browser import Browser
from tests.report.bulk import bulk_run

MEGABYTE = 1_000_000
NODES = "document.querySelectorAll('*').length"
FIRST = "Math.min(...[...document.querySelectorAll('#summary img')].map((one) => one.getBoundingClientRect().top))"
FILTER = (
    "(() => { const field = document.querySelector('#query'), start = performance.now();"
    " field.value = 's:fail lane:fp16';"
    " field.dispatchEvent(new Event('input', { bubbles: true })); return performance.now() - start; })()"
)
NEXT = (
    "(async () => { const start = performance.now(), key = new KeyboardEvent('keydown', { key: 'j', bubbles: true });"
    " const before = location.hash; document.body.dispatchEvent(key);"
    " while (!document.querySelector('#screen h1') || location.hash === before)"
    " await new Promise((done) => setTimeout(done, 1));"
    " return performance.now() - start; })()"
)


def tell(**figures: float) -> None:
    """Say what was measured, to whoever looks (`-s`)."""
    sys.stdout.write("\n" + ", ".join(f"{name} {value:,.6g}" for name, value in figures.items()) + "\n")


def written(folder: Path, page: Page) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "index.html").write_text(page.html, encoding="utf-8", errors="replace")
    for path, data in page.beside.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_bytes(data)
    return folder / "index.html"


def test_a_red_page_of_eleven_cases(browser: Browser, page_file: Path) -> None:
    assert page_file.stat().st_size <= 1.5 * MEGABYTE
    seconds = browser.open(page_file.as_uri())
    nodes, first = browser.run(NODES), browser.run(FIRST)
    tell(bytes=page_file.stat().st_size, nodes=nodes, seconds=seconds, first_picture_y=first)
    assert browser.requests() == []
    assert nodes <= 4000
    assert first <= 900
    assert seconds < 5
    for screen in ("matrix", "checks", "case/portrait-grey-hair", "diagnosis/tiny/palette2/reference/cpu"):
        browser.run(f"location.hash = '#/{screen}'")
        browser.until("!document.querySelector('#screen').hidden")
        assert browser.run(NODES) <= 4000, screen


def test_five_hundred_cases_in_two_lanes(browser: Browser, tmp_path: Path) -> None:
    bundle, run = bulk_run(tmp_path / "bundle", 500, grain=0.1, failing=20)
    record = record_of(run, environment={})
    days = (f"2025-12-{day:02}T00:00:00Z" for day in range(1, 31))
    history = [record.model_copy(update={"created": day}) for day in days]
    start = time.process_time()
    page = make_page(bundle, run, history)
    path = written(tmp_path, page)
    write_s = time.process_time() - start
    size = path.stat().st_size
    seconds, thread = browser.open(path.as_uri()), browser.thread_seconds()
    nodes = browser.run(NODES)
    times = browser.run(FILTER), browser.run(NEXT)
    tell(
        bytes=size, beside=len(page.beside), nodes=nodes, write_s=write_s, seconds=seconds, thread_s=thread,
        filter_ms=times[0], next_ms=times[1],
    )  # fmt: skip
    assert size <= 1.5 * MEGABYTE
    assert len(page.beside) > 1000
    assert nodes <= 4000
    assert (write_s < 9, thread < 2, times[0] < 500, times[1] < 1000) == (True,) * 4
    assert len(re.findall(rb"/Type /Page\b", browser.pdf())) <= 6
    # The worst is first: the last of the run.
    assert "case-499" in browser.run("document.querySelector('#screen h1').textContent")
    browser.run("location.hash = '#/case/case-000?mode=heat'")
    browser.until("document.querySelector('.shots.heat[data-ready]')")
    assert "sdqa report --single-file" in browser.run("document.querySelector('.under').textContent")
    asked = browser.requests()
    assert asked
    assert all(url.startswith(f"{tmp_path.as_uri()}/pictures/") for url in asked)
    assert browser.complaints() == []
    gone = run.lanes[1].samples[0].images["candidate"].sha256
    (tmp_path / "pictures" / f"{gone}.png").unlink()
    browser.open(path.as_uri() + f"#/case/case-000?lane={run.lanes[1].id}")
    browser.until("document.querySelector('.shots .gone')")
    assert "is not beside this page" in browser.run("document.querySelector('.shots .gone').textContent")


@pytest.mark.slow
def test_fifty_cases_of_512_pixels(browser: Browser, tmp_path: Path) -> None:
    bundle, run = bulk_run(tmp_path / "bundle", 50, side=512, grain=0.12, failing=6)
    page = make_page(bundle, run)
    path = written(tmp_path, page)
    seconds, thread = browser.open(path.as_uri()), browser.thread_seconds()
    raw = max(blob.bytes for sample in run.lanes[0].samples for blob in sample.images.values())
    tell(bytes=path.stat().st_size, picture=raw, beside=len(page.beside), seconds=seconds, thread_s=thread)
    assert raw > 350_000, "as hard to compress as a photograph"
    assert path.stat().st_size <= 15 * MEGABYTE
    assert thread < 2
    assert browser.run(NODES) <= 4000


def test_pictures_beside_a_page_are_renewed_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle, run = bulk_run(tmp_path / "bundle", 4, failing=1)
    bundle.write(run)
    monkeypatch.setattr("sdqa.report.gallery.PAGE_BYTES", 30_000)
    out = tmp_path / "out"
    write_report(bundle, out)
    names = {path.name for path in (out / "pictures").iterdir()}
    assert names
    (out / "pictures" / f"{'0' * 64}.png").write_bytes(b"of an earlier run")
    (out / "pictures" / "mine.txt").write_text("not ours")
    write_report(bundle, out)
    assert {path.name for path in (out / "pictures").iterdir()} == {*names, "mine.txt"}
    elsewhere = tmp_path / "elsewhere"
    (out / "pictures").rename(elsewhere)
    (out / "pictures").symlink_to(elsewhere)
    (elsewhere / f"{'0' * 64}.png").write_bytes(b"another's")
    write_report(bundle, out)
    assert len(list(elsewhere.iterdir())) == len(names) + 2, "a link is not followed"
    (out / "pictures" / "mine.txt").write_text("not ours")
    write_report(bundle, out, single_file=True)
    assert [path.name for path in (out / "pictures").iterdir()] == ["mine.txt"]
