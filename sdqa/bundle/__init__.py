"""What a run leaves on disk, typed to the last field. Everything after scoring is a pure function of bundles.

`records` are what every room speaks of, `folder` is where they lie; `diagnosis` and `sensitivity` say what broke and
what the gate is known to catch; `documents` reads all of it back as what it is, untrusted JSON. `merge` makes one run
of several machines'; `schema` is what others read.
"""

from __future__ import annotations

from sdqa.bundle.folder import Bundle
from sdqa.bundle.records import (
    BLOB_FOLDER,
    SCHEMA_VERSION,
    Better,
    Blob,
    DeviceEstimate,
    Estimate,
    Failure,
    JudgeChange,
    Lane,
    Measurement,
    Package,
    Provenance,
    Record,
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
    "DeviceEstimate",
    "Estimate",
    "Failure",
    "JudgeChange",
    "Lane",
    "Measurement",
    "Package",
    "Provenance",
    "Record",
    "Run",
    "Sample",
    "Status",
    "Verdict",
    "is_timing",
]
