"""Every page of the site in a real browser: from disk and from a server, on a phone, in the dark, by keys, with axe."""

from __future__ import annotations

import functools
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sdqa.dashboard.site import build
from sdqa.history import add_records
from sdqa.history.places import HistoryFolder
from tests.history.records import lane, record_at
from tests.report.browser import Browser

AXE = (
    "axe.run(document, { resultTypes: ['violations'] }).then((found) => found.violations.map((one) =>"
    " `${one.id}: ${one.nodes.map((node) => node.target.join(' ')).slice(0, 3).join(' | ')}`))"
)
FRAME = "new Promise((done) => requestAnimationFrame(() => setTimeout(done, 40)))"
TITLES = {"": "", "changes": "Changes", "flaky": "Flaky", "variants": "Variants", "goldens": "Goldens", "runs": "Runs"}


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def served(site: Path) -> Iterator[str]:
    """The site from a server on loopback."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/index.html"
    server.shutdown()
    server.server_close()


def go(browser: Browser, screen: str) -> str:
    """Follow an address inside the page; the page's text once it is drawn."""
    browser.run(f"location.hash = '#/{screen}'")
    browser.until(f"document.documentElement.dataset.ready === {json.dumps('#/' + screen)}")
    browser.run(FRAME)
    text: str = browser.run("document.querySelector('main').innerText")
    return text


def island(site: Path) -> dict[str, Any]:
    text = (site / "index.html").read_text(encoding="utf-8")
    data: dict[str, Any] = json.loads(text.partition('id="data">')[2].partition("</script>")[0])
    return data


def screens(site: Path) -> list[str]:
    """One address of every kind."""
    data = island(site)
    keys = sorted(path.stem for path in (site / "data" / "run").iterdir())
    series = next(row[0] for row in data["rows"] if row[1:3] == ["m/fp16", "lpips"])
    return [*TITLES, f"series/{series}", f"runs/{keys[-1]}", f"compare/{keys[0]}/{keys[-1]}"]


def test_every_page_says_what_it_is_for(browser: Browser, site: Path) -> None:
    data, (*_, series, run, compare) = island(site), screens(site)
    browser.open((site / "index.html").as_uri())
    text = go(browser, "")
    assert "Failed" in text
    assert "lpips fails in m/fp16" in text
    assert browser.run("document.querySelectorAll('.cell svg path').length") == len(data["rows"])
    text = go(browser, "changes")
    assert "lpips +33 % worse in m/fp16" in text
    assert data["events"][0]["range"] in text
    assert "2 of 2 cases moved with it" in text
    text = go(browser, "flaky")
    assert "fail 2" in text
    assert "m/pal6" in text  # 93 % of its limit
    text = go(browser, "variants")
    assert "not beaten" in text
    assert browser.run("document.querySelectorAll('circle.ship').length") == 2
    text = go(browser, "goldens")
    assert "first recorded" in text
    browser.run("document.querySelector('.time img').scrollIntoView()")
    browser.until("document.querySelector('.time img').naturalWidth > 0")
    text = go(browser, "runs")
    assert "40 runs" in text
    text = go(browser, run)
    assert "Compare with the run before" in text
    text = go(browser, compare)
    assert "other goldens" in text
    assert "another fingerprint" in text
    assert "New failures" in text
    text = go(browser, series)
    assert "golden of hat, lake" in text
    assert "faster chip" in text
    assert browser.run("document.querySelectorAll('path.line').length") == 2  # a line a fingerprint
    assert browser.run("document.querySelectorAll('.change-flag').length") == 1
    letters = browser.run("[...document.querySelectorAll('.mark-letter')].map((one) => one.textContent)")
    assert letters == ["G", "M", "J"]
    assert browser.complaints() == []


def test_a_series_is_read_with_keys_and_a_range_of_commits_is_copied(browser: Browser, site: Path) -> None:
    series = screens(site)[-3]
    browser.open((site / "index.html").as_uri())
    go(browser, series)
    browser.run("document.querySelector('.chart').focus()")
    browser.press("ArrowLeft")
    assert "0.02 [" in browser.run("document.querySelector('.readout').innerText")
    assert browser.run("document.querySelector('.readout a').href") == "https://example.org/r"
    box = browser.run(
        "(({x, y, width, height}) => [x, y, width, height])(document.querySelector('.chart').getBoundingClientRect())"
    )
    browser.drag((box[0] + box[2] * 0.4, box[1] + 120), (box[0] + box[2] * 0.7, box[1] + 120))
    browser.run("document.querySelector('.readout button').click()")
    copied = browser.until("document.querySelector('.readout button').textContent === 'Copied'") and browser.clipboard()
    command, _, commits = copied.rpartition(" ")
    assert command == "git log"
    assert [len(one) for one in commits.split("..")] == [40, 40]
    browser.run("document.querySelector('.tools input').click()")
    assert browser.run("document.querySelectorAll('path.case').length") == 2


