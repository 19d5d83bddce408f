"""What a run leaves on disk, typed to the last field. Everything after scoring is a pure function of bundles.

`records` are what every room speaks of, `folder` is where they lie; `facts`, `fingerprint` and `environment` tell what
was executed and where, `diagnosis` and `sensitivity` what broke and what the gate is known to catch; `documents` reads
all of it back as what it is, untrusted JSON. `merge` makes one run of several machines'; `schema` is what others read.
"""

from __future__ import annotations

from sdqa.bundle.blob import BLOB_FOLDER, Blob
from sdqa.bundle.environment import Environment
from sdqa.bundle.facts import CaseInputs, PackageFacts, SampleFacts
from sdqa.bundle.film import Film, FilmFrame
from sdqa.bundle.fingerprint import Fingerprint
from sdqa.bundle.folder import Bundle
from sdqa.bundle.judge_change import JudgeChange, JudgeComparison
from sdqa.bundle.orphan import Orphan
from sdqa.bundle.provenance import Provenance
from sdqa.bundle.record import Record
from sdqa.bundle.records import (
    SCHEMA_VERSION,
    Better,
    DeviceEstimate,
    Estimate,
    Failure,
    Lane,
    Measurement,
    Package,
    Run,
    Sample,
    Status,
    Verdict,
    is_timing,
)

__all__ = [
    "BLOB_FOLDER",
    "SCHEMA_VERSION",
    "Better",
    "Blob",
    "Bundle",
    "CaseInputs",
    "DeviceEstimate",
    "Environment",
    "Estimate",
    "Failure",
    "Film",
    "FilmFrame",
    "Fingerprint",
    "JudgeChange",
    "JudgeComparison",
    "Lane",
    "Measurement",
    "Orphan",
    "Package",
    "PackageFacts",
    "Provenance",
    "Record",
    "Run",
    "Sample",
    "SampleFacts",
    "Status",
    "Verdict",
    "is_timing",
]
