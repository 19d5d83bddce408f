"""The records of a run, from its lanes down to a figure.

These are the records that every room speaks of. They are frozen, typed, and written as stable JSON; `run.json` follows
the published schema (`docs/run.schema.json`).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import (
    Discriminator,
    Field,
    SerializerFunctionWrapHandler,
    Tag,
    model_serializer,
    model_validator,
)

from sdqa.bundle.blob import Blob
from sdqa.bundle.cost import Bill
from sdqa.bundle.diagnosis import Diagnosis
from sdqa.bundle.environment import Environment
from sdqa.bundle.facts import CaseInputs, PackageFacts, SampleFacts
from sdqa.bundle.fingerprint import Fingerprint
from sdqa.bundle.judge_change import JudgeChange, JudgeComparison
from sdqa.bundle.orphan import Orphan
from sdqa.bundle.provenance import Provenance
from sdqa.bundle.record import Record, later
from sdqa.bundle.sensitivity import Sensitivity
from sdqa.bundle.terms import Better as Better
from sdqa.bundle.terms import Status as Status
from sdqa.store import digest_of

SCHEMA_VERSION = 1


class Measurement(Record):
    """One figure with what is needed to judge and compare it."""

    metric: str
    case: str | None = None  # None: a figure of the whole lane
    component: str | None = None
    value: float | None = None  # None: not measured, `reason` says why
    golden: float | None = None  # the teacher's figure for the same case, where the metric has one
    unit: str = ""
    better: Better = "lower"
    spread: float | None = None  # standard deviation of repeated readings, in `unit`
    n: int = 1
    samples: tuple[float, ...] = ()  # the repeated readings, where there are several
    fingerprint: str = ""  # digest of what makes two figures comparable
    reason: str = ""
    cases: tuple[str, ...] = later(())  # that a figure of the lane was measured on, where not on all
    replayed: bool = later(False)  # a time or memory that an earlier run measured: shown, never judged
    measured_on: str = later("")  # the machine that did, in words, where it is replayed
    by_case: dict[str, tuple[float, ...]] = later({})  # readings behind a lane's figure that is the worst over cases


class Verdict(Record):
    """What the gate says about one check, with its evidence."""

    check: str  # `<lane>/<case or scope>/<metric>`
    metric: str
    case: str | None = None
    component: str | None = None
    status: Status
    value: float | None = None
    golden: float | None = None
    difference: float | None = None
    interval: tuple[float, float] | None = None  # of the paired difference
    tolerance: float | None = None
    unit: str = ""
    n: int = 1
    fingerprint: str = ""
    reason: str = ""  # in words: what was compared with what, and why this status
    provisional: bool = later(False)  # by what stands out from sound variants: nobody has calibrated this machine yet
    room_used: float | None = later(None)  # of the way to its limit, where a figure that passes is close to it


class Package(Record):
    """One converted component as it was executed."""

    component: str
    name: str
    digest: str
    bytes: int
    operations: int = 0
    facts: PackageFacts = PackageFacts()

    def without_times(self) -> Package:
        """The package without what converting it took."""
        facts = {name: fact for name, fact in self.facts.to_json().items() if not is_timing(name)}
        return self.model_copy(update={"facts": PackageFacts.model_validate(facts)})


class Sample(Record):
    """What one case looked like."""

    case: str
    images: dict[str, Blob] = Field(default_factory=dict)  # source, golden, candidate, difference
    latents_digest: str = ""
    image_digest: str = ""
    seconds: float | None = None
    facts: SampleFacts = SampleFacts()

    def without_times(self) -> Sample:
        """The sample without its time, and without its film: how much of the teacher is in it, the store decides."""
        facts = self.facts.to_json()
        kept = SampleFacts.model_validate({name: fact for name, fact in facts.items() if name != "film"})
        return self.model_copy(update={"seconds": None, "facts": kept if "film" in facts else self.facts})


class Failure(Record):
    """Something planned that did not happen, and why."""

    stage: str
    where: str
    code: str
    message: str
    exit_code: int


class DeviceEstimate(Record):
    """A device that was not there: seconds that a case may take on it, and the range of the calibration."""

    device: str
    seconds: float
    low_s: float
    high_s: float
    step_s: float  # one run of the U-Net


class Estimate(Record):
    """Latency that was not measured but estimated, from what the packages ask for. No verdict ever rests on it."""

    kind: Literal["roofline estimate"] = "roofline estimate"
    case: str
    steps: int  # runs of the U-Net, guidance pairs counted once
    devices: tuple[DeviceEstimate, ...] = ()
    reason: str = ""  # why there is none


class Lane(Record):
    """Model x variant x runtime x compute unit: what one CI job runs."""

    id: str
    model: str
    variant: str
    runtime: str
    compute_unit: str
    status: Literal["ran", "incomplete", "skipped"] = "ran"
    reason: str = ""
    fingerprint: Fingerprint = Fingerprint()
    packages: tuple[Package, ...] = ()
    samples: tuple[Sample, ...] = ()
    measurements: tuple[Measurement, ...] = ()
    estimate: Estimate | None = None
    verdicts: tuple[Verdict, ...] = ()
    failures: tuple[Failure, ...] = ()
    warnings: tuple[str, ...] = later(())  # of libraries, while something was executed: an overflow, a cut prompt
    remarks: tuple[str, ...] = later(())  # of the model and the cases: parts not used, settings overridden, prompts cut
    planned: tuple[str, ...] = later(())  # ids of the checks that it was to answer, whatever was selected of them
    planned_first: int = later(0)  # written in place of `planned`: so many of the verdicts, from the first, have these
    replayed: bool = later(False)  # every sample was in the store before; one was drawn again where times were wanted
    carried: str = later("")  # the commit that was measured, where nothing that the lane is made from changed since

    @model_validator(mode="before")
    @classmethod
    def _planned_of_verdicts(cls, data: object) -> object:
        """The planned ids, where only their number was written."""
        if not isinstance(data, dict) or "planned_first" not in data:
            return data
        first, verdicts = data["planned_first"], data.get("verdicts", ())
        told = not data.get("planned") and isinstance(first, int) and isinstance(verdicts, list | tuple)
        if not told or not 0 <= first <= len(verdicts):
            raise ValueError("planned_first counts the verdicts of planned checks, where `planned` is not written")
        checks = [one.get("check") if isinstance(one, dict) else one.check for one in verdicts[:first]]
        return {**{name: value for name, value in data.items() if name != "planned_first"}, "planned": checks}

    @model_serializer(mode="wrap")
    def _planned_once(self, handler: SerializerFunctionWrapHandler) -> dict[str, object]:
        """The verdicts say the planned ids already, as a rule in the same order: they are not written twice."""
        said: dict[str, object] = handler(self)
        if self.planned and self.planned == tuple(one.check for one in self.verdicts[: len(self.planned)]):
            said.pop("planned", None)
            said["planned_first"] = len(self.planned)
        return said

    def without_times(self) -> Lane:
        """The lane without what depends on the machine's speed or memory state."""
        return self.model_copy(
            update={
                "measurements": tuple(m for m in self.measurements if not is_timing(m.metric)),
                "verdicts": tuple(v for v in self.verdicts if not is_timing(v.metric)),
                "packages": tuple(package.without_times() for package in self.packages),
                "samples": tuple(sample.without_times() for sample in self.samples),
                "warnings": (),  # what comes from the store warns no more
                "planned": (),  # counted by `Run.planned_checks`
                "replayed": False,
                "carried": "",
            }
        )


