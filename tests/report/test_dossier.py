"""Everything that a run says of one case."""

from __future__ import annotations

import io
import math
from pathlib import Path

import pytest

from sdqa.bundle import Blob, Bundle, Film, FilmFrame, Measurement, Run, Sample, SampleFacts, Verdict
from sdqa.errors import UsageError
from sdqa.report.dossier import Dossier, dossier, dossiers
from sdqa.report.dossier_terminal import LISTED, print_cases, print_dossier
from sdqa.report.terminal import console_for
from tests.builders import lane_record, run_record

DAMAGED = "tiny/palette2/reference/cpu"
ORDER = ("fail", "not measured", "suspicious", "not judged", "pass", None)


def test_lanes_and_figures_are_ordered_by_what_is_worst(run: Run) -> None:
    found = dossier(run, "portrait-red-hair")
    assert (found.status, found.inputs.prompt) == ("fail", "a portrait of a person with red hair, smiling")
    assert found.lanes[0].lane == DAMAGED
    assert [one.status for one in found.lanes] == sorted((one.status for one in found.lanes), key=ORDER.index)
    first = found.lanes[0].figures[0]
    assert first.metric == "lpips"
    assert first.position == pytest.approx((first.difference or 0) / 0.03)
    assert first.position_words.endswith(" %")
    assert list(found.lanes[0].pictures) == ["source", "golden", "candidate", "difference"]
    assert found.lanes[0].address == f"index.html#/case/portrait-red-hair?lane={DAMAGED}"
    assert Dossier.model_validate(found.to_json()) == found


def test_the_worst_case_stands_first_and_figures_that_are_not_finite_are_worst(run: Run) -> None:
    found = dossiers(run)
    assert {one.case for one in found} == set(run.cases)
    assert found[0].case == "landscape-lake"
    statuses = [one.status for one in found]
    assert statuses == sorted(statuses, key=ORDER.index)
    assert dossiers(run, ["*fp16*"])[0].status == "pass"


def test_figures_that_no_check_asks_for_are_shown_too() -> None:
    one = Measurement(metric="extra", case="c", value=1.0)
    [lane] = dossier(run_record(lane_record("a", measurements=(one,))), "c").lanes
    assert [(figure.metric, figure.reason) for figure in lane.figures] == [("extra", "no check asks for it")]
    assert lane.status is None


@pytest.mark.parametrize(
    ("case", "hint"),
    [
        ("portrait-red-hiar", "did you mean 'portrait-red-hair'"),
        ("PORTRAIT-RED-HAIR", "did you mean 'portrait-red-hair'"),
        ("lake", "did you mean 'landscape-lake'?"),
        ("qqqq", "cases: landscape-"),
    ],
)
def test_a_misspelt_case_is_suggested(run: Run, case: str, hint: str) -> None:
    with pytest.raises(UsageError, match=f"no case '{case}'") as caught:
        dossier(run, case)
    assert hint in caught.value.hint


def test_lanes_that_do_not_match_or_do_not_have_the_case_are_refused(run: Run) -> None:
    with pytest.raises(UsageError, match="no lane matches 'nothing'"):
        dossier(run, "landscape-lake", ["nothing"])
    with pytest.raises(UsageError, match="no lane that matches has the case") as caught:
        dossier(run, "landscape-lake", ["*coreml*"])
    assert DAMAGED in caught.value.hint
    with pytest.raises(UsageError, match="no case 'x'"):
        dossier(run_record(), "x")


def frame(step: int, error: float) -> FilmFrame:
    return FilmFrame(step=step, teacher=Blob(sha256="0" * 64, bytes=1, media_type="image/png"), error=error)


class Pipe(io.StringIO):
    encoding = "utf-8"


def test_the_terminal_shows_pictures_figures_and_why(bundle: Bundle, run: Run) -> None:
    stream = Pipe()
    print_dossier(dossier(run, "portrait-red-hair"), bundle.folder, console_for(stream, {}))
    text = stream.getvalue()
    assert "  prompt: a portrait of a person with red hair, smiling\n" in text
    assert f"✕ fail {DAMAGED}, drawn in " in text
    candidate = next(one for one in run.lanes[2].samples if one.case == "portrait-red-hair").images["candidate"]
    assert f"  candidate: {bundle.folder / candidate.path}\n" in text
    assert "  lpips: the interval lies beyond the tolerance\n" in text
    assert "beyond" in text.split("psnr")[1].splitlines()[0]


def test_hostile_text_reaches_no_terminal(hostile: str, bundle: Bundle) -> None:
    evil = f"{hostile}\n::error::x"
    verdict = Verdict(check="c", metric=evil, case=evil, status="fail", value=1.0, unit=evil, reason=evil)
    run = run_record(lane_record(evil, verdict))
    stream = Pipe()
    print_dossier(dossier(run, evil), bundle.folder, console_for(stream, {}))
    print_cases(dossiers(run), console_for(stream, {}))
    text = stream.getvalue()
    assert "\x1b" not in text
    assert "\x00" not in text
    assert not any(line.lstrip().startswith("::") for line in text.splitlines())


def test_a_list_says_how_many_it_left_out() -> None:
    many = tuple(Verdict(check=f"a/{i}/m", metric="m", case=str(i), status="pass") for i in range(LISTED + 3))
    stream = Pipe()
    print_cases(dossiers(run_record(lane_record("a", *many))), console_for(stream, {}))
    assert stream.getvalue().splitlines()[-1] == "… and 3 more cases with --json"
    empty = Pipe()
    print_cases(dossiers(run_record()), console_for(empty, {}))
    assert empty.getvalue() == "the run has no cases\n"


def test_a_case_without_inputs_is_shown(tmp_path: Path) -> None:
    verdict = Verdict(check="a/c/m", metric="m", case="c", status="not measured", reason="not drawn")
    stream = Pipe()
    print_dossier(dossier(run_record(lane_record("a", verdict)), "c"), tmp_path, console_for(stream, {}))
    assert "? not measured a" in stream.getvalue()
    assert "m: not drawn" in stream.getvalue()


@pytest.mark.parametrize(
    ("film", "words"),
    [
        (
            Film(total=8, frames=(frame(1, 0.012), frame(8, 0.5))),
            "film: latents after step 1: 1.2 %, 8: 50 % from the teacher's, of 8 steps",
        ),
        (
            Film(total=8, frames=(frame(1, math.nan),)),
            "film: latents after step 1: NaN % from the teacher's, of 8 steps",
        ),
        (Film(total=8, frames=(FilmFrame(step=1),), reason="no teacher"), "film: no teacher"),
    ],
)
def test_a_film_is_told_in_words(film: Film, words: str, tmp_path: Path) -> None:
    sample = Sample(case="c", facts=SampleFacts(film=film))
    found = dossier(run_record(lane_record("a", samples=(sample,))), "c")
    assert found.lanes[0].film == film
    stream = Pipe()
    print_dossier(found, tmp_path, console_for(stream, {}))
    assert f"  {words}\n" in stream.getvalue()
