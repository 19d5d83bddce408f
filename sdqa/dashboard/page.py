"""The page: what reads without a script, the data of its first screens, one style and one script, held by digest.

`strict-dynamic` lets that one script, and nothing else, fetch the data files beside the page. Whatever comes from a
record reaches the document as text: jinja escapes it, and the script only ever sets text.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from sdqa.dashboard.assets import content_security_policy, script, style
from sdqa.dashboard.overview import Alert, Row
from sdqa.dashboard.series import SHORT, DatedRun
from sdqa.errors import HistoryError
from sdqa.report.format import show_figure

MAX_INDEX_BYTES = 200_000
SHOWN = 20
"""Series that the page shows without its script, the worst first."""
WORDS = {0: "Pass", 1: "Failed", 3: "Could not run", 4: "Incomplete", 130: "Interrupted"}
"""Of exit codes."""
TONES = {0: "pass", 1: "fail"}


def render_index(
    content: Mapping[str, object],
    rows: Sequence[Row],
    alerts: Sequence[Alert],
    last: DatedRun,
    unread: int,
    runs: int,
) -> bytes:
    """The page, cut to what a page may weigh: first the small lines go, then the series that say least.

    Args:
        content: what the script draws.
        rows: the worst first.
    """
    for kept, lines in ((len(rows), True), (len(rows), False), (400, False), (100, False), (20, False)):
        fit = {**content, "rows": [_lighter(one, lines) for one in _list(content["rows"])[:kept]]}
        if kept < 100:
            fit |= {"events": _list(content["events"])[:20], "flaky": _list(content["flaky"])[:20]}
        page = _render(fit, rows, alerts, last, unread, runs).encode("utf-8", errors="replace")
        if len(page) <= MAX_INDEX_BYTES:
            return page
    raise HistoryError(f"the page cannot be made smaller than {MAX_INDEX_BYTES} bytes", hint="names are too long")


def _list(value: object) -> list[object]:
    assert isinstance(value, list)
    return value


def _lighter(row: object, lines: bool) -> object:
    """A row of `site`, with its small line or without."""
    return row if lines or not isinstance(row, list) else [*row[:11], "", *row[12:]]


def _render(
    content: Mapping[str, object],
    rows: Sequence[Row],
    alerts: Sequence[Alert],
    last: DatedRun,
    unread: int,
    runs: int,
) -> str:
    island = json.dumps(content, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return _environment().get_template("dashboard.html.j2").render(
        policy=content_security_policy(),
        style=Markup(style()),  # the package's own files
        script=Markup(script()),
        island=Markup(island.replace("<", "\\u003c").replace("&", "\\u0026")),
        suite=last.header.suite,
        tone=TONES.get(last.header.exit_code, "unmeasured"),
        verdict=WORDS.get(last.header.exit_code, f"Exit code {last.header.exit_code}"),
        commit=last.header.commit[:SHORT],
        created=last.header.created[:16].replace("T", " "),
        alerts=alerts,
        rows=[
            (row.label, row.lane, row.last.status or "not judged", show_figure(row.last.value, row.unit),
             show_figure(row.last.bound, row.unit), row.runs)
            for row in rows[:SHOWN]
        ],
        runs=runs,
        unread=unread,
    )  # fmt: skip


@functools.cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("sdqa.dashboard", "templates"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
