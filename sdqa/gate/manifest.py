"""A golden's manifest: what was put in, what it scored, and the digests of everything that was recorded."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal

from pydantic import Field, JsonValue

from sdqa.bundle import Record, documents
from sdqa.bundle.record import later
from sdqa.errors import GoldenMissing
from sdqa.store import digest_of

SCHEMA_VERSION = 1
MANIFEST_FILE = "manifest.json"
MAX_MANIFEST_BYTES = 2 * 2**20


class GoldenFile(Record):
    """One file of a golden."""

    sha256: str
    bytes: int
    place: Literal["folder", "warehouse"] = "folder"


class Manifest(Record):
    """What is recorded with a golden."""

    schema_version: int = SCHEMA_VERSION
    model: str
    case: str
    inputs: dict[str, JsonValue]  # prompt, negative prompt, strength, guidance scale, steps, scheduler …
    seed: int
    timesteps: tuple[float, ...]  # the schedule as it was run
    scheduler: dict[str, JsonValue] = later({})  # of its settings, what is not Stable Diffusion's
    scores: dict[str, float | None] = Field(default_factory=dict)  # metric → the teacher's figure
    teacher: str  # digest of the model that drew it
    origin: str = "teacher"  # what drew it: the teacher, or the lane whose outcome was approved
    metrics: dict[str, JsonValue] = Field(default_factory=dict)  # metric → identity
    digests: dict[str, str]  # of values: image, latents, noise, posterior_noise, source
    files: dict[str, GoldenFile]
    versions: dict[str, str] = Field(default_factory=dict)
    reason: str
    date: str  # ISO 8601, UTC
    stability: str = later("")  # how far the teacher's picture moves under a disturbance, in words; empty: not asked

    def content(self) -> str:
        """Digest of what the golden says; when and why it was recorded do not matter.

        A field that came later counts only where it is not its default: older records keep their digest.
        """
        ignored = {"reason", "date", "versions", "files", "stability"} | (
            {"origin"} if self.origin == "teacher" else set()
        )
        return digest_of(self.model_dump(mode="json", exclude=ignored))


def file_record(data: bytes, place: Literal["folder", "warehouse"] = "folder") -> GoldenFile:
    """What is recorded of a file."""
    return GoldenFile(sha256=hashlib.sha256(data).hexdigest(), bytes=len(data), place=place)


def read_manifest(folder: Path) -> Manifest:
    """A golden's manifest alone.

    Raises:
        GoldenMissing: there is none, or it does not follow the schema.
    """
    return documents.read(
        folder / MANIFEST_FILE,
        Manifest,
        GoldenMissing,
        name="the golden's manifest",
        limit=MAX_MANIFEST_BYTES,
        missing="there is no golden for this case",
        hint=f"record it: sdqa goldens --case {folder.name} --reason '…'",
    )
