"""Where a teacher comes from.

A source names a teacher: `embedded:tiny`, `folder:PATH`, `hub:OWNER/NAME[@REVISION]`, `random:ARCHITECTURE`; or a
folder of packages that some other tool converted: `packages:PATH`. Nothing here imports torch before a part is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdqa.lazy import offering

if TYPE_CHECKING:
    from sdqa.models.packages import ExistingPackages as ExistingPackages
    from sdqa.models.sources import SOURCES as SOURCES
    from sdqa.models.sources import load_source as load_source
    from sdqa.models.sources import load_teacher as load_teacher
    from sdqa.models.sources import look_at as look_at
    from sdqa.models.teacher import Facts as Facts
    from sdqa.models.teacher import Teacher as Teacher

_LAZY = {
    "ExistingPackages": "sdqa.models.packages",
    "Facts": "sdqa.models.teacher",
    "SOURCES": "sdqa.models.sources",
    "Teacher": "sdqa.models.teacher",
    "load_source": "sdqa.models.sources",
    "load_teacher": "sdqa.models.sources",
    "look_at": "sdqa.models.sources",
}

__all__ = [
    "SOURCES",
    "ExistingPackages",
    "Facts",
    "Teacher",
    "load_source",
    "load_teacher",
    "look_at",
]

__getattr__ = offering(__name__, _LAZY)