def test_two_runs_are_chosen_and_compared(browser: Browser, site: Path) -> None:
    browser.open((site / "index.html").as_uri())
    go(browser, "runs")
    browser.run("[0, 1, 12].forEach((at) => document.querySelectorAll('tbody input')[at].click())")
    assert browser.run("[...document.querySelectorAll('tbody input')].filter((one) => one.checked).length") == 2
    browser.run("document.querySelector('.tools button').click()")
    browser.until("document.querySelector('h1').textContent === 'Compare'")


def test_from_a_server_it_is_the_same_and_asks_nobody_else(browser: Browser, served: str, site: Path) -> None:
    browser.open(served)
    for screen in screens(site):
        assert go(browser, screen)
    assert browser.complaints() == []
    assert {one.split("/")[2] for one in browser.requests()} == {served.split("/")[2]}


def test_nothing_is_cut_off_on_a_phone(browser: Browser, site: Path) -> None:
    browser.open((site / "index.html").as_uri(), width=360, height=780)
    for screen in screens(site):
        go(browser, screen)
        wide = browser.run("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide == 0, screen


@pytest.mark.slow
def test_axe_finds_nothing(browser: Browser, site: Path, axe: str) -> None:
    found: list[str] = []
    for width, dark in ((1280, False), (390, True)):
        browser.open((site / "index.html").as_uri(), width=width, dark=dark)
        browser.run(f"{axe}; 0")
        for screen in screens(site):
            go(browser, screen)
            found += [f"{width} {'dark' if dark else 'light'} {screen}: {one}" for one in browser.run(AXE)]
    assert found == []


def test_it_reads_without_a_script(browser: Browser, site: Path) -> None:
    browser.open((site / "index.html").as_uri(), script=False)
    browser.call("Emulation.setScriptExecutionDisabled", value=False)
    text = browser.run("document.body.innerText")
    assert "lpips fails in m/fp16" in text
    assert "The figures to look at first" in text


def test_a_data_file_that_is_not_there_is_said(browser: Browser, site: Path) -> None:
    browser.open((site / "index.html").as_uri())
    assert "data/nosuch.js is not beside this page" in go(browser, "series/nosuch")
    assert go(browser, "nosuch")


def test_the_policy_runs_this_script_and_no_other(browser: Browser, site: Path) -> None:
    """Even if a flaw in the escaping let markup through, it could neither run nor load anything."""
    attack = (
        "<script>document.body.dataset.attacked = 'script'</script>"
        "<img src=x onerror=\"document.body.dataset.attacked = 'handler'\">"
        "<script src=http://127.0.0.1:9/x.js></script><style>body { display: none }</style>"
    )
    page = (site / "index.html").read_text(encoding="utf-8")
    (site / "attacked.html").write_text(page.replace("<header", f"{attack}<header", 1), encoding="utf-8")
    browser.open((site / "attacked.html").as_uri())
    (site / "attacked.html").unlink()
    assert browser.run("document.body.dataset.attacked") is None
    assert browser.run("document.body.checkVisibility()")
    assert any("Content Security Policy" in one for one in browser.complaints())


def test_no_text_of_a_record_acts_in_a_page(browser: Browser, tmp_path: Path, hostile: str) -> None:
    evil = hostile.replace("\x00", "").replace("\x1b", "")[:90]
    own = lane({evil: 0.05, "b": 0.05}).model_copy(update={"id": f"m/{evil}", "variant": evil})
    records = [record_at(n, 0.05, own).model_copy(update={"suite": evil, "ref": evil}) for n in range(2)]
    add_records(HistoryFolder(tmp_path / "history"), records)
    build(HistoryFolder(tmp_path / "history"), tmp_path / "site", index=tmp_path / "index.sqlite")
    browser.open((tmp_path / "site" / "index.html").as_uri())
    for screen in ("", "variants", "runs", f"series/{island(tmp_path / 'site')['rows'][0][0]}"):
        assert "alert(" in go(browser, screen)
        assert browser.run("document.querySelectorAll('main img, main script').length") == 0
    assert browser.complaints() == []
