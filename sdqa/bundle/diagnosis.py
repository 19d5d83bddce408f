"""What a diagnosis says, as it is written to `diagnosis.json` and into `Run.diagnosis`."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from pydantic import Field

from sdqa.bundle import documents
from sdqa.bundle.record import OpenRecord, later

FILE = "diagnosis.json"

Stage = Literal["conversion", "precision", "quantisation", "packaging", "runtime", "glue", "steps"]
"""Where in a component's way from the checkpoint to the screen something broke.

conversion: weights or graph differ from the checkpoint beyond precision, missing and invented weights included.
precision: fp16. quantisation: compression. packaging: the package is not what its contract or variant says, or cannot
be loaded. runtime: the package is right, its execution is not. glue: what lies between
the components. steps: the teacher itself has not converged at this number of steps.
"""

ROUNDING = 0.005
"""Of a share: less is not shown."""
ALL = 1 + ROUNDING
MOST = 0.5
"""A cause that is sure to make this share of the loss is told from the others, though they take some of it back."""


class Cause(OpenRecord):
    """One named culprit."""

    component: str
    stage: Stage
    operation: str = ""  # the MIL operation, or the glue's field
    operation_type: str = ""
    module: str = ""  # the torch module's dotted name
    weight: str = ""  # the constant's name, where one is to blame
    explains: float = 0.0  # share of the loss
    interval: tuple[float, float] = (0.0, 0.0)  # of `explains`, 95 %
    evidence: tuple[str, ...] = ()
    next: tuple[str, ...] = ()

    @property
    def separable(self) -> bool:
        """Whether the evidence tells this cause's share from nothing, and from more than all there is."""
        low, high = self.interval
        return self.explains > 0 and low > 0 and (high <= ALL or low >= MOST)

    def reach(self) -> tuple[str, str]:
        """Both ends of the interval in words; a share below nothing or above all is a share of other causes too."""
        low, high = (_end(share) for share in self.interval)
        return low, high


def _end(share: float) -> str:
    if math.isnan(share):
        return "nobody knows where"
    if share > ALL:
        return "more than all of it"
    if share < -ROUNDING:
        return "less than nothing"
    return "nothing" if share <= ROUNDING else f"{round(100 * share)} %"


class Excluded(OpenRecord):
    """A suspect that the evidence clears."""

    suspect: str
    why: str


class ComponentCoverage(OpenRecord):
    """One component's parameters against its package's constants."""

    component: str
    parameters: int = 0
    missing: tuple[str, ...] = ()  # in the checkpoint, not in the package
    invented: tuple[str, ...] = ()  # in the package, not in the checkpoint
    changed: tuple[str, ...] = later(())  # in the package, with other values
    scaled: dict[str, float] = later({})  # parameter → the factor that it is there with
    pattern: str = later("")  # of the differences: adapter, checkpoint, range, scaling
    words: str = later("")  # what they have in common


class StepError(OpenRecord):
    """Error at one timestep."""

    timestep: float
    psnr_db: float


class Rung(OpenRecord):
    """A component's error after one more stage, teacher-forced over all recorded calls."""

    name: str
    stage: Stage
    psnr_db: float  # against the teacher, mean over calls
    spread_db: float = 0.0  # standard deviation over calls
    worst_db: float
    added_db: float  # against the rung before, mean over calls
    added_share: float  # of the component's error energy, by this rung
    cosine: float
    max_abs: float
    tile_min_db: float
    nonfinite: int = 0  # calls with an element that is not finite
    calls: int = 0
    per_timestep: tuple[StepError, ...] = ()
    note: str = ""
    normal_db: float = 0.0  # what this stage may add, in the same unit as `added_db`


class Ladder(OpenRecord):
    """One component's rungs."""

    component: str
    rungs: tuple[Rung, ...]


class LossShare(OpenRecord):
    """A player's part of the loss, in the unit of the metric, with a 95 % interval over cases."""

    value: float
    low: float
    high: float


class Interaction(OpenRecord):
    """How much more (or less) of the loss two players make together than each alone."""

    players: tuple[str, str]
    value: float


