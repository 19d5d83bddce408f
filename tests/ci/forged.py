"""Bundles that contradict themselves, the checkout or the registry: each honest but for one thing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sdqa.bundle import Environment, Lane, Measurement, Run, SampleFacts
from sdqa.bundle.facts import PlacementLint, WeightCoverage
from tests.ci.honest import (
    CASES,
    FLOW,
    PACKAGE_BYTES,
    figure_of,
    lane_of,
    linux,
    machine_of,
    package_of,
    pictures,
    sample_of,
    units,
    with_lane,
    with_origin,
)

FP16, SMALL, ENGINE = (unit.lane for unit in units())
LANES: dict[str, tuple[str, Callable[[], Lane]]] = {}
"""What must be said of a lane of the first unit, and how it is made."""
RUNS: dict[str, tuple[str, Callable[[], Run]]] = {}
"""The same of the Linux machine's whole bundle."""


def lane(words: str) -> Callable[[Callable[[], Lane]], Callable[[], Lane]]:
    def register(make: Callable[[], Lane]) -> Callable[[], Lane]:
        LANES[make.__name__] = (words, make)
        return make

    return register


def run(words: str) -> Callable[[Callable[[], Run]], Callable[[], Run]]:
    def register(make: Callable[[], Run]) -> Callable[[], Run]:
        RUNS[make.__name__] = (words, make)
        return make

    return register


def honest_lane(**fields: Any) -> Lane:
    return lane_of(units()[0]).model_copy(update=fields)


def with_figure(metric: str, place: str | None = None, **fields: Any) -> Lane:
    """One figure says something else; the lane's own verdicts stay as they were.

    Args:
        place: its case or component; None for one of the lane, or for all.
    """
    found = honest_lane()
    changed = tuple(
        m.model_copy(update=fields) if m.metric == metric and place in (None, m.case, m.component) else m
        for m in found.measurements
    )
    assert changed != found.measurements
    return found.model_copy(update={"measurements": changed})


def with_more(*figures: Measurement) -> Lane:
    return honest_lane(measurements=(*honest_lane().measurements, *figures))


def with_sample(case: str = "cat", **fields: Any) -> Lane:
    found = honest_lane()
    changed = tuple(s.model_copy(update=fields) if s.case == case else s for s in found.samples)
    return found.model_copy(update={"samples": changed})


def with_facts(**fields: Any) -> Lane:
    """What is told of the U-Net's package."""
    found = honest_lane()
    facts = package_of("unet").facts.model_copy(update=fields)
    changed = tuple(p.model_copy(update={"facts": facts}) if p.component == "unet" else p for p in found.packages)
    return found.model_copy(update={"packages": changed})


def with_machine(**fields: Any) -> Lane:
    """Another fingerprint, and every figure's with it."""
    found, machine = honest_lane(), machine_of(units()[0]).model_copy(update=fields)
    old = found.fingerprint.digest()
    figures = tuple(
        m.model_copy(update={"fingerprint": machine.digest()}) if m.fingerprint == old else m
        for m in found.measurements
    )
    return found.model_copy(update={"fingerprint": machine, "measurements": figures})


def golden_said(lane: str, value: float, run: Run) -> Run:
    """One lane's golden of one case reads something else."""
    [found] = [one for one in run.lanes if one.id == lane]
    changed = tuple(
        m.model_copy(update={"golden": value}) if (m.metric, m.case) == ("lpips", "cat") else m
        for m in found.measurements
    )
    return with_lane(run, lane, measurements=changed)


# Figures.


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
    return with_more(figure_of("package_bytes", 1.0, component="controlnet", fingerprint=_machine()))


def _machine() -> str:
    return machine_of(units()[0]).digest()


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
def a_figure_of_another_machine() -> Lane:
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


# Samples.


@lane("figures of cases that it has no sample of: cat, dog, fox")
def no_samples_at_all() -> Lane:
    return honest_lane(samples=())


@lane("figures of cases that it has no sample of: fox")
def a_sample_is_missing() -> Lane:
    return honest_lane(samples=honest_lane().samples[:2])


