"""Baselines: a lane's own approved outcome of a case, beside the golden of all lanes.

    goldens/<model>/baselines/<variant>@<runtime>[-<unit>]/<case>/
      manifest.json         execution, digests, repeatability, reason, date
      image.png             lossless; above 128 px a preview, the image itself is in the warehouse by digest
      latents.safetensors   `latents`: the final latents, float32

The golden says how far a lane is from its teacher; the baseline says whether the lane changed. The limits come from the
machine's own repeatability, which is recorded with the baseline. Everything is read as untrusted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log10
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field, FiniteFloat

from sdqa.bundle import Better, Fingerprint, Record, documents
from sdqa.errors import GoldenDamaged, GoldenMissing, UsageError
from sdqa.gate import large_files
from sdqa.gate.manifest import MANIFEST_FILE, MAX_MANIFEST_BYTES, GoldenFile, file_record
from sdqa.gate.stated import COMPARING
from sdqa.runtime.registry import on_device
from sdqa.store import digest_of

if TYPE_CHECKING:
    from sdqa.arrays import Floats, Pixels
    from sdqa.bundle import Lane
    from sdqa.gate.tolerances import Tolerance

FOLDER = "baselines"
METRICS: Mapping[str, str] = {
    "baseline_psnr": "psnr",
    "baseline_tile_psnr": "tile_psnr",
    "baseline_lpips": "lpips",
}
"""What is measured against a baseline → the metric that measures it."""
FLOORS: Mapping[str, float] = {"psnr": 54.0, "tile_psnr": 42.0, "lpips": 0.0002}
"""What is never called a change, however well a machine repeats itself: an fp16 program of the embedded model stays
within 57 dB, 45 dB and 0.00005 of its teacher (harmless bounds in goldens/tiny/tolerances.json, 2026-11-23), and two
roundings of one program lie at most 3 dB farther apart than either from the truth."""
AGAIN = 2.0
"""A repeat may differ by as much again as the largest difference between repeats: in amplitude, or 6 dB."""


class BaselineManifest(Record):
    """What is recorded with a baseline."""

    schema_version: int = 1
    model: str
    case: str
    lane: str  # id of the lane that drew it
    golden: str  # content digest of the golden beside it: its noise, inputs and schedule
    fingerprint: Fingerprint  # what executed it, and the metrics that it is measured with
    packages: dict[str, str] = Field(default_factory=dict)  # component → digest
    repeats: tuple[dict[str, FiniteFloat], ...] = Field(default=(), max_length=1000)  # of each repeat: metric → figure
    digests: dict[str, str]  # of values: image, latents
    files: dict[str, GoldenFile]
    run: str = ""  # identity of the run that was approved
    reason: str
    date: str  # ISO 8601, UTC

    def content(self) -> str:
        """Digest of what the baseline says; when and why it was approved do not matter."""
        return digest_of(self.model_dump(mode="json", exclude={"reason", "date", "files", "run", "packages"}))

    def identity(self, metric: str) -> str:
        """Fingerprint of a figure that was measured against it."""
        return figure_identity(metric, self.content())


@dataclass(frozen=True)
class Baseline:
    """A baseline as it was read."""

    manifest: BaselineManifest
    image: Pixels  # (H, W, 3)
    latents: Floats  # (C, h, w)


def figure_identity(metric: str, content: str) -> str:
    """Fingerprint of a figure that was measured against the baseline of this content."""
    return digest_of(["baseline", metric, content])


def folder_of(goldens: Path, model: str, variant: str, runtime: str, compute_unit: str) -> Path:
    """A lane's folder, `<goldens>/<model>/baselines/<variant>@<runtime>[-<unit>]`; each case has one in it."""
    unit = f"-{compute_unit.lower()}" if on_device(runtime) else ""
    return goldens / model / FOLDER / f"{variant}@{runtime}{unit}"


def read_manifest(folder: Path) -> BaselineManifest:
    """A baseline's manifest alone.

    Raises:
        GoldenMissing: there is none, or it does not follow the schema.
    """
    return documents.read(
        folder / MANIFEST_FILE,
        BaselineManifest,
        GoldenMissing,
        name="the baseline's manifest",
        limit=MAX_MANIFEST_BYTES,
        missing="there is no baseline of this lane for this case",
        hint="look at the lane's pictures and approve them: sdqa approve BUNDLE --lane LANE --reason '…'",
    )


def read_baseline(folder: Path, *, place: str = large_files.DEFAULT_PLACE) -> Baseline:
    """Read a baseline and check every digest.

    Raises:
        GoldenMissing: the baseline or one of its files is not there.
        GoldenDamaged: a file or its values are not those that were approved, or cannot be decoded.
    """
    from sdqa.gate.codec import array_digest, decode_image, decode_tensors
    from sdqa.gate.golden_files import file_bytes, whole

    manifest = read_manifest(folder)
    if set(manifest.files) != {"image.png", "latents.safetensors"} or set(manifest.digests) != {"image", "latents"}:
        raise GoldenDamaged("a baseline holds image.png and latents.safetensors, and nothing else", where=str(folder))
    data = {name: file_bytes(folder, name, file, place, None) for name, file in manifest.files.items()}
    with whole():
        tensors = decode_tensors(data["latents.safetensors"], folder / "latents.safetensors")
        image = decode_image(data["image.png"], folder / "image.png")
    if set(tensors) != {"latents"}:
        raise GoldenDamaged("the baseline's latents hold no tensor `latents`, or more", where=str(folder))
    found = Baseline(manifest, image, tensors["latents"])
    for name, value in (("image", found.image), ("latents", found.latents)):
        if array_digest(value) != manifest.digests[name]:
            raise GoldenDamaged(f"the baseline's {name} is not the one that was approved", where=str(folder))
    return found


