"""The README's pictures of the page, made anew from a bundle: `python -m docs.screenshots BUNDLE [FOLDER]`."""

from __future__ import annotations

import argparse
import tempfile
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
SETTLED = 0.5  # seconds, until the difference is painted


def main() -> None:
    """Write `summary.png` and `case.png`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("folder", type=Path, nargs="?", default=Path(__file__).parent / "images")
    chosen = parser.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    bundle = Bundle(chosen.bundle)
    run = bundle.read()
    worst = case_cards(run, check_rows(run))[0]
    lane = worst.shown.lane if worst.shown else ""
    with tempfile.TemporaryDirectory() as scratch:
        page = Path(scratch) / "index.html"
        page.write_text(render_page(bundle, run), encoding="utf-8", errors="replace")
        browser = Browser(Path(scratch) / "profile")
        try:
            for name, place in (("summary", "#/"), ("case", case_address(worst.name, lane, page=""))):
                browser.open(f"file://{quote(str(page))}{place}", width=SIZE[0], height=SIZE[1])
                browser.run(f"new Promise((done) => setTimeout(done, {1000 * SETTLED}))")
                path = chosen.folder / f"{name}.png"
                browser.screenshot(path)
                with Image.open(path) as shot:
                    shot.convert("RGB").quantize(256).save(path, optimize=True)
        finally:
            browser.close()


if __name__ == "__main__":
    main()
