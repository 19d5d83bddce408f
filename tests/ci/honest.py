"""A small checkout with three lanes, its judge, and bundles as honest machines would leave them."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sdqa.bundle import (
    Bundle,
    Environment,
    Fingerprint,
    Lane,
    Measurement,
    Package,
    PackageFacts,
    Provenance,
    Run,
    Sample,
    SampleFacts,
    documents,
)
from sdqa.bundle.facts import PackageCost, PlacementLint, WeightCoverage
from sdqa.ci.attempts import Attempt
from sdqa.ci.expected import Expected
from sdqa.ci.intake import Submitted
from sdqa.ci.judge import judge_of
from sdqa.ci.needs import JobResult
from sdqa.ci.plan import PlannedUnit, plan_of_record
from sdqa.gate.audit import AuditEntry, append
from sdqa.gate.manifest import MANIFEST_FILE, Manifest
from sdqa.metrics.kinds import PARITY_IDENTITY, kinds
from sdqa.plan import Plan, Suite, make_plan
from sdqa.plan.describe import planned_case
from sdqa.store import digest_of
from sdqa.workflow.gate import RULES
from tests.ci.honest_pictures import CASES, latents, picture, pictures, shown

COMMIT = "c0ffee" * 6 + "c0ff"
LPIPS, PSNR, PARITY, MEMORY, SECONDS = 0.1, 30.0, 40.0, 1000, 60
SUITE = f"""
schema_version = 1
name = "small"
goldens = "goldens"
[models.tiny]
source = "embedded:tiny"
[variants.fp16]
[variants.small]
compression = "palettize-6bit"
[[lanes]]
model = "tiny"
variants = ["fp16", "small"]
[[lanes]]
model = "tiny"
variants = ["fp16"]
runtime = "coreml"
compute_units = ["CPU_AND_NE"]
[metrics]
names = ["finite", "shape", "lpips", "psnr"]
[budgets]
model_memory_bytes = {MEMORY}
end_to_end_s = {SECONDS}
[limits]
lpips = {LPIPS}
psnr = {PSNR}
parity_psnr = {PARITY}
""" + "".join(f'[cases.{name}]\nprompt = "a {name}"\n' for name in CASES)
GOOD = {"lpips": 0.01, "psnr": 50.0, "parity_psnr": 60.0, "model_memory_bytes": 100.0, "end_to_end_s": 2.0}
GOLDEN = {"lpips": 0.0, "finite": 1.0, "shape": 1.0}
"""What the teacher's own picture reads, of the metrics that have such a figure."""
KINDS = kinds()
METRICS = ("finite", "shape", "lpips", "psnr", "latent_psnr")
TEACHER, TIMESTEPS = "7e" * 32, (951.0, 901.0)
NOW = datetime(2026, 1, 2, tzinfo=UTC)
COMMITTED, BEGAN = datetime(2025, 12, 31, 23, tzinfo=UTC), datetime(2025, 12, 31, 23, 50, tzinfo=UTC)
"""The commit, and the honest machines on it."""
ATTEMPT = Attempt(2, "10", 3)
"""That the gate is part of."""
MACHINE = {"os_build": "1", "machine": "arm", "processor": "a chip", "cores": 8, "versions": {"torch": "2.13"}}
PACKAGE_BYTES = 300
FLOW = ("text_encoder", "unet", "vae_decoder")


@functools.cache
def golden(case: str) -> Manifest:
    """What a checkout has recorded of a case."""
    seen = {name: picture(case, name)[2] for name in pictures(case) if name != "candidate"}
    return Manifest(
        model="tiny",
        case=case,
        inputs={"prompt": f"a {case}", "size": 64},
        seed=1,
        timesteps=TIMESTEPS,
        scores={**GOLDEN, "psnr": 100.0},
        teacher=TEACHER,
        metrics={name: {"name": name} for name in METRICS},
        digests={"image": seen.pop("golden"), "latents": f"golden {case}", **seen},
        files={},
        reason="first recorded",
        date="2026-01-01T00:00:00+00:00",
    )