@lane("samples of cases that it has no figures of: fox")
def figures_of_a_case_are_missing() -> Lane:
    return honest_lane(measurements=tuple(m for m in honest_lane().measurements if m.case != "fox"))


@lane("a case has two samples")
def two_samples_of_one_case() -> Lane:
    return honest_lane(samples=(*honest_lane().samples, sample_of("cat")))


@lane("cat/finite: is 1, and values of unet were not finite")
def values_that_were_not_finite() -> Lane:
    return with_sample(facts=sample_of("cat").facts.model_copy(update={"nonfinite": finite(unet=3)}))


@lane("cat: it does not tell whether everything was finite")
def nobody_counted_what_was_not_finite() -> Lane:
    return with_sample(facts=SampleFacts(timesteps=sample_of("cat").facts.timesteps))


def finite(**counts: int) -> dict[str, int]:
    return dict.fromkeys(FLOW, 0) | counts


def counted(counts: dict[str, int]) -> Lane:
    return with_sample(facts=sample_of("cat").facts.model_copy(update={"nonfinite": counts}))


@lane("cat: it does not tell whether everything of vae_decoder was finite")
def nobody_counted_what_a_component_put_out() -> Lane:
    return counted({"text_encoder": 0, "unet": 0})


@lane("cat: it tells of nothing_at_all, which the lane does not run")
def counts_of_something_that_is_not_there() -> Lane:
    return counted(finite(nothing_at_all=0))


@lane("cat: it tells of fewer values than none")
def fewer_values_than_none() -> Lane:
    return counted(finite(unet=-1))


@lane("cat: it took nan seconds")
def a_case_that_took_nobody_knows_how_long() -> Lane:
    return with_sample(seconds=float("nan"))


@lane("cat: it took -2.0 seconds")
def a_case_that_took_less_than_no_time() -> Lane:
    return with_sample(seconds=-2.0)


@lane("unet: it has no contract")
def a_contract_that_nobody_looked_at() -> Lane:
    return without("contract")


@lane("unet/parity_psnr: it has none of cat, dog, fox")
def a_parity_that_nobody_measured() -> Lane:
    return without("parity_psnr")


@lane("unet/parity_psnr: it has none of cat: ")
def a_parity_of_some_cases() -> Lane:
    return with_figure("parity_psnr", "unet", by_case={"dog": (60.0,), "fox": (60.0,)}, n=2)


def without(metric: str) -> Lane:
    kept = tuple(m for m in honest_lane().measurements if (m.metric, m.component) != (metric, "unet"))
    return honest_lane(measurements=kept)


@lane("cat: another schedule than the golden's")
def another_schedule() -> Lane:
    return with_sample(facts=sample_of("cat").facts.model_copy(update={"timesteps": (1.0,)}))


# Packages.


@lane("packages of nothing, planned were text_encoder, unet, vae_decoder")
def no_packages_at_all() -> Lane:
    return honest_lane(packages=())


@lane("packages of text_encoder, text_encoder, unet")
def a_package_twice() -> Lane:
    return honest_lane(packages=(package_of("text_encoder"), *honest_lane().packages))


@lane(f"unet: a package of {PACKAGE_BYTES} bytes, measured were 7")
def a_package_of_another_size() -> Lane:
    return with_figure("package_bytes", "unet", value=7.0)


@lane("unet/coverage: it does not tell what was found")
def no_coverage() -> Lane:
    return with_facts(coverage=None)


@lane("unet/coverage: is 1, and a.weight are missing, changed or invented")
def a_weight_is_missing_and_the_coverage_is_whole() -> Lane:
    return with_facts(coverage=WeightCoverage(parameters=3, found=2, exact=2, equal=2, missing=("a.weight",)))


@lane("unet/coverage: tells of 2 parameters, and has 3")
def a_weight_of_which_nothing_is_told() -> Lane:
    return with_facts(coverage=WeightCoverage(parameters=3, found=2, exact=2, equal=2))


