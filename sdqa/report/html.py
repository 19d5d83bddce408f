"""The offline page: no network, no script needed to read it. A pure function of a bundle."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from sdqa.bundle import Bundle, Run
from sdqa.bundle.comparison import RunComparison
from sdqa.bundle.orphan import orphan_words
from sdqa.errors import SdqaError
from sdqa.history import RecordedRun
from sdqa.report.assets import content_security_policy, script, style
from sdqa.report.cases import case_cards
from sdqa.report.checks import check_rows
from sdqa.report.diagnosis_charts import RUNG_COLUMNS
from sdqa.report.diagnosis_section import diagnosis_of, show_explained
from sdqa.report.direction import undirected
from sdqa.report.facts import facts_of
from sdqa.report.flip import flips_of
from sdqa.report.format import MISSING, plural, show_digest, show_figure, show_words
from sdqa.report.gallery import gallery_of
from sdqa.report.headline import MARKS, failures_of, headline_of, is_incomplete, missed
from sdqa.report.island import island_of
from sdqa.report.lanes import lane_cards, package_rows
from sdqa.report.last_main import since_last_main
from sdqa.report.origin import origin_of
from sdqa.report.pictures import Album
from sdqa.report.placement import estimates, placements
from sdqa.report.review import GOOD, not_passed, worst_pairs
from sdqa.report.sensitivity_section import SensitivitySection, sensitivity_of
from sdqa.report.since import Since, since_of
from sdqa.report.template_code import TemplateCode
from sdqa.report.tradeoff import tradeoff_chart
from sdqa.report.trends import check_trends, trend_of

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Page:
    """A page, and the pictures that lie beside it by their relative paths."""

    html: str
    beside: Mapping[str, bytes]


def render_page(bundle: Bundle, run: Run, history: Sequence[RecordedRun] = (), *, unread: int = 0) -> str:
    """The page as one text, with all its pictures inside."""
    return make_page(bundle, run, history, unread=unread, single_file=True).html


def make_page(
    bundle: Bundle,
    run: Run,
    history: Sequence[RecordedRun] = (),
    *,
    unread: int = 0,
    compared: RunComparison | None = None,
    against: Bundle | None = None,
    single_file: bool = False,
    identity: str = "",
) -> Page:
    """The page, and what lies beside it where it would grow too large.

    Args:
        unread: files of the history that could not be read.
        compared: with an earlier run.
        against: the earlier run's bundle, for its pictures.
        single_file: whether all pictures have to be inside.
        identity: of the run, where the caller knows it.

    Everything of the bundle is escaped by Jinja2, or written as JSON in which no character means anything to HTML; the
    content security policy allows this page's own style and script by their digests and nothing else, so that even a
    flaw in the escaping could neither run code nor reach a network.
    """
    rows, identity = check_rows(run), identity or run.identity()
    earlier = {(one.lane, one.case): one.candidate for one in compared.pictures} if compared and against else {}
    cards = case_cards(run, rows, earlier)
    album = Album(bundle, *([against] if against else []))
    gallery = gallery_of(cards, album, single_file=single_file)
    seen = flips_of(cards, album)
    pairs = worst_pairs(cards, gallery)
    failed, failed_more = not_passed(rows)
    lanes = lane_cards(run)
    records = run.diagnoses or ((run.diagnosis,) if run.diagnosis else ())
    found = [shown for one in records if (shown := diagnosis_of(one))]
    absent = [lane for lane in run.lanes if lane.status != "ran" and not lane.failures]
    elsewhere = [lane for lane in absent if not missed(lane, run)]
    red = [lane.id for lane in run.lanes if any(v.status == "fail" for v in lane.verdicts)]
    placed, estimated = placements(run), estimates(run)
    sensitivity, trend = _sensitivity(bundle, run), trend_of(history, unread)
    more = {
        "lanes": "Lanes",
        "packages": "Packages",
        "devices": "Devices" if placed or estimated else "",
        "sensitivity": "Sensitivity" if sensitivity else "",
        "trend": "Trend" if trend else "",
        "environment": "Environment",
    }
    text = (
        _environment()
        .get_template("page.html.j2")
        .render(
            policy=content_security_policy(style(), script(), beside=bool(gallery.beside)),
            style=Markup(style()),  # the package's own files
            script=Markup(script()),
            island=island_of(
                run,
                identity,
                rows,
                cards,
                gallery,
                records,
                [digest for pair in pairs for digest in pair.digests],
                flips=seen,
                trends=check_trends(history, run, rows),
            ),
            run=run,
            identity=identity,
            headline=headline_of(run),
            origin=origin_of(run),
            incomplete=is_incomplete(run),
            failures=failures_of(run),
            orphans=orphan_words(run.orphans),
            since=_since(compared, history, run, identity),
            missing=[lane for lane in absent if lane not in elsewhere],
            elsewhere=elsewhere,
            elsewhere_ids={lane.id for lane in elsewhere},
            elsewhere_why=list(dict.fromkeys(lane.reason for lane in elsewhere if lane.reason)),
            pairs_shown=pairs,
            pairs_bad=any(pair.status not in GOOD for pair in pairs),
            failed=failed,
            failed_more=failed_more,
            lanes=[lane for lane in lanes if lane.state != "skipped"],
            all_lanes=lanes,
            diagnoses=found,
            undiagnosed=[lane for lane in red if lane not in {one.lane for one in records}],
            more=[(name, title) for name, title in more.items() if title],
            packages=package_rows(run),
            placements=placed,
            estimates=estimated,
            sensitivity=sensitivity,
            trend=trend,
            tradeoff=tradeoff_chart(run, rows),
            environment=[
                (f"{place}.{name}" if place else name, shown)
                for place, one in run.machines.items()
                for name, shown in facts_of(one)
            ],
        )
    )
    return Page(text, gallery.beside)


def _since(compared: RunComparison | None, history: Sequence[RecordedRun], run: Run, identity: str) -> Since | None:
    """Against the run that somebody named, or else against the last one of the main line."""
    if compared is not None:
        return since_of(compared, "Against an earlier run", "comparison.json")
    last = since_last_main(history, run, identity)
    return since_of(last, "Since the last main run") if last is not None else None


def _sensitivity(bundle: Bundle, run: Run) -> SensitivitySection | None:
    """It says what other runs caught; where it cannot be read, this one's page is not worse for it."""
    try:
        table, further = bundle.sensitivity_of(run), bundle.further_sensitivities_of(run)
    except SdqaError:
        return None
    return sensitivity_of(table, further, [lane.id for lane in run.lanes if lane.status == "ran"])


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("sdqa.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        bytecode_cache=TemplateCode(HERE / "templates", [HERE / "html.py", HERE / "direction.py"]),
    )
    environment.filters.update(
        figure=show_figure, digest=show_digest, words=show_words, plural=plural, explained=show_explained
    )
    environment.globals.update(MARKS=MARKS, MISSING=MISSING, RUNG_COLUMNS=RUNG_COLUMNS)
    return environment


def _shown(value: object) -> object:
    """Every value on its way into the page; what is Markup stays Markup."""
    return type(value)(undirected(value)) if isinstance(value, str) else value
