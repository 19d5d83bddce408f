"""Machines and times that are not the lane's."""

from __future__ import annotations

from sdqa.bundle import Lane
from tests.ci.forged.altered import honest_lane, lane, machine_digest, with_figure, with_machine, with_more, with_sample
from tests.ci.honest import figure_of


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
    return with_more(figure_of("inference_s", 1.0, fingerprint=machine_digest()))


def timed(inference: float, latency: float) -> Lane:
    """With the readings of a component and of all of them, two of each."""
    twice = {"n": 2, "spread": 0.0, "fingerprint": machine_digest()}
    latencies = figure_of("latency_ms", latency, component="unet", samples=(latency,) * 2, **twice)
    return with_more(latencies, figure_of("inference_s", inference, samples=(inference,) * 2, **twice))


@lane("all/inference_s: the components took 3 s one by one, and 1 s by the whole")
def components_that_took_longer_than_all_of_them() -> Lane:
    return timed(0.5, 1500.0)


@lane("all/inference_s: the components took 18 s one by one, and 18 s of 6 s from end to end")
def components_that_took_longer_than_the_whole_case() -> Lane:
    return timed(9.0, 9000.0)


@lane("all: it has no model_memory_bytes: ")
def a_budget_that_a_machine_leaves_out() -> Lane:
    return honest_lane(measurements=tuple(m for m in honest_lane().measurements if m.metric != "model_memory_bytes"))