@lane("unet/coverage: a component of 0 parameters")
def a_component_of_nothing() -> Lane:
    return with_facts(coverage=WeightCoverage(parameters=0, found=0))


@lane("unet/coverage: 3 found are not those of which it tells how")
def weights_that_were_found_nobody_says_how() -> Lane:
    return with_facts(coverage=WeightCoverage(parameters=3, found=3, exact=2, equal=1, rounded=1))


@lane("unet/coverage: 3 found are not those of which it tells how")
def weights_that_are_exact_and_were_found_otherwise() -> Lane:
    return with_facts(coverage=WeightCoverage(parameters=3, found=3, exact=3, equal=1, rounded=1, compressed=1))


@lane("only 2 of 3 packages tell what they ask for")
def a_package_that_does_not_tell_what_it_costs() -> Lane:
    return with_facts(cost=None)


@lane("all/model_memory_bytes: is 50, the packages ask for 100")
def less_memory_than_the_packages_ask_for() -> Lane:
    return with_figure("model_memory_bytes", value=50.0)


@lane("all/one_at_a_time_memory_bytes: is 50, the packages ask for 60")
def less_memory_for_one_than_the_hungriest_asks_for() -> Lane:
    return with_more(figure_of("one_at_a_time_memory_bytes", 50.0, fingerprint=_machine()))


@lane("all/off_neural_engine_percent: is 0, the packages ask for 16.6667")
def less_off_the_neural_engine_than_the_packages_have() -> Lane:
    found = with_facts(neural_engine=PlacementLint(leaving_share=0.5))
    figure = figure_of("off_neural_engine_percent", 0.0, fingerprint=_machine())
    return found.model_copy(update={"measurements": (*found.measurements, figure)})


# The machine and its times.


@lane("the runtime of its fingerprint is coreml, planned was reference")
def another_runtime() -> Lane:
    return with_machine(runtime="coreml")


@lane("the compute unit of its fingerprint is not told, planned was CPU_ONLY")
def no_compute_unit() -> Lane:
    return with_machine(compute_unit="")


@lane("measured with the teacher 000000000000, the goldens are of 7e7e7e7e7e7e")
def another_teacher() -> Lane:
    return with_machine(teacher="0" * 64)


@lane("measured with the teacher nobody knows, the goldens are of 7e7e7e7e7e7e")
def no_teacher() -> Lane:
    return with_machine(teacher="")


@lane("all/end_to_end_s: a time of cat, dog, fox, drawn in this run were dog, fox: ")
def a_time_of_a_case_that_came_from_the_store() -> Lane:
    return with_sample(seconds=None)


@lane("all/end_to_end_s: a time of dog, drawn in this run were cat, dog, fox: ")
def a_time_of_the_fastest_case_alone() -> Lane:
    return with_figure("end_to_end_s", cases=("dog",), samples=(2.0,), n=1)


@lane("all/end_to_end_s: a time of all cases of a lane that was replayed")
def a_time_of_a_lane_that_was_replayed() -> Lane:
    return honest_lane(replayed=True)


@lane("all/end_to_end_s: its readings are not the seconds that its samples took")
def a_time_that_no_sample_took() -> Lane:
    return with_figure("end_to_end_s", value=1.0, samples=(1.0, 1.0, 1.0))


@lane("all/end_to_end_s: its readings are not the seconds that its samples took")
def a_time_without_readings() -> Lane:
    return with_figure("end_to_end_s", samples=(), n=1, spread=None)


@lane("all/inference_s: a time without readings")
def a_judged_time_without_readings() -> Lane:
    return with_more(figure_of("inference_s", 1.0, fingerprint=_machine()))


def timed(inference: float, latency: float) -> Lane:
    """With the readings of a component and of all of them, two of each."""
    twice = {"n": 2, "spread": 0.0, "fingerprint": _machine()}
    latencies = figure_of("latency_ms", latency, component="unet", samples=(latency,) * 2, **twice)
    return with_more(latencies, figure_of("inference_s", inference, samples=(inference,) * 2, **twice))


