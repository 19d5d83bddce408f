"""What a run leaves on disk, typed to the last field. Everything after scoring is a pure function of bundles.

`records` are what every room speaks of, `folder` is where they lie; `facts`, `fingerprint` and `environment` tell what
was executed and where, `diagnosis` and `sensitivity` what broke and what the gate is known to catch; `documents` reads
all of it back as what it is, untrusted JSON. `merge` makes one run of several machines'; `schema` is what others read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdqa.lazy import offering

if TYPE_CHECKING:
    from sdqa.bundle.blob import BLOB_FOLDER as BLOB_FOLDER
    from sdqa.bundle.blob import Blob as Blob
    from sdqa.bundle.environment import Environment as Environment
    from sdqa.bundle.facts import CaseInputs as CaseInputs
    from sdqa.bundle.facts import PackageFacts as PackageFacts
    from sdqa.bundle.facts import SampleFacts as SampleFacts
    from sdqa.bundle.film import Film as Film
    from sdqa.bundle.film import FilmFrame as FilmFrame
    from sdqa.bundle.fingerprint import Fingerprint as Fingerprint
    from sdqa.bundle.folder import Bundle as Bundle
    from sdqa.bundle.judge_change import JudgeChange as JudgeChange
    from sdqa.bundle.judge_change import JudgeComparison as JudgeComparison
    from sdqa.bundle.orphan import Orphan as Orphan
    from sdqa.bundle.provenance import Provenance as Provenance
    from sdqa.bundle.record import Record as Record
    from sdqa.bundle.records import SCHEMA_VERSION as SCHEMA_VERSION
    from sdqa.bundle.records import DeviceEstimate as DeviceEstimate
    from sdqa.bundle.records import Estimate as Estimate
    from sdqa.bundle.records import Failure as Failure
    from sdqa.bundle.records import Lane as Lane
    from sdqa.bundle.records import Measurement as Measurement
    from sdqa.bundle.records import Package as Package
    from sdqa.bundle.records import Run as Run
    from sdqa.bundle.records import Sample as Sample
    from sdqa.bundle.records import Verdict as Verdict
    from sdqa.bundle.records import is_timing as is_timing
    from sdqa.bundle.terms import Better as Better
    from sdqa.bundle.terms import Status as Status

_LAZY = {
    "BLOB_FOLDER": "sdqa.bundle.blob",
    "Better": "sdqa.bundle.terms",
    "Blob": "sdqa.bundle.blob",
    "Bundle": "sdqa.bundle.folder",
    "CaseInputs": "sdqa.bundle.facts",
    "DeviceEstimate": "sdqa.bundle.records",
    "Environment": "sdqa.bundle.environment",
    "Estimate": "sdqa.bundle.records",
    "Failure": "sdqa.bundle.records",
    "Film": "sdqa.bundle.film",
    "FilmFrame": "sdqa.bundle.film",
    "Fingerprint": "sdqa.bundle.fingerprint",
    "JudgeChange": "sdqa.bundle.judge_change",
    "JudgeComparison": "sdqa.bundle.judge_change",
    "Lane": "sdqa.bundle.records",
    "Measurement": "sdqa.bundle.records",
    "Orphan": "sdqa.bundle.orphan",
    "Package": "sdqa.bundle.records",
    "PackageFacts": "sdqa.bundle.facts",
    "Provenance": "sdqa.bundle.provenance",
    "Record": "sdqa.bundle.record",
    "Run": "sdqa.bundle.records",
    "SCHEMA_VERSION": "sdqa.bundle.records",
    "Sample": "sdqa.bundle.records",
    "SampleFacts": "sdqa.bundle.facts",
    "Status": "sdqa.bundle.terms",
    "Verdict": "sdqa.bundle.records",
    "is_timing": "sdqa.bundle.records",
}

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

__getattr__ = offering(__name__, _LAZY)
