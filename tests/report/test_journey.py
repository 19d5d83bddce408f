"""A person before the page: hands on the keyboard, on the mouse, in the filter; one page load for many looks."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from sdqa.bundle import Run
from sdqa.report.assets import PLACE, texts
from sdqa.report.format import show_figure
from tests.report.browser import Browser

LANE = "tiny/palette2/reference/cpu"


@pytest.fixture
def opened(browser: Browser, page_file: Path) -> Iterator[Browser]:
    browser.open(page_file.as_uri())
    browser.run("sessionStorage.clear()")
    yield browser
    assert browser.complaints() == []
    assert browser.requests() == []


def heading(browser: Browser) -> str:
    text: str = browser.run("document.querySelector('#screen h1')?.firstChild.textContent ?? ''")
    return text.strip()


def address(browser: Browser) -> str:
    text: str = browser.run("location.hash")
    return text


def test_which_cases_broke_why_and_approve_two_without_a_mouse(opened: Browser) -> None:
    assert "Fail" in opened.run("document.querySelector('#verdict').textContent")
    opened.press("f", "j")
    opened.until("document.querySelector('#screen h1')")
    first = heading(opened)
    assert address(opened) == f"#/case/{first}?q=s:fail&lane={LANE}"
    why = opened.run("document.querySelector('#screen .figures tbody').textContent")
    assert "not finite" in why
    assert "+0.03" in why or "−0.8" in why or "30 dB" in why, "the limit of what is NaN"
    opened.press("y", "j")
    opened.until(f"document.querySelector('#screen h1').firstChild.textContent !== {first + ' '!r}")
    second = heading(opened)
    opened.press("y", "j", "n", "k")
    opened.run("document.querySelector('#marks input').focus()")
    opened.press(*"it's sharper", "Escape", "a")
    wanted = f"sdqa approve --lane {LANE} --case {first} --case {second} --reason 'it'\\''s sharper'"
    opened.until("document.querySelector('#toast').textContent === 'approve command copied'")
    assert opened.clipboard() == wanted
    opened.press("r")
    opened.until("document.querySelector('#toast').textContent === 'reproduce command copied'")
    assert opened.clipboard() == f"sdqa qa --lane {LANE} --fault unet-2bit -k /{second}/"
    opened.press("c")
    opened.until("document.querySelector('#toast').textContent === 'link copied'")
    assert opened.clipboard().endswith(f"index.html#/case/{second}?q=s:fail&lane={LANE}")
    opened.call("Page.reload")
    opened.until("document.querySelector('#screen h1') && document.querySelector('#marks code')")
    assert heading(opened) == second
    assert opened.run("document.querySelector('#query').value") == "s:fail"
    assert opened.run("document.querySelector('#marks code').textContent") == wanted
    opened.press("Escape")
    opened.until("!document.querySelector('#summary').hidden")


def test_five_ways_to_compare_with_one_zoom(opened: Browser) -> None:
    opened.run(f"location.hash = '#/case/portrait-grey-hair?lane={LANE}'")
    opened.until("document.querySelector('.shots.side[data-ready]')")
    assert opened.run("[...document.querySelectorAll('.shot b')].map((one) => one.textContent)") == [
        "source", "golden", "candidate", "difference",
    ]  # fmt: skip
    assert opened.run("document.querySelector('.under').textContent").count("of the pixels differ") == 1
    assert opened.run("Boolean(document.querySelector('.tile'))")
    film = "[...document.querySelectorAll('.film figure')].map((one) => one.textContent)"
    assert opened.run(film) == ["step 14 %", "step 1040 %", "nonestep 20NaN"]
    assert opened.run("document.querySelectorAll('.film img').length") == 5
    opened.press("2")
    left, top, width = opened.run(
        "(() => { const box = document.querySelector('.pane').getBoundingClientRect();"
        " return [box.left, box.top, box.width]; })()"
    )
    opened.drag((left + width / 2, top + 50), (left + width * 0.8, top + 60))
    assert opened.run("document.querySelector('.clip').style.clipPath").startswith("inset(0px 20")
    assert opened.run("document.querySelector('.slide input').value") == "80"
    opened.press("3")
    seen = "document.querySelector('.shots.blink figcaption b').textContent"
    assert opened.run(seen) == "golden"
    opened.until(f"{seen} === 'candidate'")
    opened.until(f"{seen} === 'golden'")
    opened.press("4", "z", "]", "]")
    opened.until("document.querySelector('.shots.heat[data-ready]')")
    assert "mode=heat&zoom=2" in address(opened)
    assert "scale(2)" in opened.run("document.querySelector('.layer').style.transform")
    before = opened.run("document.querySelector('.layer').style.transform")
    opened.drag((left + 200, top + 200), (left + 150, top + 180))
    assert opened.run("document.querySelector('.layer').style.transform") != before
    gain = int(opened.run("document.querySelector('.slide output').textContent").removeprefix("× "))
    assert gain >= 4
    opened.press("5")
    assert opened.run("document.querySelectorAll('.shots.overlay .layer').length") == 2
    opened.press("ArrowUp")
    opened.until("location.hash.includes('palette6')")
    assert "mode=overlay&zoom=2" in address(opened)
    opened.run("history.back()")
    opened.until("location.hash.includes('palette2')")
    opened.press("1")
    opened.run("document.querySelector('[data-keep=every]').click()")
    assert opened.run("document.querySelectorAll('.shots.side .shot').length") == 6
    opened.run("location.hash = '#/case/landscape-lake?mode=slider&lane=" + LANE + "'")
    opened.until("document.querySelector('.pane.none')")
    assert "not a PNG, JPEG or WebP" in opened.run("document.querySelector('.pane.none').textContent")


def test_one_filter_for_list_matrix_and_checks(opened: Browser, run: Run) -> None:
    def found(text: str) -> tuple[int, int]:
        opened.run(
            f"(() => {{ const field = document.querySelector('#query'); field.value = {text!r};"
            " field.dispatchEvent(new Event('input', { bubbles: true })); })()"
        )
        words = opened.run("document.querySelector('#found').textContent")
        numbers = [int(word.replace(",", "")) for word in words.split() if word[0].isdigit()]
        return numbers[0], numbers[-1]

    verdicts = run.verdicts
    everything = len(verdicts)
    assert found("") == (everything, everything)
    assert found("s:fail,suspicious")[0] == sum(v.status in ("fail", "suspicious") for v in verdicts)
    assert found("lane:palette2 m:psnr case:portrait*") == (5, 5)
    assert found("lane:palette2 m:psnr -case:portrait*")[1] == 5
    assert found('"grey hair" m:lpips') == (3, 1)
    assert found("case:portrait") == (54, 6), "a part of a name"
    assert found("case:grey*")[1] == 0, "with a star, from end to end"
    assert found("worse:10%")[1] == 1
    assert found("nothing-like-this") == (0, 0)
    assert found("constructor:x") == (0, 0)
    assert found(f"{LANE}/lane/face_cosine") == (1, 0), "a check by its id"
    assert found("s:fail lane:palette2")[1] > 0
    opened.run("location.hash = '#/checks' + location.hash.slice(location.hash.indexOf('?'))")
    opened.until("document.querySelector('.checks tbody tr')")
    lanes = opened.run("[...document.querySelectorAll('.checks .c-lane')].map((one) => one.textContent)")
    assert set(lanes) == {LANE}
    opened.run("document.querySelector('th[data-column=value] button').click()")
    assert opened.run("document.querySelector('th[data-column=value]').getAttribute('aria-sort')") == "ascending"
    assert "sort=value" in address(opened)
    opened.run("URL.createObjectURL = (blob) => { window.saved = blob.text(); return 'data:,'; }")
    opened.run("document.querySelector('#screen .actions button').click()")
    lines = opened.run("window.saved").split("\r\n")
    assert lines[0].startswith("check,status,lane,case,component,metric,value")
    assert len(lines) == len([v for v in verdicts if v.status == "fail" and v.check.startswith(LANE)]) + 1
    assert [one for one in lines if ",NaN," in one]
    opened.run("location.hash = '#/matrix?q=lane%3Apalette2'")
    opened.until("document.querySelector('.matrix')")
    assert opened.run("document.querySelectorAll('.matrix thead th').length") == 2
    opened.run("document.querySelector('.matrix td a').click()")
    opened.until("location.hash.startsWith('#/case/')")
    assert f"lane={LANE}" in address(opened)


def test_every_screen_is_drawn_and_the_blamed_operation_is_marked(opened: Browser) -> None:
    for name in ("matrix", "checks", "lanes", "packages", "sensitivity", "environment"):
        opened.run(f"location.hash = '#/{name}'")
        opened.until(f"document.querySelector('#screen.{name} h1')")
        assert opened.run("document.querySelectorAll('#screens [aria-current]').length") == 1
    opened.run(f"location.hash = '#/diagnosis/{LANE}'")
    opened.until("document.querySelector('.operations-plot')")
    assert "blamed: up_0_upsample" in opened.run("document.querySelector('.legend').textContent")
    assert "kernel transposed" in opened.run("document.querySelector('.hovered').textContent")
    assert opened.run("document.querySelector('tr.blamed').textContent").count("up_0_upsample") == 1
    opened.run("document.querySelector('.operations-plot').scrollIntoView()")
    left, top, width = opened.run(
        "(() => { const box = document.querySelector('.operations-plot').getBoundingClientRect();"
        " return [box.left, box.top, box.width]; })()"
    )
    opened.drag((left + width * 0.3, top + 80), (left + width * 0.6, top + 80))
    assert opened.run("[...document.querySelectorAll('.legend button')].every((one) => !one.hidden)")
    opened.run("location.hash = '#/diagnosis/tiny/fp16/reference/cpu'")
    opened.until("document.querySelector('#screen h1').textContent === 'Not diagnosed'")
    opened.run("location.hash = '#/case/no%20such%20case'")
    opened.until("document.querySelector('#screen h1').textContent === 'No such case'")


def test_figures_are_written_as_everywhere_else(browser: Browser) -> None:
    assert PLACE == "sdqa.report.page"
    dice = random.Random(5)
    values = [
        0.0,
        1.0,
        0.999996,
        -0.00014,
        1e-9,
        123456.789,
        9_999_999.0,
        1e7,
        59.99,
        61.0,
        3600.5,
        math.inf,
        -math.inf,
    ]
    values += [dice.uniform(-1, 1) * 10 ** dice.uniform(-6, 9) for _ in range(300)]
    units = ["", "dB", "ms", "s", "bytes", "MB", "%", "constructor"]
    cases = [(value, dice.choice(units), dice.random() < 0.5) for value in values]
    coded = ",".join(
        f"[{'Infinity' if v == math.inf else '-Infinity' if v == -math.inf else v!r},{u!r},{str(s).lower()}]"
        for v, u, s in cases
    )
    shown = browser.run(
        f"(() => {{ {texts(PLACE, ['figures'])}; return [{coded}].map((one) => showFigure(...one)); }})()"
    )
    assert [f"{v!r} {u}: {text}" for (v, u, _), text in zip(cases, shown, strict=True)] == [
        f"{v!r} {u}: {show_figure(v, u, signed=s)}" for v, u, s in cases
    ]
