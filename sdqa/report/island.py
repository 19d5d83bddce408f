"""What the page's script draws from: one JSON document, its rows dictionary-coded, that cannot leave its element."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from markupsafe import Markup

from sdqa.bundle import Blob, Film, Run
from sdqa.bundle.diagnosis import Diagnosis
from sdqa.report.cases import CaseCard
from sdqa.report.checks import CheckRow
from sdqa.report.direction import undirected
from sdqa.report.flip import FlipMap, Flips
from sdqa.report.gallery import Gallery
from sdqa.report.headline import MARKS, lane_tone, missed
from sdqa.report.position import position
from sdqa.report.trends import CheckTrend
from sdqa.report.words import MUST_BE_ONE

NO_FLIPS = Flips()
NO_TRENDS: Mapping[int, CheckTrend] = {}
DIGITS = 6  # significant: four are shown
_ESCAPES = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}
Data: TypeAlias = "Mapping[str, Data] | Sequence[Data] | str | float | None"
"""What becomes JSON."""
Cell: TypeAlias = float | str | int | None
PROVISIONAL, ON_DIFFERENCE, HARD = 1, 2, 4  # flags of a row


def island_of(
    run: Run,
    identity: str,
    rows: Sequence[CheckRow],
    cards: Sequence[CaseCard],
    gallery: Gallery,
    diagnoses: Sequence[Diagnosis],
    static: Iterable[str] = (),
    *,
    flips: Flips = NO_FLIPS,
    trends: Mapping[int, CheckTrend] = NO_TRENDS,
) -> Markup:
    """The document as text for a `<script type="application/json">`.

    Args:
        static: digests of pictures that stand in the page's own markup; the script takes them from there.
        trends: of rows, by their place.
    """
    pictures = _Table()
    inside = set(static)
    data: dict[str, Data] = {
        "suite": run.suite,
        "fault": run.fault,
        "identity": identity,
        "statuses": list(MARKS),
        "marks": list(MARKS.values()),
        "lanes": [
            {
                "id": lane.id,
                "state": lane.status,
                "missing": missed(lane, run),
                "tone": lane_tone(lane),
                "reason": lane.reason,
                "diagnosis": next((i for i, one in enumerate(diagnoses) if one.lane == lane.id), None),
            }
            for lane in run.lanes
        ],
        "cases": [_case(card, pictures, flips) for card in cards],
        "noFlip": flips.absent,
        "trends": [
            [place, _short(one.low), _short(one.high), one.marks, _short(one.before), one.runs]
            for place, one in trends.items()
        ],
        **_rows(rows),
        "operations": [_operations(one) for one in diagnoses],
    }
    data["pictures"] = [_picture(digest, gallery, inside) for digest in pictures.values]
    return Markup(json_text(data))  # nothing in it can close the element, see json_text


def json_text(data: Data) -> str:
    """Strict JSON in ASCII, in which no character means anything to HTML or ends a line of script."""
    return json.dumps(_plain(data), separators=(",", ":"), allow_nan=False).translate(_ESCAPES)


class _Table:
    """Values by their numbers."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    @property
    def values(self) -> list[str]:
        return list(self.numbers)

    def number(self, value: str) -> int:
        return self.numbers.setdefault(value, len(self.numbers))


