"""Whole bundles that contradict themselves or the checkout."""

from __future__ import annotations

from typing import Any

from sdqa.bundle import Environment, Run
from tests.ci.forged.altered import FP16, run
from tests.ci.honest import linux, sample_of, with_lane, with_origin
from tests.ci.honest_pictures import pictures


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


@run("it began before its commit was made: at 2020-01-01")
def it_is_older_than_its_commit() -> Run:
    told = dict.fromkeys(("started", "ended"), "2020-01-01T00:00:00+00:00")
    return with_origin(linux(created="2020-01-01T00:00:00Z"), **told)


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


@run("tiny/fp16: cat: its latents are not there")
def a_sample_without_its_latents() -> Run:
    facts = sample_of("cat").facts.model_copy(update={"latents": None})
    return linux_with(sample_of("cat").model_copy(update={"facts": facts}))


@run("tiny/fp16: cat: its latents are others than its record's")
def other_latents_were_sent() -> Run:
    facts = sample_of("cat").facts.model_copy(update={"latents": sample_of("dog").facts.latents})
    return linux_with(sample_of("cat").model_copy(update={"facts": facts}))


@run("it says that it is attempt 4 of run 10, which is later than this gate's own: attempt 3 of run 10")
def it_is_of_an_attempt_that_was_never_made() -> Run:
    return with_origin(linux(), run_id="10", attempt=4)


@run("it says that it is attempt 1 of run 11, which is later than this gate's own: attempt 3 of run 10")
def it_is_of_a_run_that_was_never_made() -> Run:
    return with_origin(linux(), run_id="11")


@run("it says that it is attempt 0 of run 7, and they are counted from 1")
def it_is_of_no_attempt() -> Run:
    return with_origin(linux(), attempt=0)
