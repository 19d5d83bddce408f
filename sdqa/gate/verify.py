"""`sdqa goldens verify`: every digest, the audit log, and whether the teacher still draws what was recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sdqa.bundle import Lane, Measurement
from sdqa.errors import GoldenMissing, SdqaError
from sdqa.gate import baseline, large_files
from sdqa.gate.audit import broken_links, unrecorded
from sdqa.gate.goldens import Golden, read_golden
from sdqa.gate.manifest import MANIFEST_FILE, read_manifest
from sdqa.gate.tolerances import TOLERANCES_FILE, Tolerances

TEACHER_VARIANT = "teacher"
"""Name under which a model's tolerances keep the noise of the teacher itself."""
LATENTS_FILE = "latents.safetensors"
"""Of every golden, with a preview in place of its picture or not."""
STATED_NOISE = {"finite": 1.0, "psnr": 70.0, "latent_psnr": 90.0}
"""dB that the teacher's own repetition on another platform must reach, where nothing was calibrated: between harmless
rounding and the nearest change. Measured on the embedded model (2-core x86-64 Linux, 2026-11-23): without oneDNN the
image keeps 86 dB and the latents 129 dB; with fp16 arithmetic, 61 and 66 dB."""

Reproduce = Callable[[Golden], Sequence[Measurement]]
Stale = Callable[[Golden], str]


@dataclass(frozen=True)
class GoldenFlaw:
    """One thing that was checked."""

    subject: str  # `<model>/<case>`, `<model>/tolerances`, `<model>`
    sound: bool
    what: str


def verify(
    goldens: Path,
    *,
    models: Sequence[str] = (),
    cases: Sequence[str] = (),
    reproduce: Reproduce | None = None,
    stale: Stale | None = None,
    place: str = large_files.DEFAULT_PLACE,
    files: bool = True,
) -> Iterator[GoldenFlaw]:
    """Check goldens one by one.

    Args:
        goldens: the folder that holds `<model>/<case>/`.
        models, cases: which; all when empty.
        reproduce: draws a golden's case again with the teacher and measures the outcome against the golden (`finite`,
            `psnr`, `latent_psnr`); only digests and records are checked when None.
        stale: says why a golden no longer stands for its case, though all its digests match; empty when it does.
        place: where large goldens are kept.
        files: whether to read what the manifests name; else manifests and audit logs alone are checked.

    Raises:
        GoldenMissing: there are no goldens here.
    """
    folders = sorted(path for path in goldens.iterdir() if path.is_dir()) if goldens.is_dir() else []
    folders = [path for path in folders if not path.name.startswith(".") and (not models or path.name in models)]
    if not folders:
        raise GoldenMissing("there are no goldens here", where=str(goldens), hint="record them: sdqa goldens")
    for folder in folders:
        yield from _model(folder, cases, reproduce, stale, place) if files else _records(folder, cases)


def _without_manifest(folder: Path, cases: Sequence[str]) -> Iterator[GoldenFlaw]:
    """Files of a golden that nothing describes: they can be held against nothing."""
    for path in sorted(one for one in folder.iterdir() if one.is_dir() and (not cases or one.name in cases)):
        if (path / LATENTS_FILE).exists() and not (path / MANIFEST_FILE).exists():
            yield GoldenFlaw(f"{folder.name}/{path.name}", False, f"its files are there, and no {MANIFEST_FILE}")


def _records(folder: Path, cases: Sequence[str]) -> Iterator[GoldenFlaw]:
    """A model's manifests and tolerances against its audit log."""
    yield from _without_manifest(folder, cases)
    current: dict[str, str] = {}
    for path in sorted(path for path in folder.iterdir() if (path / MANIFEST_FILE).exists()):
        if not cases or path.name in cases:
            try:
                current[path.name] = read_manifest(path).content()
            except SdqaError as error:
                yield GoldenFlaw(f"{folder.name}/{path.name}", False, str(error))
    for path in sorted((folder / baseline.FOLDER).glob(f"*/*/{MANIFEST_FILE}")):
        subject = baseline.subject_of(path.parent)
        try:
            current[subject] = baseline.read_manifest(path.parent).content()
        except SdqaError as error:
            yield GoldenFlaw(f"{folder.name}/{subject}", False, str(error))
    if (folder / TOLERANCES_FILE).exists():
        try:
            current["tolerances"] = Tolerances.load(folder / TOLERANCES_FILE).digest()
        except SdqaError as error:
            yield GoldenFlaw(f"{folder.name}/tolerances", False, str(error))
    yield from _recorded(folder, current)


