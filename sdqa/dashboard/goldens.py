"""The audit log of goldens as a timeline, with the picture before and after each change where git remembers them.

A golden's folder is read as it was in every commit that touched it; what a manifest there holds is the digest that the
log names. Pictures are decoded, made small and written anew: what a stranger put into a PNG stays there.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import ValidationError

from sdqa.errors import SdqaError
from sdqa.gate.audit import AuditEntry, read_audit
from sdqa.gate.codec import decode_image
from sdqa.gate.manifest import MANIFEST_FILE, Manifest
from sdqa.history import git

SHOWN = 200
"""Entries of a model, the newest."""
PICTURED = 60
"""Entries with pictures, the newest."""
MAX_PICTURE_BYTES = 8 * 2**20
SIDE_PX = 192


@dataclass(frozen=True)
class GoldenChange:
    """One entry of a log."""

    model: str
    date: str
    who: str
    subject: str
    before: str
    after: str
    reason: str
    diagnosis: str
    worse: tuple[str, ...]
    first: bool  # nothing was there before
    picture_before: bytes = b""  # WebP
    picture_after: bytes = b""


def timeline(goldens: Path) -> tuple[list[GoldenChange], list[str]]:
    """All models' entries, the newest first, and what could not be read, in words."""
    found: list[GoldenChange] = []
    problems = []
    models = sorted(path for path in goldens.iterdir() if path.is_dir()) if goldens.is_dir() else []
    for folder in models:
        try:
            entries = read_audit(folder)[-SHOWN:]
        except SdqaError as error:
            problems.append(f"{folder.name}: {error.what}")
            continue
        found += [_change(folder.name, entry) for entry in reversed(entries)]
    found.sort(key=lambda one: one.date, reverse=True)
    return _with_pictures(goldens, found), problems


def _change(model: str, entry: AuditEntry) -> GoldenChange:
    return GoldenChange(
        model=model,
        date=entry.date,
        who=entry.who.partition("<")[0].strip(),  # a site may be public: no addresses
        subject=entry.subject,
        before=entry.before or "",
        after=entry.after,
        reason=entry.reason,
        diagnosis=entry.diagnosis,
        worse=entry.worse,
        first=entry.before is None,
    )


def _with_pictures(goldens: Path, changes: list[GoldenChange]) -> list[GoldenChange]:
    known: dict[tuple[str, str], Mapping[str, bytes]] = {}
    found = []
    for change in changes:
        key = (change.model, change.subject)
        if len(known) < PICTURED and key not in known:
            known[key] = dict(_versions(goldens, *key))
        versions = known.get(key, {})
        found.append(
            replace(
                change,
                picture_before=versions.get(change.before, b""),
                picture_after=versions.get(change.after, b""),
            )
        )
    return found


def _versions(goldens: Path, model: str, subject: str) -> Iterator[tuple[str, bytes]]:
    """Content's digest → small picture, of every version of a golden that is there or that git remembers."""
    folder = goldens / model / subject
    if not folder.resolve().is_relative_to(goldens.resolve()) or not (folder / MANIFEST_FILE).is_file():
        return
    now = {name: _file(folder / name) for name in (MANIFEST_FILE, "image.png")}
    yield from _version(now[MANIFEST_FILE], now["image.png"])
    manifest = f"./{model}/{subject}/{MANIFEST_FILE}"
    commits = (git.output(goldens, "log", "-n", "20", "--format=%H", "--", manifest) or "").split()
    for commit in commits:
        try:
            files = [git.run(goldens, "show", f"{commit}:./{model}/{subject}/{name}") for name in now]
        except git.GitFailed:
            continue
        yield from _version(*files)


def _file(path: Path) -> bytes:
    try:
        return path.read_bytes() if path.stat().st_size <= MAX_PICTURE_BYTES else b""
    except OSError:
        return b""


def _version(manifest: bytes, picture: bytes) -> Iterator[tuple[str, bytes]]:
    from PIL import Image

    if not picture or len(picture) > MAX_PICTURE_BYTES:
        return
    try:
        digest = Manifest.model_validate_json(manifest).content()
        image = Image.fromarray(decode_image(picture, Path("image.png")))
    except (ValidationError, ValueError, SdqaError):
        return
    image.thumbnail((SIDE_PX, SIDE_PX))
    stream = io.BytesIO()
    image.save(stream, "WEBP", quality=88)
    yield digest, stream.getvalue()
