"""Diagnosis and sensitivity: what is there is shown, and what is not leaves no trace."""

from __future__ import annotations

import math
import re

import pytest

from sdqa.bundle import Bundle, Run
from sdqa.bundle.diagnosis import Cause, Diagnosis, Ladder, OperationFinding
from sdqa.bundle.sensitivity import ControlTrial, Figures, Pair, Sensitivity, Share, Spread, Trial
from sdqa.report.diagnosis_section import diagnosis_of, show_explained, show_share
from sdqa.report.html import render_page
from sdqa.report.sensitivity_section import sensitivity_of
from tests.report.culprits import rung


def test_nothing_is_no_section() -> None:
    assert diagnosis_of(None) is None
    assert sensitivity_of(None) is None


def test_a_diagnosis_names_cause_share_and_what_it_was_not(bundle: Bundle, run: Run) -> None:
    page = render_page(bundle, run)
    for text in (
        "Explains 96 % of the LPIPS loss.",
        "96 % (93 % to 98 %)",
        "decoder.up_blocks.0.upsamplers.0.conv",
        "the teacher converged at 20",
        "Confidence: 97 %",
        "kernel transposed",
        "scheduler.timestep_spacing",
        "vae_decoder +0.12",
    ):
        assert text in page


def test_the_components_stand_in_the_pipelines_order_and_add_up(run: Run) -> None:
    diagnosis = diagnosis_of(run.diagnosis)
    assert diagnosis is not None
    assert [name for name, _, _ in diagnosis.swap_rows] == ["text_encoder", "vae_encoder", "unet", "vae_decoder"]
    assert "+0.1365" in diagnosis.swap


def test_the_worst_operation_comes_first_and_nan_before_it(run: Run) -> None:
    operations = tuple(
        OperationFinding(component="unet", name=name, type="conv", added_db=added, carried_db=80.0)
        for name, added in (("fine", 90.0), ("dead", math.nan), ("bad", 9.0))
    )
    diagnosis = diagnosis_of(Diagnosis(verdict="", operations=operations))
    assert diagnosis is not None
    assert [row.name for row in diagnosis.operation_rows] == ["dead", "bad", "fine"]


@pytest.mark.parametrize(
    ("rungs", "marked"),
    [((147.0, 78.0), []), ((17.8, 17.8), [0]), ((118.0, 74.0, 20.0), [2]), ((float("nan"), 20.0), [0])],
)
def test_the_rung_that_breaks_a_component_is_marked_and_rounding_is_not(
    rungs: tuple[float, ...], marked: list[int]
) -> None:
    made = tuple(rung(f"rung{i}", "conversion", psnr, 0.0, 1.0, 0.0, psnr) for i, psnr in enumerate(rungs))
    diagnosis = diagnosis_of(Diagnosis(verdict="", ladder=(Ladder(component="unet", rungs=made),)))
    assert diagnosis is not None
    chart = diagnosis.ladders[0].chart
    bad = re.findall(r'class="bar bad"><title>rung(\d)', chart)
    # NaN has no bar to colour; its figure says NaN.
    assert [int(i) for i in bad] == [i for i in marked if rungs[i] == rungs[i]]


def test_the_rung_that_loses_most_is_marked(run: Run) -> None:
    diagnosis = diagnosis_of(run.diagnosis)
    assert diagnosis is not None
    ladder = next(one for one in diagnosis.ladders if one.component == "vae_decoder")
    assert ladder.chart.count('class="bar bad"') == 1
    assert ladder.rungs[3] == ("compressed", "NaN", "NaN", "NaN", "NaN", "NaN", "0", "")
    assert "PSNR over timesteps" in ladder.timesteps


def test_words_say_why_the_blamed_operation_is_not_the_first_of_its_table() -> None:
    figures = (("louder", 5.0), ("blamed", 9.0), ("fine", 80.0))
    operations = tuple(
        OperationFinding(component="unet", name=name, type="conv", added_db=added, carried_db=60.0)
        for name, added in figures
    )
    cause = Cause(component="unet", stage="conversion", operation="blamed")
    shown = diagnosis_of(Diagnosis(verdict="", operations=operations, causes=(cause,)))
    assert shown is not None
    assert [(row.name, row.blamed) for row in shown.operation_rows] == [
        ("louder", False), ("blamed", True), ("fine", False),
    ]  # fmt: skip
    assert shown.order_note.startswith("blamed stands at place 2: the table is in the order of the error")
    first = cause.model_copy(update={"operation": "louder"})
    alone = diagnosis_of(Diagnosis(verdict="", operations=operations, causes=(first,)))
    assert alone is not None
    assert alone.order_note == ""


def test_a_sensitivity_table_counts_visible_faults_and_false_alarms(run: Run) -> None:
    sensitivity = sensitivity_of(run.sensitivity)
    assert sensitivity is not None
    told, _, measured_on = sensitivity.sentence.partition(" Measured on ")
    assert told == "2 of 3 visible faults caught; 1 of 2 blamed rightly; 1 false alarm in 10 harmless runs."
    assert "that the limits were placed with too; of other noise it says nothing" in measured_on
    # What slipped through comes first, then what was blamed wrongly; harmless changes that alarmed before the others.
    assert [row.fault for row in sensitivity.trials] == ["scaling-factor", "nan", "unet-2bit", "timestep-rounding"]
    assert [(row.change, row.runs, row.alarms) for row in sensitivity.quiet] == [
        ("threads-1", 5, 1), ("resave-package", 5, 0),
    ]  # fmt: skip
    assert sensitivity.trials[1].checks == "finite, SDQA-410"
    assert sensitivity.figures[0] == ("visible caught", "2 of 3")
    assert dict(sensitivity.figures)["false alarms"] == "1 of 10"
    assert len(sensitivity.figures) == len(Figures.model_fields)


