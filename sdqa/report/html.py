"""The offline page: one file, no network, no script needed to read it. A pure function of a bundle."""

from __future__ import annotations

import base64
import functools
import hashlib
from collections.abc import Sequence
from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from sdqa.bundle import Bundle, Run
from sdqa.bundle.orphan import orphan_words
from sdqa.errors import SdqaError
from sdqa.history import RecordedRun
from sdqa.report.cases import case_anchors, case_cards
from sdqa.report.checks import check_rows, verdict_glyph
from sdqa.report.diagnosis_charts import RUNG_COLUMNS
from sdqa.report.diagnosis_section import diagnosis_of, show_explained
from sdqa.report.direction import undirected
from sdqa.report.facts import facts_of
from sdqa.report.format import MISSING, plural, show_digest, show_figure, show_words
from sdqa.report.glyphs import histogram, strip_glyph
from sdqa.report.headline import MARKS, SEVERITY, failures_of, headline_of, is_incomplete
from sdqa.report.highlights import attention_of
from sdqa.report.lanes import lane_cards, package_rows
from sdqa.report.overview import Cell, measured_lanes, overview_of
from sdqa.report.pictures import Album
from sdqa.report.placement import estimates, placements
from sdqa.report.sensitivity_section import SensitivitySection, sensitivity_of
from sdqa.report.trends import trend_of

TEMPLATES = "sdqa.report.templates"


def render_page(bundle: Bundle, run: Run, history: Sequence[RecordedRun] = (), *, unread: int = 0) -> str:
    """The page as text.

    Args:
        unread: files of the history that could not be read.

    Everything of the bundle is escaped by Jinja2; the content security policy allows this page's own style and script
    by their digests and nothing else, so that even a flaw in the escaping could neither run code nor reach a network.
    """
    style, script = _asset("page.css"), _asset("page.js")
    rows = check_rows(run)
    template = _environment().get_template("page.html.j2")
    return template.render(
        policy=content_security_policy(style, script),
        style=Markup(style),
        script=Markup(script),
        run=run,
        identity=run.identity(),
        headline=headline_of(run),
        incomplete=is_incomplete(run),
        failures=failures_of(run),
        orphans=orphan_words(run.orphans),
        absent=[lane for lane in run.lanes if lane.status != "ran" and not lane.failures],
        rows=rows,
        attention=attention_of(rows),
        metrics=sorted({row.metric for row in rows}),
        lanes=lane_cards(run),
        cases=case_cards(run, rows, Album(bundle)),
        case_anchors=case_anchors(run),
        overview=overview_of(run),
        overview_lanes=measured_lanes(run),
        packages=package_rows(run),
        placements=placements(run),
        estimates=estimates(run),
        diagnosis=diagnosis_of(run.diagnosis),
        sensitivity=_sensitivity(bundle, run),
        trend=trend_of(history, unread),
        environment=[
            (f"{place}.{name}" if place else name, shown)
            for place, one in run.machines.items()
            for name, shown in facts_of(one)
        ],
    )


def _sensitivity(bundle: Bundle, run: Run) -> SensitivitySection | None:
    """It says what other runs caught; where it cannot be read, this one's page is not worse for it."""
    try:
        table, further = bundle.sensitivity_of(run), bundle.further_sensitivities_of(run)
    except SdqaError:
        return None
    return sensitivity_of(table, further, [lane.id for lane in run.lanes if lane.status == "ran"])


def content_security_policy(style: str, script: str) -> str:
    """Own style and script by digest, pictures from `data:` URIs, nothing else: no network, no forms, no frames."""

    def digest(text: str) -> str:
        return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()

    return (
        f"default-src 'none'; img-src data:; style-src 'sha256-{digest(style)}'; "
        f"script-src 'sha256-{digest(script)}'; base-uri 'none'; form-action 'none'"
    )


def _asset(name: str) -> str:
    return resources.files(TEMPLATES).joinpath(name).read_text(encoding="utf-8")


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("sdqa.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        figure=show_figure, digest=show_digest, words=show_words, plural=plural, explained=show_explained
    )
    environment.globals.update(
        MARKS=MARKS, SEVERITY=SEVERITY, MISSING=MISSING, RUNG_COLUMNS=RUNG_COLUMNS, cell_chart=_cell_chart
    )
    return environment


def _shown(value: object) -> object:
    """Every value on its way into the page; what is Markup stays Markup."""
    return type(value)(undirected(value)) if isinstance(value, str) else value


def _cell_chart(cell: Cell) -> Markup:
    """The verdict on the whole; then dots over the cases, coloured by verdict, or a histogram of repeated readings."""
    status = {(v.case, v.component): v.status for v in cell.verdicts}
    points = [
        (
            m.case or m.component or "lane",
            m.value,
            f"dot-{status.get((m.case, m.component), 'none').replace(' ', '-')}",
        )
        for m in cell.values
    ]
    overall = cell.overall
    chart = verdict_glyph(overall, cell.better) if overall else Markup("")
    if len(points) > 1:
        return chart + strip_glyph(points, f"{cell.metric} in {cell.lane}: {plural(len(points), 'value')}")
    samples = cell.values[0].samples if cell.values else ()
    return chart + histogram(samples, f"{cell.metric} in {cell.lane}: {plural(len(samples), 'reading')}")
