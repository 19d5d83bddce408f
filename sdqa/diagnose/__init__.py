"""Diagnosis: which component, which stage and which operation broke the candidate, and how much it explains.

Five instruments, each a module and each runnable alone on a `Bench`: `coverage`, `ladder`, `swap`, `steps`,
`operations`; `glue` for what lies between the components; and `verdict`, which says it in words. See docs/diagnosis.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sdqa.diagnose.evidence import Case as Case
    from sdqa.diagnose.evidence import Evidence as Evidence
    from sdqa.diagnose.evidence import Wrapper as Wrapper
    from sdqa.diagnose.examine import diagnose as diagnose
    from sdqa.diagnose.records import Diagnosis as Diagnosis

_PLACES = {
    "Case": "evidence",
    "Diagnosis": "records",
    "Evidence": "evidence",
    "Wrapper": "evidence",
    "diagnose": "examine",
}

__all__ = ["Case", "Diagnosis", "Evidence", "Wrapper", "diagnose"]


def __getattr__(name: str) -> Any:
    """Import torch only with what needs it."""
    if name in _PLACES:
        import importlib

        return getattr(importlib.import_module(f"sdqa.diagnose.{_PLACES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