def _rows(rows: Sequence[CheckRow]) -> dict[str, Data]:
    """All checks: [lane, case, component, metric, status, unit, better, flags, value, golden, difference, low, high,
    limit, position, used, n, reason, check].

    Position is for the order, used for the eye; names are numbers of their tables; a check is left out where lane,
    scope and metric say it.
    """
    names = {
        key: _Table() for key in ("laneNames", "caseNames", "components", "metrics", "units", "betters", "reasons")
    }
    statuses = list(MARKS)
    coded = []
    for row in rows:
        verdict = row.verdict
        low, high = verdict.interval or (None, None)
        flags = PROVISIONAL * row.provisional + ON_DIFFERENCE * row.bounds_difference
        scope = row.case or row.component or "all"
        cells: list[Cell] = [
            names["laneNames"].number(row.lane),
            names["caseNames"].number(row.case),
            names["components"].number(row.component),
            names["metrics"].number(row.metric),
            statuses.index(row.status),
            names["units"].number(verdict.unit),
            names["betters"].number(row.better),
            flags + HARD * (row.metric in MUST_BE_ONE),
            *map(_short, (verdict.value, verdict.golden, verdict.difference, low, high, verdict.tolerance)),
            _short(1 + row.excess),
            _short(position(verdict, row.better)),
            row.n,
            names["reasons"].number(row.reason),
        ]
        if row.check != f"{row.lane}/{scope}/{row.metric}":
            cells.append(row.check)
        coded.append(cells)
    return {**{key: table.values for key, table in names.items()}, "rows": coded}


def _case(card: CaseCard, pictures: _Table, flips: Flips) -> dict[str, Data]:
    return {
        "name": card.name,
        "prompt": card.prompt,
        "settings": [list(pair) for pair in card.settings],
        "lanes": [
            {
                "lane": lane.lane,
                "seconds": lane.seconds,
                "pictures": {kind: pictures.number(blob.sha256) for kind, blob in lane.images.items()},
                "facts": [list(pair) for pair in lane.facts],
                **({"film": _film(lane.film, pictures)} if lane.film else {}),
                **({"flip": _flip(seen)} if (seen := flips.maps.get((lane.lane, card.name))) else {}),
            }
            for lane in card.lanes
        ],
    }


def _flip(seen: FlipMap) -> list[Cell]:
    """[address, width, height, mean, largest]."""
    address = f"data:image/webp;base64,{base64.b64encode(seen.data).decode()}"
    return [address, seen.width, seen.height, _short(seen.mean), _short(seen.largest)]


def _film(film: Film, pictures: _Table) -> dict[str, Data]:
    """Frames: [step, timestep, teacher's picture, candidate's, error]."""

    def number(blob: Blob | None) -> int | None:
        return None if blob is None else pictures.number(blob.sha256)

    return {
        "total": film.total,
        "reason": film.reason,
        "colours": film.colours,
        "frames": [
            [one.step, _short(one.timestep), number(one.teacher), number(one.candidate), _short(one.error)]
            for one in film.frames
        ],
    }


def _picture(digest: str, gallery: Gallery, inside: set[str]) -> list[Cell]:
    """[address or "" , width, height, words, lossy, thumbnail]; an address of "#" stands in the page's markup."""
    shown = gallery.shown[digest]
    address = f"#{digest}" if digest in inside else shown.address
    cells: list[Cell] = [address, shown.width, shown.height, shown.note, int(shown.lossy), shown.thumbnail]
    while cells and not cells[-1]:
        cells.pop()
    return cells


def _operations(one: Diagnosis) -> dict[str, Data]:
    """The operations of a component in the order of execution, for the plot; what they are is worth a hover."""
    return {
        "component": one.operations_component,
        "blamed": sorted({cause.operation for cause in one.causes if cause.operation}),
        "rows": [
            [item.name, item.type, item.module, _short(item.added_db), _short(item.carried_db), list(item.findings)]
            for item in one.operations
        ],
    }


def _short(value: float | None) -> Cell:
    """A figure to six significant digits; a whole number without its point."""
    if value is None or not math.isfinite(value):
        return value
    short = float(f"{value:.{DIGITS}g}")
    return int(short) if short.is_integer() and abs(short) < 1e15 else short


def _plain(data: Data) -> Data:
    """Data for JSON: what is not finite as text, texts without bidirectional controls."""
    if isinstance(data, str):
        return undirected(data)
    if isinstance(data, float) and not math.isfinite(data):
        return "NaN" if math.isnan(data) else "Infinity" if data > 0 else "-Infinity"
    if isinstance(data, Mapping):
        return {undirected(str(key)): _plain(value) for key, value in data.items()}
    if isinstance(data, Sequence):
        return [_plain(value) for value in data]
    return data
