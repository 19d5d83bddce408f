"""Plans that ask for nothing or something else, and judges that were loosened."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sdqa.bundle import JudgeChange
from tests.ci.honest import expected, linux, mac, units
from tests.ci.scenarios.making import scenario


@scenario(4)
def nobody_knows_the_commit() -> Any:
    plan = expected().plan.model_copy(update={"commit": ""})
    return replace(expected(), plan=plan, commit=""), [linux(origin={"commit": ""}), mac(origin={"commit": ""})]


@scenario(4)
def the_plan_is_of_another_commit() -> Any:
    plan = expected().plan.model_copy(update={"commit": "2" * 40})
    return replace(expected(), plan=plan), [linux(), mac()]


@scenario(4)
def a_plan_that_asks_for_nothing() -> Any:
    return replace(expected(), plan=expected().plan.model_copy(update={"units": ()})), [linux(), mac()]


@scenario(4)
def a_unit_that_asks_for_nothing() -> Any:
    one, two, three = units()
    plan = expected().plan.model_copy(update={"units": (one, two, three.model_copy(update={"checks": ()}))})
    return replace(expected(), plan=plan), [linux(), mac()]


LOOSER = JudgeChange(kind="limit", subject="lpips", what="limit 0.1 → 1e+08", looser=True)


@scenario(1)
def the_judge_is_looser_and_nobody_said_why() -> Any:
    return expected(), [linux(), mac()], LOOSER


@scenario(1)
def a_looser_judge_outranks_missing_evidence() -> Any:
    return expected(), [linux()], LOOSER


@scenario(0)
def the_judge_is_looser_for_a_recorded_reason() -> Any:
    return expected(), [linux(), mac()], LOOSER.model_copy(update={"recorded": "measured again"})


@scenario(0)
def the_judge_is_stricter() -> Any:
    return expected(), [linux(), mac()], LOOSER.model_copy(update={"looser": False})
