"""The page for everyone: axe, narrow, dark, printed, without a script, and against an attacker."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from sdqa.bundle import Run
from tests.report.browser import Browser

SCREENS = (
    "", "case/portrait-grey-hair?lane=tiny/palette2/reference/cpu", "case/landscape-lake?mode=slider", "matrix",
    "checks?sort=value", "diagnosis/tiny/palette2/reference/cpu", "lanes", "packages", "sensitivity", "environment",
)  # fmt: skip
OPEN_ALL = "document.querySelectorAll('details').forEach((one) => { one.open = true; })"
AXE = (
    "axe.run(document, { resultTypes: ['violations'] }).then((found) => found.violations.map((one) =>"
    " `${one.id}: ${one.nodes.map((node) => node.target.join(' ')).slice(0, 3).join(' | ')}`))"
)


@pytest.mark.slow
def test_axe_finds_nothing_with_everything_open(browser: Browser, page_file: Path, axe: str) -> None:
    found: list[str] = []
    browser.open(page_file.as_uri())
    browser.run(f"{axe}; 0")
    views = ((1280, False, SCREENS), (768, True, SCREENS[:1]), (390, True, SCREENS[:2]))
    for width, dark, screens in views:
        browser.view(width, dark=dark)
        for screen in screens:
            browser.run(f"location.hash = '#/{screen}'")
            browser.until("document.querySelector('#summary').hidden !== document.querySelector('#screen').hidden")
            browser.run("new Promise((done) => setTimeout(done, 30))")
            browser.run(OPEN_ALL)
            found += [f"{width} {'dark' if dark else 'light'} {screen}: {one}" for one in browser.run(AXE)]
    browser.view(390)
    browser.run("document.querySelector('#rail-toggle').click(); document.querySelector('#help').showModal()")
    browser.press("y")
    found += [f"dialog: {one}" for one in browser.run(AXE)]
    assert found == []


def test_nothing_is_cut_off_on_a_phone(browser: Browser, page_file: Path) -> None:
    browser.open(page_file.as_uri(), width=360, height=800)
    for screen in SCREENS:
        browser.run(f"location.hash = '#/{screen}'")
        browser.run("new Promise((done) => setTimeout(done, 30))")
        browser.run(OPEN_ALL)
        wide = browser.run("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide == 0, screen
    browser.run("document.querySelector('#help').showModal()")
    assert browser.run("document.querySelector('#help').getBoundingClientRect().right <= innerWidth")


def test_it_reads_without_a_script(browser: Browser, page_file: Path, run: Run) -> None:
    browser.open(page_file.as_uri(), script=False)
    browser.call("Emulation.setScriptExecutionDisabled", value=False)
    text = browser.run("document.body.innerText")
    assert "Worst cases" in text
    assert "What did not pass" in text
    assert "Explains 96 % of the LPIPS loss." in text
    failed = sum(v.status not in ("pass", "not judged") for v in run.verdicts)
    assert browser.run("document.querySelectorAll('.failed th[scope=row]').length") == min(failed, 60)
    assert browser.run("[...document.querySelectorAll('#filter, #rail, #screens')].every((one) => one.hidden)")


def test_it_prints_on_a_few_pages(browser: Browser, page_file: Path) -> None:
    browser.open(page_file.as_uri() + "#/")
    assert 1 <= len(re.findall(rb"/Type /Page\b", browser.pdf())) <= 6


def test_the_policy_runs_this_script_and_no_other(browser: Browser, page_file: Path, tmp_path: Path) -> None:
    """Even if a flaw in the escaping let markup through, it could neither run nor load anything."""
    attack = (
        "<script>document.body.dataset.attacked = 'script'</script>"
        "<img src=x onerror=\"document.body.dataset.attacked = 'handler'\">"
        "<img src=http://127.0.0.1:9/x.png>"
        "<style>body { display: none }</style>"
    )
    page = page_file.read_text(encoding="utf-8").replace('<div id="summary">', f'<div id="summary">{attack}')
    (tmp_path / "page.html").write_text(page, encoding="utf-8")
    browser.open((tmp_path / "page.html").as_uri())
    assert browser.run("document.body.dataset.attacked") is None
    assert browser.run("document.body.checkVisibility()")
    assert browser.run("document.querySelector('#found').textContent") == "109 checks"
    assert any("Content Security Policy" in one for one in browser.complaints())


def test_no_text_of_a_bundle_acts_in_the_page(browser: Browser, page_file: Path, hostile: str) -> None:
    browser.open(page_file.as_uri() + "#/case/landscape-lake")
    prompt = browser.until("document.querySelector('.prompt')?.textContent")
    assert json.dumps(hostile)[1:20] in json.dumps(prompt)
    browser.run("location.hash = '#/case/' + encodeURIComponent('<img src=x onerror=document.title=1>')")
    browser.until("document.querySelector('#screen h1').textContent === 'No such case'")
    assert browser.run("document.querySelectorAll('#screen img').length") == 0
    assert browser.complaints() == []