def record_goldens(goldens: Path) -> None:
    """The records of all goldens, as a repository has them, with the reasons for them."""
    for case in CASES:
        manifest = golden(case)
        documents.write(goldens / "tiny" / case / MANIFEST_FILE, manifest.model_dump(mode="json"))
        entry = {"date": manifest.date, "who": "a", "subject": case, "reason": manifest.reason}
        append(goldens / "tiny", AuditEntry(after=manifest.content(), **entry))


def keep(folder: Path, run: Run) -> Path:
    """A bundle's folder with the pictures and latents of its samples."""
    bundle = Bundle(folder)
    for case in CASES:
        for name in pictures(case):
            bundle.add_blob(picture(case, name)[1], "image/png")
        bundle.add_blob(latents(case)[1], "application/octet-stream")
    bundle.write(run)
    return folder


@functools.cache
def plan(path: Path = Path("/nowhere/sdqa.toml"), text: str = SUITE) -> Plan:
    import tomllib

    return make_plan(Suite.model_validate(tomllib.loads(text)), path, platform="linux")


@functools.cache
def expected(*results: JobResult, commit: str = COMMIT) -> Expected:
    """What the gate of the checkout holds evidence against."""
    record = plan_of_record(plan(), RULES, commit=COMMIT)
    judge = judge_of(plan(), RULES)
    goldens = {case: golden(case) for case in CASES}
    references = {name: replace(one, goldens=goldens) for name, one in judge.references.items()}
    jobs = results or (JobResult(job="lanes", result="success"),)
    return Expected(record, replace(judge, references=references), commit, NOW, jobs, ATTEMPT, COMMITTED)


def measurements(unit: PlannedUnit, cases: Iterable[str] = CASES) -> tuple[Measurement, ...]:
    """One passing figure for every planned check that is not a statistic."""
    cases = tuple(cases)
    found = []
    for check in unit.checks:
        scope, _, metric = check.removeprefix(f"{unit.lane}/").rpartition("/")
        facts: dict[str, Any] = {"fingerprint": machine_of(unit).digest()}
        if scope in CASES:
            facts |= {
                "case": scope,
                "golden": GOLDEN.get(metric),
                "fingerprint": identity_of(metric),
            }
        elif scope not in ("all", "budget"):
            facts["component"] = scope
        if metric == "end_to_end_s":
            facts |= {"samples": (GOOD[metric],) * len(cases), "n": len(cases), "spread": 0.0}
        if metric == "parity_psnr":
            readings = dict.fromkeys(cases, (GOOD[metric],))
            facts |= {"by_case": readings, "n": len(readings), "spread": 0.0, "fingerprint": PARITY_IDENTITY}
        if scope != "all" and (scope not in CASES or scope in cases):
            found.append(figure_of(metric, GOOD.get(metric, 1.0), **facts))
    sizes = {"value": PACKAGE_BYTES, "fingerprint": machine_of(unit).digest()}
    found += [figure_of("package_bytes", component=name, **sizes) for name in components(unit)]
    return tuple(found)


def identity_of(metric: str) -> str:
    """Of a figure of a case, as the golden's record has it."""
    return digest_of([{"name": metric}, [64, 64]])


def figure_of(metric: str, value: float | None = None, **facts: Any) -> Measurement:
    """A figure with the unit and direction of its metric."""
    kind = KINDS[metric]
    return Measurement(**{"metric": metric, "value": value, "unit": kind.unit, "better": kind.better, **facts})


def components(unit: PlannedUnit) -> tuple[str, ...]:
    return expected().judge.references[unit.lane].packaged


def machine_of(unit: PlannedUnit) -> Fingerprint:
    where = {"runtime": unit.runtime, "compute_unit": unit.compute_unit, "system": unit.system or "Linux"}
    return Fingerprint(teacher=TEACHER, metrics="m", **where, **MACHINE)


def package_of(component: str) -> Package:
    facts = PackageFacts(
        coverage=WeightCoverage(parameters=3, found=3, exact=3, equal=1, rounded=2),
        cost=PackageCost(component=component, weight_bytes_stored=20, peak_live_bytes=40, flops=10),
        neural_engine=PlacementLint(leaving_share=0.0),
    )
    return Package(component=component, name=component, digest=f"{component} 1", bytes=PACKAGE_BYTES, facts=facts)