def write_baseline(
    folder: Path,
    lane: Lane,
    case: str,
    *,
    image: Pixels,
    latents: Floats,
    golden: str,
    repeats: Sequence[Mapping[str, float]],
    run: str,
    reason: str,
    worse: Sequence[str] = (),
    place: str = large_files.DEFAULT_PLACE,
) -> BaselineManifest:
    """Record a baseline in one step and append to the model's audit log; what is there already changes nothing.

    Args:
        folder: of the case, in the one from `folder_of`.
        golden: content digest of the case's golden.
        repeats: figures of further runs of the lane on this machine against this one, by the metrics of `FLOORS`.
        worse: figures of the case that the gate did not pass, for the audit log.

    Raises:
        UsageError: there is no reason, or a value is not finite.
    """
    import numpy as np

    from sdqa.gate.audit import AuditEntry, append, author, now
    from sdqa.gate.codec import PREVIEW_SIDE, array_digest, as_pixels, encode_image, encode_tensors, preview
    from sdqa.gate.golden_files import replace_folder

    if not reason.strip():
        raise UsageError("an approval needs a reason", hint="--reason '…'")
    picture, tensor = as_pixels(image, "image"), np.ascontiguousarray(latents, dtype=np.float32)
    if not np.isfinite(tensor).all():
        raise UsageError("a baseline must be finite, these latents are not", where=str(folder))
    full, small = encode_image(picture), max(picture.shape[:2]) <= PREVIEW_SIDE
    contents = {
        "image.png": full if small else encode_image(preview(picture)),
        "latents.safetensors": encode_tensors({"latents": tensor}),
    }
    if not small:
        large_files.put(place, full)
    before = read_manifest(folder) if (folder / MANIFEST_FILE).exists() else None
    manifest = BaselineManifest(
        model=lane.model,
        case=case,
        lane=lane.id,
        golden=golden,
        fingerprint=lane.fingerprint,
        packages={package.component: package.digest for package in lane.packages},
        repeats=tuple({name: float(value) for name, value in one.items()} for one in repeats),
        digests={"image": array_digest(picture), "latents": array_digest(tensor)},
        files={
            "image.png": file_record(full, "folder" if small else "warehouse"),
            "latents.safetensors": file_record(contents["latents.safetensors"]),
        },
        run=run,
        reason=reason.strip(),
        date=now(),
    )
    if before is not None and before.content() == manifest.content():
        return before
    contents[MANIFEST_FILE] = documents.encode(manifest.model_dump(mode="json"))
    replace_folder(folder, contents)
    entry = AuditEntry(
        date=manifest.date,
        who=author(),
        subject=subject_of(folder),
        before=before.content() if before else None,
        after=manifest.content(),
        reason=manifest.reason,
        run=run,
        worse=tuple(worse),
    )
    append(folder.parents[2], entry)
    return manifest


def subject_of(folder: Path) -> str:
    """A baseline's name in the audit log: `baselines/<variant>@<runtime>/<case>`."""
    return "/".join(folder.parts[-3:])


def manifests(folder: Path, cases: Iterable[str]) -> dict[str, BaselineManifest]:
    """The manifests of the baselines that there are, by case.

    Args:
        folder: of the lane, from `folder_of`.

    Raises:
        GoldenMissing: one does not follow the schema.
    """
    return {case: read_manifest(folder / case) for case in cases if (folder / case / MANIFEST_FILE).exists()}


def limits(found: Mapping[str, BaselineManifest], lane: Lane) -> dict[str, Tolerance]:
    """What a lane may differ from its baselines: metric → limits, of the mean and of a single case alike.

    None for a device whose repeats were not measured, or were measured on another machine than the lane ran on: there
    the reference runtime's floors say nothing.
    """
    from sdqa.gate.stated import stated_tolerance

    repeats = [repeat for manifest in found.values() for repeat in manifest.repeats]
    if on_device(lane.runtime) and (not repeats or any(other_machine(one, lane) for one in found.values())):
        return {}
    table, contents = {}, [manifest.content() for manifest in found.values()]
    for metric, like in METRICS.items():
        unit, better = COMPARING[like]
        limit = _limit(like, [repeat[like] for repeat in repeats if like in repeat], better)
        prints = tuple(sorted(figure_identity(metric, content) for content in contents))
        table[metric] = stated_tolerance(metric, None, limit, unit, better).model_copy(update={"fingerprints": prints})
    return table if found else {}


def _limit(metric: str, repeats: Sequence[float], better: Better) -> float:
    """The floor, or as far again as the worst repeat."""
    floor = FLOORS[metric]
    if better == "higher":
        return min([floor, *(figure - 20 * log10(AGAIN) for figure in repeats)])
    return max([floor, *(AGAIN * figure for figure in repeats)])


def other_machine(manifest: BaselineManifest, lane: Lane) -> str:
    """How the machine that a baseline was approved on differs from a lane's, in words; empty when it does not."""
    before, after = (_machine(one) for one in (manifest.fingerprint, lane.fingerprint))
    return "; ".join(f"{key}: {before[key]} → {after[key]}" for key in before if before[key] != after[key])


def _machine(fingerprint: Fingerprint) -> dict[str, object]:
    fields = ("runtime", "compute_unit", "system", "os_build", "machine", "processor", "mac")
    return {name: getattr(fingerprint, name) for name in fields}
