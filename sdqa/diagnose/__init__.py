"""Diagnosis: which component, which stage and which operation broke the candidate, and how much it explains.

Five instruments, each a module and each runnable alone on a `Harness`: `coverage`, `ladder`, `swap`, `steps`,
`operations`; `glue` for what lies between the components; and `verdict`, which says it in words. See docs/diagnosis.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdqa.lazy import offering

if TYPE_CHECKING:
    from sdqa.bundle.diagnosis import Diagnosis as Diagnosis
    from sdqa.diagnose.evidence import Evidence as Evidence
    from sdqa.diagnose.evidence import ExaminedCase as ExaminedCase
    from sdqa.diagnose.evidence import Wrapper as Wrapper
    from sdqa.diagnose.examine import diagnose as diagnose

_LAZY = {
    "ExaminedCase": "sdqa.diagnose.evidence",
    "Diagnosis": "sdqa.bundle.diagnosis",
    "Evidence": "sdqa.diagnose.evidence",
    "Wrapper": "sdqa.diagnose.evidence",
    "diagnose": "sdqa.diagnose.examine",
}

__all__ = ["Diagnosis", "Evidence", "ExaminedCase", "Wrapper", "diagnose"]

__getattr__ = offering(__name__, _LAZY)
