"""`sdqa approve --golden`: what a run recorded becomes the golden of all lanes.

Nothing is generated again; everything is in the audit log.

Refused are a run of another teacher, metric identity or schedule than the golden's (its figures cannot be compared),
and, without a diagnosis, one in which a figure of the case got worse. Either all chosen cases are promoted or none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sdqa.bundle import Bundle, Lane, Run, Sample
from sdqa.errors import BundleError, GoldenBelowFloor, GoldenStale, Problem, UsageError
from sdqa.gate import large_files
from sdqa.gate.codec import array_digest, decode_image, decode_tensors
from sdqa.gate.goldens import Golden, read_golden, write_golden
from sdqa.store import digest_of

Scores = Mapping[str, float | None]

AGAINST_GOLDEN = frozenset(
    {
        "clip_image_similarity",
        "finite",
        "latent_cosine",
        "latent_psnr",
        "lpips",
        "psnr",
        "shape",
        "ssim",
        "tile_psnr",
    }
)
"""Metrics that compare with the golden: a new golden scores in them what the old one did."""


@dataclass(frozen=True)
class Approved:
    """One promotion."""

    model: str
    case: str
    before: str  # content digests
    after: str
    worse: tuple[str, ...]

    @property
    def changed(self) -> bool:
        """Whether the golden is another one now."""
        return self.before != self.after


@dataclass(frozen=True)
class _Promotion:
    golden: Golden
    image: npt.NDArray[np.uint8]
    latents: npt.NDArray[np.float32]
    scores: dict[str, float | None]
    worse: tuple[str, ...]


def approve(
    bundle: Path,
    goldens: Path,
    *,
    reason: str,
    lane: str | None = None,
    cases: Sequence[str] = (),
    diagnosis: str = "",
    place: str = large_files.DEFAULT_PLACE,
    below: Callable[[str, Scores], Sequence[str]] = lambda *_: (),
    examine: Callable[[Bundle, Run, Lane], None] = lambda *_: None,
) -> tuple[Approved, ...]:
    """Promote a lane's recorded outcomes.

    Args:
        bundle: the run's folder.
        goldens: the folder that holds `<model>/<case>/`.
        reason: why; goes to the audit log.
        lane: whose outcomes; may be left out when the run has one lane.
        cases: which; all of the lane when empty.
        diagnosis: what explains figures that got worse; the run's own diagnosis is taken when it has one.
        place: where large goldens are kept.
        below: told a case and the outcome's own figures; what of them is too little for a golden, in words.
        examine: refuses a lane of the run that contradicts itself or the checkout.

    Raises:
        GoldenBelowFloor: something is.
        UsageError: no reason, no such lane or case, a planted fault, or figures got worse without a diagnosis.
        GoldenStale: the run and a golden have different fingerprints.
        BundleError: the bundle did not record what is needed.
    """
    if not reason.strip():
        raise UsageError("an approval needs a reason", hint="--reason '…'")
    source = Bundle(bundle)
    run = source.read()
    refuse_planted(run, bundle)
    chosen = chosen_lane(run, lane)
    found = run.diagnosis if run.diagnosis and run.diagnosis.made else None
    explained = diagnosis.strip() or (digest_of(found.to_json()) if found else "")
    promotions = [_prepare(source, chosen, sample, goldens, place) for sample in chosen_samples(chosen, cases)]
    examine(source, run, chosen)
    low = [f"{p.golden.manifest.case}: {text}" for p in promotions for text in below(p.golden.manifest.case, p.scores)]
    if low:
        raise GoldenBelowFloor("; ".join(low), where=chosen.id, hint="mend the lane, or lower $.floors in the suite")
    worse = [Problem(f"$.{p.golden.manifest.case}", text) for p in promotions for text in p.worse]
    if worse and not explained:
        listing = "".join(f"\n  {problem}" for problem in worse)
        hint = "find out why (sdqa diagnose) and say it: --diagnosis '…'"
        count = f"{len(worse)} figure{'s' if len(worse) != 1 else ''} got worse"
        raise UsageError(f"{count}{listing}\n ", where=chosen.id, hint=hint)
    return tuple(_promote(p, chosen, run, reason, explained, place) for p in promotions)


def refuse_planted(run: Run, folder: Path) -> None:
    """Nothing that was broken on purpose is approved.

    Raises:
        UsageError: the run has a planted fault.
    """
    if run.fault:
        what = f"the run has a planted fault: {run.fault}"
        raise UsageError(what, where=str(folder), hint="approve a run without one")


def chosen_lane(run: Run, name: str | None) -> Lane:
    """The lane of a run by its id, which may be left out where there is only one.

    Raises:
        UsageError: there is none of that name, or there are several.
    """
    ran = [lane for lane in run.lanes if lane.status != "skipped"]
    known = ", ".join(lane.id for lane in ran) or "none ran"
    if name is None and len(ran) == 1:
        return ran[0]
    found = [lane for lane in ran if lane.id == name]
    if not found:
        what = f"no lane {name!r} in this run" if name else "the run has several lanes"
        raise UsageError(what, hint=f"--lane, one of: {known}")
    return found[0]


def chosen_samples(lane: Lane, cases: Sequence[str]) -> list[Sample]:
    """The samples of the named cases, or of all.

    Raises:
        UsageError: the lane recorded no such case.
    """
    samples = {sample.case: sample for sample in lane.samples}
    unknown = sorted(set(cases) - set(samples))
    if unknown or not samples:
        known = ", ".join(sorted(samples)) or "none"
        raise UsageError(
            f"the lane recorded no case {unknown[0] if unknown else ''}".strip(), hint=f"recorded: {known}"
        )
    return [samples[case] for case in (cases or sorted(samples))]


def _prepare(source: Bundle, lane: Lane, sample: Sample, goldens: Path, place: str) -> _Promotion:
    golden = read_golden(goldens / lane.model / sample.case, place=place)
    manifest = golden.manifest
    for key, ran_with, drawn_with in (
        ("teacher", lane.fingerprint.teacher, manifest.teacher),
        ("metrics", lane.fingerprint.metrics, digest_of(manifest.metrics)),
    ):
        if ran_with != drawn_with:
            what = f"the run has another fingerprint than the golden: {key}"
            hint = "record the goldens again: sdqa goldens --reason '…'"
            raise GoldenStale(what, where=f"{lane.id}/{sample.case}", hint=hint)
    timesteps = sample.facts.timesteps
    if timesteps is not None and timesteps != manifest.timesteps:
        raise GoldenStale("the run has another schedule than the golden", where=f"{lane.id}/{sample.case}")
    image, latents = recorded_outcome(source, sample)
    if image.shape != golden.image.shape or latents.shape != golden.latents.shape:
        raise UsageError("the run's picture has another shape than the golden's", where=f"{lane.id}/{sample.case}")
    scores = dict(manifest.scores)
    for measurement in lane.measurements:
        if measurement.case == sample.case and measurement.metric not in AGAINST_GOLDEN:
            scores[measurement.metric] = measurement.value
    return _Promotion(golden, image, latents, scores, worse_figures(lane, sample.case))


def recorded_outcome(source: Bundle, sample: Sample) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
    """The recorded picture and latents, checked against the digests that the run promised."""
    blob = sample.images.get("candidate")
    latents_blob = sample.facts.latents
    if blob is None or latents_blob is None:
        raise BundleError("the bundle did not record picture and latents", where=sample.case, hint="run sdqa qa again")
    where = source.folder / blob.path
    image = decode_image(source.read_blob(blob), where)
    tensors = decode_tensors(source.read_blob(latents_blob), source.folder / latents_blob.path)
    if "latents" not in tensors:
        raise BundleError("the bundle's latents hold no tensor `latents`", where=sample.case)
    latents = tensors["latents"]
    if array_digest(image) != sample.image_digest or array_digest(latents) != sample.latents_digest:
        raise BundleError("the bundle's picture or latents are not those that were scored", where=sample.case)
    return image, latents


def worse_figures(lane: Lane, case: str) -> tuple[str, ...]:
    """Figures of the case that the gate did not pass, in words."""
    found = []
    for verdict in lane.verdicts:
        if verdict.case == case and verdict.status in ("fail", "suspicious"):
            found.append(f"{verdict.metric}: {verdict.status}: {verdict.reason}")
    return tuple(found)


def _promote(p: _Promotion, lane: Lane, run: Run, reason: str, diagnosis: str, place: str) -> Approved:
    golden, manifest = p.golden, p.golden.manifest
    after = write_golden(
        golden.folder,
        inputs=manifest.inputs,
        seed=manifest.seed,
        timesteps=manifest.timesteps,
        scheduler=manifest.scheduler,
        image=p.image,
        latents=p.latents,
        noise=golden.noise,
        posterior_noise=golden.posterior_noise,
        source=golden.source,
        scores=p.scores,
        teacher_digest=manifest.teacher,
        metric_identities=manifest.metrics,
        versions=lane.fingerprint.versions or manifest.versions,
        reason=reason,
        place=place,
        run=run.identity(),
        diagnosis=diagnosis,
        worse=p.worse,
        origin=lane.id,
    )
    return Approved(manifest.model, manifest.case, manifest.content(), after.content(), p.worse)
