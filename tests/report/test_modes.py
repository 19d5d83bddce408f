"""Ways to look at a case beyond its own pictures: the earlier run's, FLIP's map, the last runs of a figure."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image, ImageChops

from sdqa.bundle import Bundle, Run
from sdqa.report import write_report
from tests.report.browser import Browser
from tests.report.earlier import RUNS, earlier_run, history_before
from tests.report.test_access import AXE

LANE = "tiny/palette2/reference/cpu"
CASE = f"#/case/portrait-grey-hair?lane={LANE}"


@pytest.fixture(scope="module")
def compared(bundle: Bundle, run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The realistic run's page beside an earlier run and a history."""
    root = tmp_path_factory.mktemp("compared")
    before = Bundle(root / "before")
    before.write(earlier_run(before))
    return write_report(bundle, root / "out", history=history_before(run), against=before).html


def test_the_earlier_run_s_picture_the_last_runs_and_flip(browser: Browser, compared: Path) -> None:
    browser.open(compared.as_uri() + CASE)
    captions = "[...document.querySelectorAll('.shots figcaption b')].map((one) => one.textContent)"
    assert browser.run(captions) == ["source", "earlier run", "golden", "candidate", "difference"]
    wide = "[...document.querySelectorAll('.shots img')].every((one) => one.complete && one.naturalWidth === 64)"
    browser.until(wide)
    lines = browser.run(
        "[...document.querySelectorAll('.figures .trend')].map((one) => one.getAttribute('aria-label'))"
    )
    assert len(lines) == 3
    assert re.fullmatch(rf"{RUNS + 1} runs between \S+ and \+0.3075; \S+ before this one", lines[0])
    browser.run(
        "((select) => { select.value = 'earlier run'; select.dispatchEvent(new Event('change')); })"
        "(document.querySelector('[data-keep=against]'))"
    )
    assert "against=earlier+run" in browser.run("location.hash")
    browser.press("2")
    assert "earlier run left" in browser.run("document.querySelector('.shots figcaption').textContent")
    browser.press("6")
    browser.until("document.querySelector('.shots.flip[data-ready]')")
    assert re.match(
        r"mean 0\.\d+, largest 0\.\d+: ", browser.run("document.querySelector('.under').innerText.slice(4)")
    )
    pixels = (
        "new Set(document.querySelector('.shots.flip canvas').getContext('2d').getImageData(0, 0, 64, 64).data).size"
    )
    assert browser.run(pixels) > 50
    browser.run(f"location.hash = '{CASE.replace('palette2', 'fp16')}&mode=flip'")
    browser.until("document.querySelector('.shots.flip p')")
    assert "made for failing cases" in browser.run("document.querySelector('.shots.flip').textContent")
    assert browser.complaints() == []


@pytest.mark.slow
def test_axe_finds_nothing_in_them(browser: Browser, compared: Path, axe: str) -> None:
    found: list[str] = []
    browser.open(compared.as_uri())
    browser.run(f"{axe}; 0")
    for width, dark in ((1280, False), (768, True), (390, True)):
        browser.view(width, dark=dark)
        for place in (CASE, f"{CASE}&mode=flip", f"{CASE}&mode=overlay&against=earlier+run", "#/"):
            browser.run(f"location.hash = '{place}'")
            browser.run("new Promise((done) => setTimeout(done, 50))")
            found += [f"{width} {'dark' if dark else 'light'} {place}: {one}" for one in browser.run(AXE)]
            wide = browser.run("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert wide == 0, (width, place)
    assert found == []


def test_a_heat_map_from_a_disk_has_the_colours_of_one_that_may_read_its_pictures(
    browser: Browser, bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside the page, pictures may be shown and not read; what is seen is the same."""
    seen = []
    for name, room in (("inside", 14_500_000), ("beside", 0)):
        monkeypatch.setattr("sdqa.report.gallery.PAGE_BYTES", room)
        page = write_report(bundle, tmp_path / name).html
        browser.open(f"{page.as_uri()}{CASE}&mode=heat")
        browser.until("document.querySelector('.shots.heat[data-ready]')")
        browser.run("document.querySelectorAll('.shots .tile').forEach((one) => one.remove())")
        gain = "((one) => { one.value = 1; one.dispatchEvent(new Event('input')); })"
        browser.run(gain + "(document.querySelector('.under input'))")
        browser.run("new Promise((done) => requestAnimationFrame(() => setTimeout(done, 100)))")
        said = browser.run("document.querySelector('.under').innerText")
        assert ("no figures" in said, "largest 87 of 255" in said) == (name == "beside", name == "inside")
        box = "(({ x, y, width, height }) => [x, y, width, height])"
        x, y, width, height = browser.run(f"{box}(document.querySelector('canvas').getBoundingClientRect())")
        browser.screenshot(tmp_path / f"{name}.png")
        with Image.open(tmp_path / f"{name}.png") as shot:
            seen.append(shot.convert("RGB").crop((round(x), round(y), round(x + width), round(min(900, y + height)))))
        assert browser.complaints() == []
    assert len(set(seen[0].resize((64, 64)).getdata())) > 50
    difference = ImageChops.difference(*seen).resize((64, 64), Image.Resampling.NEAREST)
    assert max(high for _, high in difference.getextrema()) <= 6
