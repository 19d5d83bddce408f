"""What a calibration is about to do, and how long that takes: said before it begins."""

from __future__ import annotations

from dataclasses import dataclass

from sdqa.errors import UsageError
from sdqa.plan import Plan
from sdqa.plan.describe import unet_calls
from sdqa.plan.quantity import parse_age, show_about
from sdqa.workflow.calibrate import TAIL, fault_parts, sound_parts, tail_parts
from sdqa.workflow.preflight.cost import calibration_s
from sdqa.workflow.preflight.models import look_at_models


@dataclass(frozen=True)
class CalibrationIntent:
    """How much there is to measure of a model."""

    model: str
    sound: int
    """Lanes without a fault."""
    tails: int
    """Text-to-image cases of a lane, from other noise."""
    faults: int
    """Lanes with one, where time does not matter."""
    calls: int
    """Of the U-Net, in all of them."""
    seconds: float | None
    """With an empty store; None where the size of the model is not known."""
    budget_s: float | None = None

    def __str__(self) -> str:
        time = "of unknown length" if self.seconds is None else f"about {show_about(self.seconds)} by the model's size"
        within = "" if self.budget_s is None else f"; as many faults as {show_about(self.budget_s)} have room for"
        total = self.sound + self.tails + self.faults
        tails = f", {self.tails} of text-to-image alone" if self.tails else ""
        parts = f"{total} parts ({self.sound} sound{tails}, {self.faults} with a fault)"
        return f"calibrate {self.model}: {parts}, {self.calls} U-Net calls, {time}, less what the store has{within}"


def calibration_intent(plan: Plan, model: str, budget: str | None = None, tail: int = TAIL) -> CalibrationIntent:
    """What a calibration of a model amounts to.

    Args:
        budget: how long it may take, as `2h`; None: as long as it takes.
        tail: figures of text-to-image cases, for each planned lane.

    Raises:
        UsageError: the budget is no time, or no lane with packages runs here.
    """
    sound, faults = sound_parts(plan, model), fault_parts(plan, model)
    tails = tail_parts(plan, model, tail)
    seen = look_at_models(plan)[0][model]
    seconds = calibration_s(plan, seen, tail) if seen.parameters else None
    calls = sum(unet_calls(case) for part in (*sound, *tails, *faults) for case in part.lane.cases.values())
    allowed = None if budget is None else _seconds(budget)
    return CalibrationIntent(model, len(sound), len(tails), len(faults), calls, seconds, allowed)


def _seconds(budget: str) -> float:
    try:
        seconds = parse_age(budget)
    except ValueError as error:
        raise UsageError(f"--budget: {error}", hint="say it as --budget 2h") from error
    if seconds <= 0:
        raise UsageError("--budget: no time at all", hint="say it as --budget 2h")
    return seconds
