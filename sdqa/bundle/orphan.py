"""What lies in the goldens' folder and nothing in the suite asks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from sdqa.bundle.record import Record


class Orphan(Record):
    """One reference that nothing is held against any more."""

    kind: Literal["golden", "baseline", "tolerances"]
    subject: str  # `<model>/<case>`, `<model>/baselines/<lane>/<case>`, `<model>/tolerances`

    @property
    def model(self) -> str:
        """The model's folder, whether or not the suite still has it."""
        return self.subject.partition("/")[0]

    @property
    def words(self) -> str:
        """What it is, as a change of the judge."""
        return f"{self.kind if self.kind == 'tolerances' else f'a {self.kind}'} that nothing asks for"


NAMED = 5


def orphan_words(found: Sequence[Orphan]) -> str:
    """`2 goldens that no case asks for: tiny/a, tiny/b`; empty when there are none."""
    if not found:
        return ""
    some = f"{', '.join(one.subject for one in found[:NAMED])}{' …' if len(found) > NAMED else ''}"
    if all(one.kind == "golden" for one in found):
        return f"{len(found)} goldens that no case asks for: {some}"
    return f"{len(found)} references that no model, lane or case asks for: {some}"
