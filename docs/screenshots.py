"""The pictures of README and docs, made anew: `python -m docs.screenshots [BUNDLE [FOLDER]] [--site SITE]`.

A bundle with a failing case gives `summary.png` and `case.png`, a dashboard's site `dashboard-overview.png` and
`dashboard-series.png`.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from PIL import Image

from sdqa.bundle import Bundle
from sdqa.report.cases import case_cards
from sdqa.report.checks import check_rows
from sdqa.report.html import render_page
from sdqa.report.links import case_address
from tests.report.browser import Browser

SIZE = (1280, 900)
SETTLED = 0.8  # seconds, until the difference is painted and a series is drawn
SERIES = ("m/pal6", "latent_psnr")
"""Lane and figure that the demonstration changes and puts right."""


def main() -> None:
    """Write the pictures of what is given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundle", type=Path, nargs="?", help="of a red run")
    parser.add_argument("folder", type=Path, nargs="?", default=Path(__file__).parent / "images")
    parser.add_argument("--site", type=Path, help="a dashboard's folder: that of the demonstration")
    chosen = parser.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        shots = [
            *(_of_a_run(Bundle(chosen.bundle), Path(scratch)) if chosen.bundle else ()),
            *(_of_a_site(chosen.site) if chosen.site else ()),
        ]
        browser = Browser(Path(scratch) / "profile")
        try:
            for name, page, place in shots:
                browser.open(f"file://{quote(str(page.absolute()))}{place}", width=SIZE[0], height=SIZE[1])
                browser.run(f"new Promise((done) => setTimeout(done, {1000 * SETTLED}))")
                path = chosen.folder / f"{name}.png"
                browser.screenshot(path)
                with Image.open(path) as shot:
                    shot.convert("RGB").quantize(256).save(path, optimize=True)
        finally:
            browser.close()


def _of_a_run(bundle: Bundle, scratch: Path) -> Iterator[tuple[str, Path, str]]:
    """Name, page and place of the pictures of a run: its summary and its worst case."""
    run = bundle.read()
    worst = case_cards(run, check_rows(run))[0]
    page = scratch / "index.html"
    page.write_text(render_page(bundle, run), encoding="utf-8", errors="replace")
    yield "summary", page, "#/"
    yield "case", page, case_address(worst.name, worst.shown.lane if worst.shown else "", page="")


def _of_a_site(site: Path) -> Iterator[tuple[str, Path, str]]:
    """Of a dashboard: its overview, and a series that changes."""
    page = site / "index.html"
    text = page.read_text(encoding="utf-8").partition('id="data">')[2].partition("</script>")[0]
    known = {(lane, label): series for series, lane, label, *_ in json.loads(text)["rows"]}
    yield "dashboard-overview", page, "#/"
    yield "dashboard-series", page, f"#/series/{known.get(SERIES) or next(iter(known.values()))}"


if __name__ == "__main__":
    main()
