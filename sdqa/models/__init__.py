"""Where a teacher comes from.

A source names a teacher: `embedded:tiny`, `folder:PATH`, `hub:OWNER/NAME[@REVISION]`, `random:ARCHITECTURE`; or a
folder of packages that some other tool converted: `packages:PATH`. Nothing here imports torch before a part is used.
"""

from __future__ import annotations

from sdqa.models.packages import ExistingPackages
from sdqa.models.sources import SOURCES, load_source, load_teacher, look_at
from sdqa.models.teacher import Facts, Teacher

__all__ = ["SOURCES", "ExistingPackages", "Facts", "Teacher", "load_source", "load_teacher", "look_at"]