def sample_of(case: str) -> Sample:
    return Sample(
        case=case,
        images=pictures(case),
        image_digest=picture(case, "candidate")[2],
        latents_digest=latents(case)[2],
        seconds=GOOD["end_to_end_s"],
        facts=SampleFacts(timesteps=TIMESTEPS, nonfinite=dict.fromkeys(FLOW, 0), latents=latents(case)[0]),
    )


def lane_of(unit: PlannedUnit, cases: Iterable[str] = CASES, **fields: Any) -> Lane:
    cases = tuple(cases)
    lane = Lane(
        id=unit.lane,
        model=unit.model,
        variant=unit.variant,
        runtime=unit.runtime,
        compute_unit=unit.compute_unit,
        fingerprint=machine_of(unit),
        packages=tuple(package_of(name) for name in components(unit)),
        samples=tuple(sample_of(case) for case in cases),
        measurements=measurements(unit, cases),
        planned=unit.checks,
    )
    return judged(lane.model_copy(update=fields))


def judged(lane: Lane) -> Lane:
    """With the verdicts that the machine itself would give."""
    return lane.model_copy(update={"verdicts": expected().judge.verdicts(lane)})


def skipped(unit: PlannedUnit) -> Lane:
    nothing: dict[str, Any] = dict.fromkeys(("measurements", "samples", "packages", "planned"), ())
    facts = {**nothing, "status": "skipped", "fingerprint": Fingerprint()}
    return lane_of(unit, **facts).model_copy(update={"verdicts": ()})


def run_of(*lanes: Lane, origin: dict[str, Any] | None = None, **fields: Any) -> Run:
    """A bundle's run with the suite's other lanes as skipped."""
    record = expected().plan
    names = {lane.id for lane in lanes}
    others = tuple(skipped(unit) for unit in record.units if unit.lane not in names)
    said = {"commit": COMMIT, "judge_digest": record.judge_digest, "job": "lanes", "run_id": "7"}
    said |= {"started": BEGAN.isoformat(), "ended": "2026-01-01T00:00:01+00:00"}
    system = next((lane.fingerprint.system for lane in lanes if lane.fingerprint.system), "Linux")
    run = Run(
        sdqa_version=record.sdqa_version,
        suite=record.suite,
        suite_digest=record.suite_digest,
        created="2026-01-01T00:00:00Z",
        environment=Environment(system=system, **MACHINE),
        cases={name: planned_case(case) for name, case in plan().suite.cases.items()},
        lanes=(*lanes, *others),
        planned_checks=sum(len(lane.planned) for lane in lanes),
        provenance=Provenance(**{**said, **(origin or {})}),
    )
    return run.model_copy(update=fields)


def units() -> tuple[PlannedUnit, PlannedUnit, PlannedUnit]:
    one, two, three = expected().plan.units
    return one, two, three


def linux(**fields: Any) -> Run:
    one, two, _ = units()
    return run_of(lane_of(one), lane_of(two), **fields)


def mac(**fields: Any) -> Run:
    return run_of(lane_of(units()[2]), **fields)


def sent(*runs: Run | str) -> list[Submitted]:
    """Bundles as they arrive; a text is why one cannot be read."""
    found = []
    for number, run in enumerate(runs):
        bundle = Bundle(Path(f"/nowhere/{number}"))
        found.append(
            Submitted(f"bundle-{number}", bundle, None, run)
            if isinstance(run, str)
            else Submitted(f"bundle-{number}", bundle, run, shown=shown())
        )
    return found


def with_lane(run: Run, name: str, **fields: Any) -> Run:
    """A run in which one lane's record says something else."""
    lanes = tuple(lane.model_copy(update=fields) if lane.id == name else lane for lane in run.lanes)
    return run.model_copy(update={"lanes": lanes})


def with_origin(run: Run, **fields: Any) -> Run:
    assert run.provenance is not None
    return run.model_copy(update={"provenance": run.provenance.model_copy(update=fields)})