def _recorded(folder: Path, current: Mapping[str, str]) -> Iterator[GoldenFlaw]:
    links, problems = broken_links(folder), unrecorded(folder, current)
    for problem in links:
        yield GoldenFlaw(folder.name, False, problem)
    for problem in problems:
        yield GoldenFlaw(f"{folder.name}/{problem.partition(':')[0]}", False, problem)
    if not problems and not links:
        yield GoldenFlaw(folder.name, True, "every change is in the audit log, and the log is whole")


def _model(
    folder: Path, cases: Sequence[str], reproduce: Reproduce | None, stale: Stale | None, place: str
) -> Iterator[GoldenFlaw]:
    yield from _without_manifest(folder, cases)
    current: dict[str, str] = {}
    tolerances: Tolerances | None = None
    if (folder / TOLERANCES_FILE).exists():
        try:
            tolerances = Tolerances.load(folder / TOLERANCES_FILE)
            current["tolerances"] = tolerances.digest()
            yield GoldenFlaw(f"{folder.name}/tolerances", True, "can be read")
        except SdqaError as error:
            yield GoldenFlaw(f"{folder.name}/tolerances", False, str(error))
    for path in sorted(path for path in folder.iterdir() if (path / MANIFEST_FILE).exists()):
        if cases and path.name not in cases:
            continue
        subject = f"{folder.name}/{path.name}"
        try:
            golden = read_golden(path, place=place)
        except SdqaError as error:
            yield GoldenFlaw(subject, False, str(error))
            continue
        current[path.name] = golden.manifest.content()
        yield GoldenFlaw(subject, True, f"all digests match, drawn by {golden.manifest.origin}")
        if stale is not None:
            yield from _stale(subject, golden, stale)
        if reproduce is not None:
            yield from _reproduced(subject, golden, reproduce, tolerances)
    yield from _baselines(folder, cases, place, current)
    yield from _recorded(folder, current)


def _stale(subject: str, golden: Golden, stale: Stale) -> Iterator[GoldenFlaw]:
    try:
        why = stale(golden)
    except SdqaError as error:
        why = str(error)
    if why:
        yield GoldenFlaw(subject, False, why)


def _baselines(folder: Path, cases: Sequence[str], place: str, current: dict[str, str]) -> Iterator[GoldenFlaw]:
    """The lanes' own outcomes; what is sound is added to `current`, subject → content digest."""
    for manifest in sorted((folder / baseline.FOLDER).glob(f"*/*/{MANIFEST_FILE}")):
        subject = baseline.subject_of(manifest.parent)
        if cases and manifest.parent.name not in cases:
            continue
        try:
            found = baseline.read_baseline(manifest.parent, place=place)
        except SdqaError as error:
            yield GoldenFlaw(f"{folder.name}/{subject}", False, str(error))
            continue
        current[subject] = found.manifest.content()
        yield GoldenFlaw(f"{folder.name}/{subject}", True, f"all digests match, drawn by {found.manifest.lane}")


def _reproduced(
    subject: str, golden: Golden, reproduce: Reproduce, tolerances: Tolerances | None
) -> Iterator[GoldenFlaw]:
    if golden.manifest.origin != "teacher":
        yield GoldenFlaw(subject, True, f"drawn by {golden.manifest.origin}: the teacher is not asked for it")
        return
    try:
        measured = {m.metric: m for m in reproduce(golden)}
    except SdqaError as error:
        yield GoldenFlaw(subject, False, f"the teacher cannot draw it: {error}")
        return
    for metric, stated in STATED_NOISE.items():
        measurement = measured.get(metric)
        limit = _limit(metric, stated, golden, tolerances)
        if measurement is None or measurement.value is None:
            reason = measurement.reason if measurement is not None else "not measured"
            yield GoldenFlaw(subject, False, f"reproduced: {metric}: {reason}")
        else:
            sound = measurement.value >= limit
            text = f"reproduced: {metric} {measurement.value:.4g} {measurement.unit}".rstrip()
            yield GoldenFlaw(subject, sound, f"{text}, stated noise {limit:.4g}")


def _limit(metric: str, stated: float, golden: Golden, tolerances: Tolerances | None) -> float:
    if tolerances is None:
        return stated
    model = golden.manifest.model
    lane = Lane(id=model, model=model, variant=TEACHER_VARIANT, runtime="torch", compute_unit="CPU_ONLY")
    found = tolerances.variants.get(TEACHER_VARIANT, {}) and tolerances.find(lane, metric)
    return found.case_limit if found else stated