@lane("all/inference_s: the components took 3 s one by one, and 1 s by the whole")
def components_that_took_longer_than_all_of_them() -> Lane:
    return timed(0.5, 1500.0)


@lane("all/inference_s: the components took 18 s one by one, and 18 s of 6 s from end to end")
def components_that_took_longer_than_the_whole_case() -> Lane:
    return timed(9.0, 9000.0)


# Whole bundles.


@run("it says that it is incomplete, and not why; it holds tiny/fp16, tiny/small")
def a_run_that_is_not_complete() -> Run:
    return linux(status="incomplete")


@run("tiny/fp16: dog: another prompt, seed than the suite's")
def a_case_was_put_in_as_something_else() -> Run:
    other = linux().cases["dog"].model_copy(update={"prompt": "a wolf", "seed": 99})
    return linux(cases={**linux().cases, "dog": other})


@run("tiny/fp16: dog: it does not say what was put in")
def a_case_of_which_nobody_knows_what_was_put_in() -> Run:
    return linux(cases={name: case for name, case in linux().cases.items() if name != "dog"})


@run("tiny/fp16: another system, processor than the machine's")
def a_lane_of_another_machine_than_the_bundle() -> Run:
    other = linux().environment
    assert isinstance(other, Environment)
    return linux(environment=other.model_copy(update={"system": "Darwin", "processor": "M4"}))


@run("tiny/fp16: another system than the machine's")
def a_lane_of_none_of_the_machines_of_the_bundle() -> Run:
    other = linux().environment
    assert isinstance(other, Environment)
    named = {"a": other.model_copy(update={"system": "Darwin"}), "b": other.model_copy(update={"system": ""})}
    return linux(environment=named)


@run("tiny/fp16: it says that it was carried from 111111111111, and a job sent it")
def a_lane_that_says_it_was_carried() -> Run:
    return with_lane(linux(), FP16, carried="1" * 40)


@run("its dates cannot be: it began, was summed up and ended at")
def it_ended_before_it_began() -> Run:
    return with_origin(linux(), started="2026-01-01T05:00:00+00:00")


@run("its dates cannot be: it began, was summed up and ended at")
def it_comes_from_tomorrow() -> Run:
    told = {"started": "2026-02-01T00:00:00+00:00", "ended": "2026-02-01T00:00:00+00:00"}
    return with_origin(linux(created="2026-02-01T00:00:00"), **told)


@run("its dates cannot be read")
def nobody_knows_when() -> Run:
    return with_origin(linux(), started="")


@run("its dates cannot be: it began, was summed up and ended at")
def it_ends_when_time_does() -> Run:
    return with_origin(linux(), ended="9999-12-31T23:59:59+00:00")


@run("its dates cannot be read")
def it_began_before_time_did() -> Run:
    return with_origin(linux(), started="0001-01-01T00:00:00+14:00")


@run("tiny/fp16: cat: its candidate is not there as a picture")
def a_sample_without_its_picture() -> Run:
    return linux_with(sample_of("cat").model_copy(update={"images": {}}))


@run("tiny/fp16: cat: its golden is another picture than its record's")
def another_golden_was_shown() -> Run:
    images = {**pictures("cat"), "golden": pictures("dog")["golden"]}
    return linux_with(sample_of("cat").model_copy(update={"images": images}))


@run("tiny/fp16: fox: its source is another picture than its record's")
def another_source_was_put_in() -> Run:
    images = {**pictures("fox"), "source": pictures("cat")["source"]}
    return linux_with(sample_of("fox").model_copy(update={"images": images}))


@run("tiny/fp16: cat: its candidate is another picture than its record's")
def another_candidate_was_shown() -> Run:
    return linux_with(sample_of("cat").model_copy(update={"image_digest": "0" * 64}))


def linux_with(sample: Any) -> Run:
    found = linux()
    samples = tuple(sample if one.case == sample.case else one for one in found.lanes[0].samples)
    return with_lane(found, FP16, samples=samples)