def _one_or_several(value: object) -> Literal["one", "several"]:
    """A merged run tells of several machines, each under the lanes that it ran: every entry is one's environment."""
    if not isinstance(value, dict):
        return "one"
    inner = bool(value) and all(isinstance(one, dict | Environment) for one in value.values())
    return "several" if inner and not value.keys() & Environment.model_fields.keys() else "one"


Machines = Annotated[
    Annotated[Environment, Tag("one")] | Annotated[dict[str, Environment], Tag("several")],
    Discriminator(_one_or_several),
]
"""The environment of the one machine, or of several by the lanes that each ran."""


class Run(Record):
    """The content of `run.json`."""

    schema_version: int = SCHEMA_VERSION
    sdqa_version: str
    suite: str
    suite_digest: str
    created: str  # ISO 8601, UTC
    status: Literal["complete", "incomplete"] = "complete"
    exit_code: int = 0
    fault: str | None = None  # the fault that was planted on purpose, if any
    environment: Machines = Environment()
    cases: dict[str, CaseInputs] = Field(default_factory=dict)
    lanes: tuple[Lane, ...] = ()
    planned_checks: int = 0  # how many checks the lanes that ran have; fewer verdicts mean that the run was narrowed
    diagnosis: Diagnosis | None = None
    sensitivity: Sensitivity | None = None  # as earlier releases wrote it
    sensitivity_table: Blob | None = later(None)  # of the bundle: what the gate is known to catch
    sensitivity_tables: tuple[Blob, ...] = later(())  # of further lanes
    diagnoses: tuple[Diagnosis, ...] = later(())  # where there are several; `diagnosis` is the first
    provenance: Provenance | None = later(None)
    judge_changes: tuple[JudgeChange, ...] = later(())  # see `sdqa.ci.judge_diff`
    judge_comparison: JudgeComparison | None = later(None)  # of a gate
    orphans: tuple[Orphan, ...] = later(())  # references that nothing in the suite asks for
    failures: tuple[Failure, ...] = later(())  # of the whole: an unreadable bundle, a cancelled job
    cost: Bill | None = later(None)  # of all machines together
    joined: bool = later(False)  # of several bundles, with the verdicts that they brought: held against no plan

    @property
    def machines(self) -> dict[str, Environment]:
        """The environments by the lanes that each machine ran; of a single machine under an empty name."""
        return {"": self.environment} if isinstance(self.environment, Environment) else self.environment

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """All verdicts, lane by lane."""
        return tuple(verdict for lane in self.lanes for verdict in lane.verdicts)

    def counts(self) -> dict[Status, int]:
        """How many verdicts there are of each status."""
        counts: dict[Status, int] = {"pass": 0, "fail": 0, "suspicious": 0, "not measured": 0}
        for verdict in self.verdicts:
            counts[verdict.status] = counts.get(verdict.status, 0) + 1
        return counts

    def provisional(self) -> int:
        """How many verdicts are provisional: by what stands out from sound variants, on a machine without limits."""
        return sum(verdict.provisional for verdict in self.verdicts)

    def identity(self) -> str:
        """Digest of everything but times: two runs with the same figures have the same identity."""
        diagnosis = self.diagnosis.model_copy(update={"seconds": {}}) if self.diagnosis else None
        others = tuple(one.model_copy(update={"seconds": {}}) for one in self.diagnoses)
        lanes = tuple(lane.without_times() for lane in self.lanes)
        timeless = self.model_copy(update={"lanes": lanes, "diagnosis": diagnosis, "diagnoses": others})
        beside = {"created", "environment", "provenance", "judge_comparison", "cost", "joined"}
        return digest_of(timeless.to_json(exclude=beside))


def is_timing(name: str) -> bool:
    """Whether a metric or fact depends on the machine's speed or memory state, by its name's unit."""
    return name.endswith(("_ms", "_s", "_seconds", "seconds", "peak_bytes", "peak_memory_bytes"))
