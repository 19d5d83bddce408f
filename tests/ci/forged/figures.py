"""Figures that cannot be right."""

from __future__ import annotations

from sdqa.bundle import Lane, Measurement
from tests.ci.forged.altered import honest_lane, lane, machine_digest, with_figure, with_more
from tests.ci.honest import CASES, figure_of


@lane("cat/lpips: the golden's figure is 0, it says 0.2")
def the_goldens_figure_was_edited_beside_the_value() -> Lane:
    return with_figure("lpips", "cat", value=0.2, golden=0.2)


@lane("cat/lpips: -1 cannot be a value of lpips (0 to 10)")
def a_distance_below_nothing() -> Lane:
    return with_figure("lpips", "cat", value=-1.0)


@lane("cat/psnr: 5000 cannot be a value of psnr (0 to 100)")
def a_signal_beyond_what_identical_pictures_read() -> Lane:
    return with_figure("psnr", "cat", value=5000.0)


@lane("all/end_to_end_s: -1 cannot be a value of end_to_end_s")
def a_time_below_nothing() -> Lane:
    return with_figure("end_to_end_s", value=-1.0, samples=(-1.0,) * 3)


@lane("all/model_memory_bytes: 0.5 cannot be a value of model_memory_bytes (a whole number")
def half_a_byte() -> Lane:
    return with_figure("model_memory_bytes", value=0.5)


@lane("unet/contract: 0.5 cannot be a value of contract (a whole number, 0 to 1)")
def half_a_contract() -> Lane:
    return with_figure("contract", "unet", value=0.5)


@lane("cat/lpips: says that higher is better, of lpips it is lower")
def a_direction_of_its_own() -> Lane:
    return with_figure("lpips", "cat", better="higher")


@lane("cat/psnr: is in no unit, psnr is in dB")
def a_figure_without_its_unit() -> Lane:
    return with_figure("psnr", "cat", unit="")


@lane("cat/lpips: is in m, lpips is in no unit")
def a_figure_in_a_unit_of_its_own() -> Lane:
    return with_figure("lpips", "cat", unit="m")


@lane("cat/lpips: was measured twice, and the figures differ")
def a_second_figure_whose_direction_would_make_it_the_better_one() -> Lane:
    first = with_figure("lpips", "cat", value=5.0)
    [figure] = [m for m in honest_lane().measurements if (m.metric, m.case) == ("lpips", "cat")]
    return first.model_copy(update={"measurements": (*first.measurements, figure.model_copy(update={"value": 0.01}))})


@lane("cat/beauty: no metric has this name")
def a_metric_that_nobody_registered() -> Lane:
    return with_more(Measurement(metric="beauty", case="cat", value=1.0))


@lane("cat/lpips: is a figure of a case, and names a case and a component")
def a_figure_of_a_case_and_a_component() -> Lane:
    return with_figure("lpips", "cat", component="unet")


@lane("cat/contract: is a figure of a component, and names a case")
def a_figure_of_a_component_for_a_case() -> Lane:
    return with_more(figure_of("contract", 1.0, case="cat"))


@lane("all/lpips: is a figure of a case, and names a lane")
def a_figure_of_a_case_for_the_whole_lane() -> Lane:
    return with_more(figure_of("lpips", 0.0))


@lane("controlnet/package_bytes: is of a component that the lane does not run")
def a_figure_of_a_component_that_is_not_there() -> Lane:
    return with_more(figure_of("package_bytes", 1.0, component="controlnet", fingerprint=machine_digest()))


@lane("all/end_to_end_s: was measured on cases that nobody planned: owl")
def a_time_of_a_case_that_nobody_planned() -> Lane:
    return with_figure("end_to_end_s", cases=(*CASES, "owl"))


@lane("all/end_to_end_s: says 1.0 ± 0.0 of 3, its readings say 2.0 ± 0.0 of 3")
def a_time_that_is_not_that_of_its_readings() -> Lane:
    return with_figure("end_to_end_s", value=1.0)


@lane("all/end_to_end_s: says None ± 0.0 of 3, its readings say 2.0 ± 0.0 of 3")
def a_time_that_is_none_and_has_readings() -> Lane:
    return with_figure("end_to_end_s", value=None)


@lane("unet/parity_psnr: says 90.0 ± 0.0 of 3, its readings say 60.0 ± 0.0 of 3")
def a_parity_that_is_not_the_worst_of_its_readings() -> Lane:
    return with_figure("parity_psnr", "unet", value=90.0)


@lane("unet/parity_psnr: says 60.0 ± 0.0 of 9, its readings say 60.0 ± 0.0 of 3")
def a_parity_of_more_readings_than_it_has() -> Lane:
    return with_figure("parity_psnr", "unet", n=9)


@lane("unet/parity_psnr: says 60.0 ± 5.0 of 3, its readings say 60.0 ± 0.0 of 3")
def a_parity_with_a_spread_of_its_own() -> Lane:
    return with_figure("parity_psnr", "unet", spread=5.0)


@lane("cat/lpips: says 0.01 ± None of -1")
def fewer_readings_than_none() -> Lane:
    return with_figure("lpips", "cat", n=-1)


@lane("unet/contract: has a golden's figure, which only cases have")
def a_golden_of_a_component() -> Lane:
    return with_figure("contract", "unet", golden=1.0)


@lane("all/model_memory_bytes: its fingerprint is not that of the machine")
def a_figure_of_anothermachine_digest() -> Lane:
    return with_figure("model_memory_bytes", fingerprint="0" * 64)


@lane("unet/parity_psnr: its fingerprint is not that of the machine")
def a_parity_that_was_measured_in_another_way() -> Lane:
    return with_figure("parity_psnr", "unet", fingerprint="0" * 64)


@lane("cat/lpips: it was measured with another metric, network or size than the golden")
def a_figure_of_another_network() -> Lane:
    return with_figure("lpips", "cat", fingerprint="0" * 64)


@lane("more figures cannot be right")
def more_figures_than_are_named() -> Lane:
    return with_figure("lpips", value=-1.0).model_copy(
        update={"measurements": tuple(m.model_copy(update={"n": 0}) for m in honest_lane().measurements)}
    )


@lane("cat/psnr: says 50.0 ± -1.0 of 1")
def a_spread_below_nothing() -> Lane:
    return with_figure("psnr", "cat", spread=-1.0)
