"""Goldens: the teacher's recorded outcome of a case, with everything that says whether it still counts.

    goldens/<model>/<case>/
      manifest.json         inputs, schedule, scores, digests, identities, versions, reason, date
      image.png             the image, lossless; above 128 px a preview, the image itself is in the warehouse by digest
      source.png            the same for the source image (image-to-image only)
      noise.safetensors     `noise` and, image-to-image only, `posterior_noise`: what was injected, float32
      latents.safetensors   `latents`: the final latents, float32

Digests in `digests` are of values (dtype, shape, bytes), so that another PNG encoder changes nothing; those in `files`
are of files. Everything is read as untrusted: sizes first, safetensors only, every digest checked.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import JsonValue

from sdqa.bundle import documents
from sdqa.errors import GoldenDamaged, GoldenMissing, UsageError
from sdqa.gate import large_files
from sdqa.gate.manifest import MANIFEST_FILE, Manifest, file_record, read_manifest
from sdqa.store import digest_of

if TYPE_CHECKING:
    from sdqa.arrays import Floats, Pixels


@dataclass(frozen=True)
class Golden:
    """A golden as it was read."""

    folder: Path
    manifest: Manifest
    image: Pixels  # (H, W, 3)
    latents: Floats  # (C, h, w)
    noise: Floats  # (C, h, w)
    posterior_noise: Floats | None  # (C, h, w); None for text-to-image
    source: Pixels | None  # (H, W, 3); None for text-to-image


def read_golden(folder: Path, *, place: str = large_files.DEFAULT_PLACE, cache: Path | None = None) -> Golden:
    """Read a golden and check every digest.

    Args:
        folder: `goldens/<model>/<case>`.
        place: folder or fsspec URL of the files that are too large for git.

    Raises:
        GoldenMissing: the golden or one of its files is not there.
        GoldenDamaged: a file or its values are not those that were recorded, or cannot be decoded.
    """
    from sdqa.gate.codec import array_digest, decode_image, decode_tensors
    from sdqa.gate.golden_files import file_bytes, whole

    manifest = read_manifest(folder)
    data = {name: file_bytes(folder, name, file, place, cache) for name, file in manifest.files.items()}
    for name in ("image.png", "noise.safetensors", "latents.safetensors"):
        if name not in data:
            raise GoldenMissing(f"the manifest names no {name}", where=str(folder))
    with whole():
        noises = decode_tensors(data["noise.safetensors"], folder / "noise.safetensors")
        latents = decode_tensors(data["latents.safetensors"], folder / "latents.safetensors")
        image = decode_image(data["image.png"], folder / "image.png")
        source = decode_image(data["source.png"], folder / "source.png") if "source.png" in data else None
    tensors = {**latents, **noises}
    values: dict[str, Pixels | Floats] = {**tensors, "image": image}
    if source is not None:
        values["source"] = source
    if set(values) != set(manifest.digests):
        found, promised = ", ".join(sorted(values)), ", ".join(sorted(manifest.digests))
        raise GoldenDamaged(f"the golden holds {found}; its manifest promises {promised}", where=str(folder))
    for name, value in values.items():
        if array_digest(value) != manifest.digests[name]:
            raise GoldenDamaged(f"the golden's {name} is not the one that was recorded", where=str(folder))
    if not {"latents", "noise"} <= set(tensors):
        raise GoldenMissing("the golden has no latents or no noise", where=str(folder))
    return Golden(
        folder=folder,
        manifest=manifest,
        image=image,
        latents=tensors["latents"],
        noise=tensors["noise"],
        posterior_noise=tensors.get("posterior_noise"),
        source=source,
    )


def write_golden(
    folder: Path,
    *,
    inputs: Mapping[str, JsonValue],
    seed: int,
    timesteps: Sequence[float],
    image: Pixels,
    latents: Floats,
    noise: Floats,
    posterior_noise: Floats | None = None,
    source: Pixels | None = None,
    scores: Mapping[str, float | None],
    teacher_digest: str,
    metric_identities: Mapping[str, JsonValue],
    versions: Mapping[str, str],
    reason: str = "",
    place: str = large_files.DEFAULT_PLACE,
    date: str | None = None,
    run: str = "",
    diagnosis: str = "",
    worse: Sequence[str] = (),
    origin: str = "teacher",
    scheduler: Mapping[str, JsonValue] | None = None,
    stability: str = "",
) -> Manifest:
    """Record a golden in one step and append to the model's audit log.

    Writing what is already there changes nothing. Files are built beside the folder and renamed into it.

    Args:
        folder: `goldens/<model>/<case>`.
        reason: why; required as soon as something would be overwritten.
        place: where images above 128 px go.
        run, diagnosis, worse: for the audit log, when a run is approved.
        origin: `teacher`, or the lane whose outcome was approved.
        scheduler: of the scheduler's settings, what is not Stable Diffusion's.
        stability: how far the teacher's picture moves under a disturbance, in words.

    Raises:
        UsageError: it would overwrite another golden without a reason, or holds values that are not finite.
    """
    import numpy as np

    from sdqa.gate.audit import AuditEntry, append, author, now
    from sdqa.gate.codec import PREVIEW_SIDE, array_digest, as_pixels, encode_image, encode_tensors, preview
    from sdqa.gate.golden_files import replace_folder

    pictures = {"image": as_pixels(image, "image")}
    if source is not None:
        pictures["source"] = as_pixels(source, "source")
    tensors: dict[str, Floats] = {
        name: np.ascontiguousarray(tensor, dtype=np.float32)
        for name, tensor in (("latents", latents), ("noise", noise), ("posterior_noise", posterior_noise))
        if tensor is not None
    }
    values: dict[str, Pixels | Floats] = {**pictures, **tensors}
    bad = [name for name, value in values.items() if not np.isfinite(value).all()]
    bad += [name for name, score in scores.items() if score is not None and not np.isfinite(score)]
    if bad:
        raise UsageError(f"a golden must be finite, these are not: {', '.join(sorted(bad))}", where=str(folder))
    contents = {
        "noise.safetensors": encode_tensors({n: tensors[n] for n in ("noise", "posterior_noise") if n in tensors}),
        "latents.safetensors": encode_tensors({"latents": tensors["latents"]}),
    }
    files = {name: file_record(data) for name, data in contents.items()}
    for name, picture in pictures.items():
        full = encode_image(picture)
        small = max(picture.shape[:2]) <= PREVIEW_SIDE
        contents[f"{name}.png"] = full if small else encode_image(preview(picture))
        files[f"{name}.png"] = file_record(full, "folder" if small else "warehouse")
        if not small:
            large_files.put(place, full)
    before = read_manifest(folder) if (folder / MANIFEST_FILE).exists() else None
    manifest = Manifest(
        model=folder.parent.name,
        case=folder.name,
        inputs=json.loads(json.dumps(inputs)),
        seed=seed,
        timesteps=tuple(float(t) for t in timesteps),
        scheduler=json.loads(json.dumps(dict(scheduler or {}))),
        scores={name: None if score is None else float(score) for name, score in sorted(scores.items())},
        teacher=teacher_digest,
        origin=origin,
        metrics=json.loads(json.dumps(metric_identities)),
        digests={name: array_digest(value) for name, value in values.items()},
        files=files,
        versions=dict(versions),
        reason=reason.strip() or "first recorded",
        date=date or now(),
        stability=stability,
    )
    if before is not None and before.content() == manifest.content():
        return before
    if before is not None and not reason.strip():
        what = "a golden is there already and would change"
        raise UsageError(what, where=str(folder), hint="say why: --reason '…'")
    contents[MANIFEST_FILE] = documents.encode(manifest.model_dump(mode="json"))
    replace_folder(folder, contents)
    entry = AuditEntry(
        date=manifest.date,
        who=author(),
        subject=folder.name,
        before=before.content() if before else None,
        after=manifest.content(),
        reason=manifest.reason,
        run=run,
        diagnosis=diagnosis,
        worse=tuple(worse),
    )
    append(folder.parent, entry)
    return manifest


def stale_reasons(
    golden: Golden | Manifest,
    *,
    teacher_digest: str | None = None,
    metric_identities: Mapping[str, JsonValue] | None = None,
    case: Mapping[str, JsonValue] | None = None,
    timesteps: Sequence[float] | None = None,
    scheduler: Mapping[str, JsonValue] | None = None,
) -> list[str]:
    """Why a golden no longer counts, in words; empty when it does. What is None is not compared.

    A metric that the golden does not know is no reason: the teacher's figure can be taken from the golden's image.
    """
    manifest = golden.manifest if isinstance(golden, Golden) else golden
    reasons = []
    if teacher_digest is not None and teacher_digest != manifest.teacher:
        reasons.append(f"the teacher changed: {manifest.teacher[:12]} → {teacher_digest[:12]}")
    if case is not None:
        wanted = json.loads(json.dumps(case))
        for key in sorted(set(wanted) | set(manifest.inputs)):
            old, new = manifest.inputs.get(key), wanted.get(key)
            if old != new:
                reasons.append(f"the case changed: {key}: {_short(old)} → {_short(new)}")
    if timesteps is not None and tuple(float(t) for t in timesteps) != manifest.timesteps:
        reasons.append(f"the schedule changed: {_short(list(manifest.timesteps))} → {_short(list(timesteps))}")
    if scheduler is not None and json.loads(json.dumps(dict(scheduler))) != manifest.scheduler:
        reasons.append(f"the scheduler's settings changed: {_short(manifest.scheduler)} → {_short(dict(scheduler))}")
    for name, identity in sorted((metric_identities or {}).items()):
        if name in manifest.metrics and digest_of(manifest.metrics[name]) != digest_of(
            json.loads(json.dumps(identity))
        ):
            reasons.append(f"the metric {name} changed: {_short(manifest.metrics[name])} → {_short(identity)}")
    return reasons


def _short(value: object) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return text if len(text) <= 80 else text[:77] + "…"
