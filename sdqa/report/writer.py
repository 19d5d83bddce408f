"""Writes all forms of a report next to each other."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sdqa.bundle import Bundle, documents
from sdqa.history import History
from sdqa.report.against import compare
from sdqa.report.annotations import workflow_commands
from sdqa.report.brief import FILE as BRIEF
from sdqa.report.brief import brief_of
from sdqa.report.gallery import FOLDER
from sdqa.report.html import make_page
from sdqa.report.junit import junit_xml
from sdqa.report.links import PAGE, page_of
from sdqa.report.summary import summary_markdown
from sdqa.store import write_atomically

COMPARISON_FILE = "comparison.json"
OURS = re.compile(r"[0-9a-f]{64}(-[0-9]+)?\.(png|jpg|webp)")


@dataclass(frozen=True)
class ReportFiles:
    """Where a report's files are."""

    html: Path
    junit: Path
    summary: Path
    annotations: Path
    brief: Path


def write_report(
    bundle: Bundle,
    destination: Path,
    *,
    history: History | None = None,
    against: Bundle | None = None,
    single_file: bool = False,
) -> ReportFiles:
    """Write `index.html`, `junit.xml`, `summary.md`, `summary.json` and `annotations.txt` of a bundle.

    Where that fails nothing is left of an earlier run's either: it would be read as this one's.

    Args:
        bundle: the run; it is only read.
        destination: the folder to write into, made where it is missing.
        history: earlier runs, shown as trends.
        against: an earlier run: what is new, still failing and fixed since then, in `comparison.json` too.
        single_file: whether all pictures go into the page; otherwise those for which it has no room lie in `pictures/`.

    Raises:
        BundleError: a bundle cannot be read. A history never stands in the way of a report.
    """
    files = ReportFiles(
        html=destination / PAGE,
        junit=destination / "junit.xml",
        summary=destination / "summary.md",
        annotations=destination / "annotations.txt",
        brief=destination / BRIEF,
    )
    comparison = destination / COMPARISON_FILE
    try:
        run, place = bundle.read(), page_of()
        identity = run.identity()
        compared = compare(against.read(), run, identities=("", identity)) if against is not None else None
        earlier = history or History()
        page = make_page(
            bundle, run, earlier.records, unread=earlier.unread, compared=compared, against=against,
            single_file=single_file,
            identity=identity,
        )  # fmt: skip
        texts = {
            files.html: page.html,
            files.junit: junit_xml(run, place),
            files.summary: summary_markdown(run, compared, place, identity),
            files.annotations: workflow_commands(run, place),
            files.brief: json.dumps(brief_of(run, identity).to_json(), sort_keys=True),
        }
    except BaseException:
        for path in (*vars(files).values(), comparison):
            with suppress(OSError):
                path.unlink()
        raise
    _write_beside(destination, page.beside)
    for path, text in texts.items():
        # A lone surrogate from a bundle cannot be encoded: it must not cost the report.
        write_atomically(path, text.encode("utf-8", errors="replace"))
    if compared is not None:
        documents.write(comparison, compared.to_json())
    else:
        comparison.unlink(missing_ok=True)  # an earlier report's
    return files


def _write_beside(destination: Path, pictures: Mapping[str, bytes]) -> None:
    """The pictures that the page has no room for; those of an earlier page that are not needed any more go.

    A file is named by the digest of what was recorded, so one that is there already is the right one.
    """
    folder = destination / FOLDER
    if folder.is_symlink():
        folder.unlink()  # whoever made it meant another place: nothing is written there
    if folder.is_dir():
        for old in folder.iterdir():
            if OURS.fullmatch(old.name) and f"{FOLDER}/{old.name}" not in pictures:
                old.unlink()
    if pictures:
        folder.mkdir(parents=True, exist_ok=True)
    for path, data in pictures.items():
        place = destination / path
        if not place.is_file() or place.stat().st_size != len(data):
            write_atomically(place, data)
