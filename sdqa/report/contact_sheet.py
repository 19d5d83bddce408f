"""A contact sheet: golden, candidate and their difference, a row for each case that fails, in one picture.

The same bundle gives the same bytes with the same Pillow. Labels come from a bundle, so only plain ASCII is drawn; what
a bundle calls a picture is opened only where it is one, of a size that fits.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from PIL import Image, ImageChops, ImageDraw, ImageFont, UnidentifiedImageError

from sdqa.bundle import Blob, Bundle, Run, Sample
from sdqa.errors import BundleError
from sdqa.report.dossier import Dossier, DossierLane, dossier, dossiers

MAX_ROWS = 40
MAX_BLOB_BYTES = 16 * 2**20
MAX_SIDE = 4096  # of a picture that is opened, in pixels
SIDE, GAP, LINE = 192, 8, 16  # of a cell, between cells, and of a line of text, in pixels
GAIN = 4  # of the difference: a few grey levels show
COLUMNS = ("golden", "candidate", f"difference x{GAIN}")
WIDTH = len(COLUMNS) * SIDE + (len(COLUMNS) + 1) * GAP
PAPER, INK, EMPTY = (255, 255, 255), (20, 20, 20), (225, 225, 225)
FONT_SIZE = 12
FORMATS = ("PNG", "JPEG", "WEBP")


@dataclass(frozen=True)
class SheetRow:
    """A case in a lane."""

    case: str
    lane: DossierLane

    @property
    def label(self) -> str:
        """The status in words, never in colour alone; then the case, its lane and its worst figure."""
        first = f": {self.lane.figures[0].metric} {self.lane.figures[0].words}" if self.lane.figures else ""
        return f"{(self.lane.status or 'not judged').upper()} {self.case} in {self.lane.lane}{first}"


def rows_of(run: Run, cases: Iterable[str] = (), lanes: Iterable[str] = ()) -> tuple[SheetRow, ...]:
    """The rows of a sheet: the named cases, or those that fail; the worst case first.

    Raises:
        UsageError: the run has no such case or lane.
    """
    wanted, patterns = tuple(cases), tuple(lanes)
    found: Sequence[Dossier] = (
        [dossier(run, case, patterns) for case in wanted] if wanted else dossiers(run, patterns)
    )  # fmt: skip
    rows = [SheetRow(one.case, lane) for one in found for lane in one.lanes]
    return tuple(row for row in rows if wanted or row.lane.status == "fail")


def contact_sheet(bundle: Bundle, run: Run, rows: Sequence[SheetRow]) -> bytes:
    """The sheet as PNG, at most `MAX_ROWS` rows; how many more there are stands below them."""
    shown = rows[:MAX_ROWS]
    height = 2 * LINE + GAP + len(shown) * (LINE + SIDE + GAP) + LINE + GAP
    sheet = Image.new("RGB", (WIDTH, height), PAPER)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(FONT_SIZE)
    _write(draw, font, (GAP, 2), f"{run.suite}, {run.created}", WIDTH - 2 * GAP)
    for column, name in enumerate(COLUMNS):
        _write(draw, font, (GAP + column * (SIDE + GAP), LINE + 2), name, SIDE)
    samples = {(lane.id, sample.case): sample for lane in run.lanes for sample in lane.samples}
    top = 2 * LINE + GAP
    for row in shown:
        _write(draw, font, (GAP, top), row.label, WIDTH - 2 * GAP)
        for column, cell in enumerate(_cells(bundle, samples.get((row.lane.lane, row.case)))):
            place = (GAP + column * (SIDE + GAP), top + LINE)
            if isinstance(cell, str):
                draw.rectangle((*place, place[0] + SIDE - 1, place[1] + SIDE - 1), EMPTY)
                _write(draw, font, (place[0] + GAP, place[1] + SIDE // 2), cell, SIDE - 2 * GAP)
            else:
                sheet.paste(cell, place)
        top += LINE + SIDE + GAP
    left_out = len(rows) - len(shown)
    said = f"and {left_out} more" if left_out else "" if rows else "no case failed"
    _write(draw, font, (GAP, top), said, WIDTH - 2 * GAP)
    stream = io.BytesIO()
    sheet.save(stream, "PNG", optimize=False)
    return stream.getvalue()


def _cells(bundle: Bundle, sample: Sample | None) -> tuple[Image.Image | str, ...]:
    """Golden, candidate and difference in cells, or why one is empty."""
    images = sample.images if sample else {}
    golden, candidate = (_opened(bundle, images.get(kind), kind) for kind in ("golden", "candidate"))
    if isinstance(golden, str) or isinstance(candidate, str):
        difference: Image.Image | str = "nothing to compare"
    elif golden.size != candidate.size:
        difference = "of different sizes"
    else:
        gap = ImageChops.difference(golden, candidate)
        difference = gap.point([min(255, GAIN * level) for level in range(256)] * 3)
    return tuple(one if isinstance(one, str) else _fitted(one) for one in (golden, candidate, difference))


def _opened(bundle: Bundle, blob: Blob | None, kind: str) -> Image.Image | str:
    """A picture of the bundle, or in words why there is none."""
    if blob is None:
        return f"no {kind}"
    if blob.bytes > MAX_BLOB_BYTES:
        return "too large"
    try:
        with Image.open(io.BytesIO(bundle.read_blob(blob)), formats=FORMATS) as picture:
            if max(picture.size) > MAX_SIDE:
                return "too large"
            return picture.convert("RGB")
    except BundleError as error:
        return error.what
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError):
        return "no picture"
    except Image.DecompressionBombError:
        return "too large"


def _fitted(picture: Image.Image) -> Image.Image:
    """The picture in a cell: small ones enlarged pixel by pixel, large ones reduced, centred on the paper."""
    width, height = picture.size
    times = SIDE // max(width, height)
    if times >= 1:
        fitted = picture.resize((width * times, height * times), Image.Resampling.NEAREST)
    else:
        fitted = picture.copy()
        fitted.thumbnail((SIDE, SIDE), Image.Resampling.BOX, reducing_gap=None)
    cell = Image.new("RGB", (SIDE, SIDE), EMPTY)
    cell.paste(fitted, ((SIDE - fitted.width) // 2, (SIDE - fitted.height) // 2))
    return cell


def _write(
    draw: ImageDraw.ImageDraw,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    place: tuple[int, int],
    text: str,
    width: int,
) -> None:
    """One line of plain text, cut where it would leave its place."""
    plain = "".join(one if " " <= one <= "~" else "?" for one in " ".join(text[:400].replace("−", "-").split()))
    cut = plain
    while cut and draw.textlength(cut if cut == plain else f"{cut}...", font=font) > width:
        cut = cut[:-1]
    draw.text(place, cut if cut == plain else f"{cut}...", fill=INK, font=font)