class Attribution(OpenRecord):
    """The loss in one metric, distributed."""

    metric: str
    total: float  # the whole candidate's loss, mean over cases
    shares: dict[str, LossShare]
    fractions: dict[str, LossShare]  # of the total
    interactions: tuple[Interaction, ...] = ()
    mixtures: dict[str, float] = Field(default_factory=dict)  # "unet+vae_decoder" -> mean loss


class StepPoint(OpenRecord):
    """Error after so many steps."""

    steps: int
    error: float


class Sweep(OpenRecord):
    """Error over the number of steps."""

    metric: str
    teacher: tuple[StepPoint, ...]  # against the teacher's own picture at the most steps
    candidate: tuple[StepPoint, ...]  # against the teacher's at the same number
    used: int  # steps of the cases
    teacher_error_at_used: float
    growth: float  # candidate's error at the most steps / at the fewest
    converged: bool
    compounds: bool


class OperationFinding(OpenRecord):
    """One operation of the guilty component, fed reference inputs."""

    component: str
    name: str
    type: str
    module: str = ""
    added_db: float  # error that it adds when its inputs are right
    carried_db: float  # error of its result in the candidate's own run
    impact_db: float | None = None  # error of the component's output when only this operation is the candidate's
    finite: bool = True
    low: float = 0.0  # range of its result
    high: float = 0.0
    findings: tuple[str, ...] = ()


class WeightFinding(OpenRecord):
    """One weight against the checkpoint."""

    component: str
    name: str
    operation: str  # the one that takes it
    parameter: str  # in the checkpoint; empty where that is not known
    relative_error: float  # |w - checkpoint| / |checkpoint|
    cosine: float
    verdict: str  # "equal", "rounded", "quantised to 4 levels", "kernel transposed", "scaled by 1.5", "zeroed" …
    evidence: str = ""
    quantised: bool = False  # by compression, which is its own stage


class Operations(OpenRecord):
    """The inside of one component."""

    component: str
    reference: str  # what it was held against: "package" or "torch"
    culprit: str  # name of the operation to blame, empty when none stands out
    operations: tuple[OperationFinding, ...] = ()
    weights: tuple[WeightFinding, ...] = ()  # conspicuous ones
    inserted: tuple[str, ...] = ()  # operations that only the candidate has
    removed: tuple[str, ...] = ()  # operations that only the reference has
    failure: str = ""  # why it could not be looked into

    def find(self, name: str) -> OperationFinding | None:
        """An operation by name."""
        return next((one for one in self.operations if one.name == name), None)


class GlueFinding(OpenRecord):
    """One setting between the components."""

    field: str
    expected: str
    found: str
    loss: float  # that it makes alone
    metric: str
    words: str
    left: float = 0.0  # of a guess: the share of the difference that it leaves unexplained


class Diagnosis(OpenRecord):
    """See `docs/diagnosis.md`."""

    verdict: str
    sound: bool = False  # the candidate does what the teacher does, even where both take too few steps
    confidence: str = ""  # how sure, in words
    lane: str = ""
    causes: tuple[Cause, ...] = ()
    excluded: tuple[Excluded, ...] = ()
    coverage: tuple[ComponentCoverage, ...] = ()
    ladder: tuple[Ladder, ...] = ()
    swap: dict[str, LossShare] = Field(default_factory=dict)
    swap_metric: str = ""
    attributions: tuple[Attribution, ...] = ()
    steps: dict[str, tuple[StepPoint, ...]] = Field(default_factory=dict)
    steps_metric: str = ""
    sweep: Sweep | None = None
    operations: tuple[OperationFinding, ...] = ()
    operations_component: str = ""
    weights: tuple[WeightFinding, ...] = ()
    glue: tuple[GlueFinding, ...] = ()
    seconds: dict[str, float] = Field(default_factory=dict)  # by instrument

    @property
    def made(self) -> bool:
        """Whether the instruments ran; where they could not, the verdict says why."""
        return bool(self.confidence)


def write_diagnoses(folder: Path, found: Iterable[Diagnosis]) -> Path:
    """Write `diagnosis.json`: a list with one `Diagnosis` for each lane that was looked into."""
    path = folder / FILE
    documents.write(path, [one.to_json() for one in found])
    return path
