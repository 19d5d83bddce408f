"""The records of a run, from its lanes down to a figure.

These are the records that every room speaks of. They are frozen, typed, and written as stable JSON; `run.json` follows
the published schema (`docs/run.schema.json`).
"""

from __future__ import annotations

import json
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from sdqa.store import digest_of

SCHEMA_VERSION = 1
BLOB_FOLDER = "blobs"

Status = Literal["pass", "fail", "suspicious", "not measured"]
Better = Literal["higher", "lower", "equal", "none"]


class Record(BaseModel):
    """Base of all records: frozen, no unknown fields, NaN and infinities kept as strings in JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")

    def to_json(self, exclude: set[str] | None = None) -> Any:
        """Plain data that every JSON parser reads. (`model_dump(mode="json")` would keep bare NaN.)"""
        return json.loads(self.model_dump_json(exclude=exclude))


class Blob(Record):
    """A file of the bundle, by digest."""

    sha256: str
    bytes: int
    media_type: str

    @property
    def path(self) -> str:
        """Relative to the bundle's folder."""
        return f"{BLOB_FOLDER}/{self.sha256}"


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


class Package(Record):
    """One converted component as it was executed."""

    component: str
    name: str
    digest: str
    bytes: int
    operations: int = 0
    facts: dict[str, Any] = Field(default_factory=dict)  # bit-width inventory, coverage, placement lint, seconds …


class Sample(Record):
    """What one case looked like."""

    case: str
    images: dict[str, Blob] = Field(default_factory=dict)  # source, golden, candidate, difference
    latents_digest: str = ""
    image_digest: str = ""
    seconds: float | None = None
    facts: dict[str, Any] = Field(default_factory=dict)


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
    fingerprint: dict[str, Any] = Field(default_factory=dict)
    packages: tuple[Package, ...] = ()
    samples: tuple[Sample, ...] = ()
    measurements: tuple[Measurement, ...] = ()
    estimate: Estimate | None = None
    verdicts: tuple[Verdict, ...] = ()
    failures: tuple[Failure, ...] = ()
    planned: tuple[str, ...] = ()  # ids of the checks that the lane was to answer, whatever was selected of them
    replayed: bool = False  # nothing was executed in this run: every sample came from the store


class Provenance(Record):
    """Where a bundle comes from, as the machine that made it says; the gate holds it against the plan of record."""

    repository: str = ""
    commit: str = ""  # what was checked out
    modified: bool = False  # files under version control differ from the commit
    base: str = ""  # what a pull request is to be merged into
    ref: str = ""
    run_id: str = ""
    attempt: int = 1
    job: str = ""
    labels: tuple[str, ...] = ()  # of the machine: system, architecture, and what SDQA_LABELS says
    machine: str = ""  # digest of what the machine is
    started: str = ""  # ISO 8601, UTC
    ended: str = ""
    judge_digest: str = ""  # of limits, budgets, tolerances and goldens, see `sdqa.ci.judge`
    narrowed: tuple[str, ...] = ()  # why lanes are not whole: "12 of 223 checks of tiny/fp16 were selected"
    interrupted: bool = False
    replayed: tuple[str, ...] = ()  # lanes that were not executed in this run, see `Lane.replayed`


class JudgeChange(Record):
    """One difference between the judge of a change and the judge of what it is to be merged into."""

    kind: str  # lane, case, check, limit, budget, tolerance, golden, audit …
    subject: str  # what it is about, as the suite names it
    what: str  # in words, with both values
    looser: bool  # something passes now that did not, or is not asked any more
    recorded: str = ""  # the reason that the audit log gives for exactly this change


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
    environment: dict[str, Any] = Field(default_factory=dict)
    cases: dict[str, dict[str, Any]] = Field(default_factory=dict)  # name -> prompt, strength, steps …
    lanes: tuple[Lane, ...] = ()
    planned_checks: int = 0  # how many checks the lanes that ran have; fewer verdicts mean that the run was narrowed
    diagnosis: dict[str, Any] | None = None
    diagnoses: tuple[dict[str, Any], ...] = ()  # all of a merged run; `diagnosis` is the first
    sensitivity: dict[str, Any] | None = None
    provenance: Provenance | None = None
    judge_changes: tuple[JudgeChange, ...] = ()  # see `sdqa.ci.judge_diff`
    failures: tuple[Failure, ...] = ()  # of the run as a whole: a bundle that cannot be read, a job that was cancelled

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """All verdicts, lane by lane."""
        return tuple(verdict for lane in self.lanes for verdict in lane.verdicts)

    def counts(self) -> dict[Status, int]:
        """How many verdicts there are of each status."""
        counts: dict[Status, int] = {"pass": 0, "fail": 0, "suspicious": 0, "not measured": 0}
        for verdict in self.verdicts:
            counts[verdict.status] += 1
        return counts

    def identity(self) -> str:
        """Digest of everything but times: two runs with the same figures have the same identity."""
        data = self.to_json(exclude={"created", "environment", "provenance"})
        # What came later counts only where it is not empty: an older record keeps its identity.
        for later in ("diagnoses", "failures", "judge_changes"):
            if not data[later]:
                del data[later]
        for lane in data["lanes"]:
            del lane["planned"], lane["replayed"]  # `planned_checks` counts the one; the other is no figure
            lane["measurements"] = [m for m in lane["measurements"] if not is_timing(m["metric"])]
            lane["verdicts"] = [v for v in lane["verdicts"] if not is_timing(v["metric"])]
            for package in lane["packages"]:
                package["facts"] = {k: v for k, v in package["facts"].items() if not is_timing(k)}
            for sample in lane["samples"]:
                sample["seconds"] = None
        return digest_of(data)


def is_timing(name: str) -> bool:
    """Whether a metric or fact depends on the machine's speed or memory state, by its name's unit."""
    return name.endswith(("_ms", "_s", "_seconds", "seconds", "peak_bytes", "peak_memory_bytes"))