def test_everything_that_a_diagnosis_says_is_shown(bundle: Bundle, run: Run) -> None:
    from sdqa.bundle import diagnosis as records

    share = records.LossShare(value=0.1, low=0.05, high=0.15)
    rung = records.Rung(
        name="program fp32", stage="conversion", psnr_db=20.0, worst_db=18.0, added_db=20.0, added_share=1.0,
        cosine=0.9, max_abs=1.0, tile_min_db=float("nan"), note="kernel",
        per_timestep=(records.StepError(timestep=1.0, psnr_db=19.0), records.StepError(timestep=501.0, psnr_db=21.0)),
    )  # fmt: skip
    record = records.Diagnosis(
        verdict="Cause: unet.\nNext: look.",
        sound=False,
        confidence="high",
        lane="tiny/fp16",
        causes=(
            records.Cause(
                component="unet", stage="conversion", operation="conv_1", module="unet.conv_in", weight="w",
                explains=0.9, interval=(0.8, 1.0), evidence=("kernel transposed",), next=("fix it",),
            ),
        ),
        excluded=(records.Excluded(suspect="steps", why="converged"),),
        coverage=(records.ComponentCoverage(component="unet", parameters=3, missing=("mid_block",)),),
        ladder=(records.Ladder(component="unet", rungs=(rung,)),),
        swap={"unet": share},
        swap_metric="LPIPS",
        attributions=(records.Attribution(metric="latents", total=0.2, shares={"unet": share}, fractions={}),),
        steps={"teacher": (records.StepPoint(steps=5, error=0.1), records.StepPoint(steps=10, error=0.05))},
        steps_metric="LPIPS",
        operations=(
            records.OperationFinding(component="unet", name="conv_1", type="conv", added_db=9.0, carried_db=8.0),
        ),
        operations_component="unet",
        weights=(
            records.WeightFinding(
                component="unet", name="w", operation="conv_1", parameter="conv_in.weight", relative_error=1.4,
                cosine=0.02, verdict="kernel transposed",
            ),
        ),
        glue=(
            records.GlueFinding(
                field="scaling_factor", expected="0.18", found="0.13", loss=0.1, metric="LPIPS", words="washed out"
            ),
        ),
    )  # fmt: skip
    shown = diagnosis_of(record)
    assert shown is not None
    assert shown.verdict == ("Cause: unet.", "Next: look.")
    assert show_explained(record.causes[0]) == "explains 90 % (80 % to 100 %) of the loss"
    beyond = record.causes[0].model_copy(update={"explains": -0.12, "interval": (-0.4, 0.1)})
    words = "cannot be separated: its share of the loss lies between less than nothing and 10 %"
    assert show_explained(beyond) == words
    assert shown.ladders[0].rungs == (("program fp32", "20 dB", "20 dB", "0.9", "1", "NaN", "0", "kernel"),)
    assert "501" in shown.ladders[0].timesteps
    assert shown.swap_rows == (("unet", "+0.1", "[+0.05, +0.15]"),)
    assert shown.attributions == (("latents", "+0.2", "unet +0.1"),)
    assert "teacher" in shown.steps
    assert [row.name for row in shown.operation_rows] == ["conv_1"]
    assert shown.weights == (("unet", "w", "conv_in.weight", "kernel transposed", "1.4", "0.02"),)
    page = render_page(bundle, run.model_copy(update={"diagnosis": record}))
    section = page.split('<template id="screen-diagnosis-0">')[1].split("</template>")[0]
    for words in (
        "of tiny/fp16", "Confidence: high", "unet · conversion", "90 % (80 % to 100 %)", "conv_1", "unet.conv_in",
        "<code>w</code>", "<li>kernel transposed</li>", "<li>fix it</li>", "<strong>steps</strong>: converged",
        "missing <code>mid_block</code>", "scaling_factor", "0.18", "0.13", "washed out",
    ):  # fmt: skip
        assert words in section, words


def test_a_table_of_faults_is_put_into_one_sentence() -> None:
    none = Share(count=0, total=0)
    document = Sensitivity(
        lane="tiny/fp16",
        cases=("c",),
        spread=Spread(),
        trials=(
            Trial(
                fault="f", severity="mild", component="unet", stage="conversion", visible=True, visibility="seen",
                caught=True, exit_code=1, failing=("all/lpips",),
            ),
        ),
        pairs=(Pair(first="f@mild", second="g@mild", components=("unet", "glue"), caught=True, exit_code=1,
                    named=("unet",), both_named=False),),
        quiet=(ControlTrial(change="c", seed=1, component="unet", alarm=True, exit_code=1),),
        figures=Figures(
            visible_caught=Share(count=1, total=1), below_visibility_caught=none, false_alarms=none,
            component_right=none, stage_right=none, operation_right=none, both_named=none,
        ),
        smallest_caught={},
    )  # fmt: skip
    shown = sensitivity_of(document)
    assert shown is not None
    assert shown.sentence.startswith(
        "1 of 1 visible faults caught; both named in 0 of 1 pair of faults; 1 false alarm in 1 harmless run."
    )
    assert shown.trials[0].planted == "unet, conversion"
    assert dict(shown.figures)["visible caught"] == "1 of 1"
    assert dict(shown.figures)["stage right"] == "not measured", "nothing is 100 % of nothing"


@pytest.mark.parametrize(
    ("value", "shown"), [(0.964, "96 %"), (0.012, "1.2 %"), (None, "—"), (float("nan"), "NaN"), (-0.02, "−2 %")]
)
def test_shares_are_percent(value: float | None, shown: str) -> None:
    assert show_share(value) == shown
