"""What of a case decides its picture: what a golden records, and is held against; without torch."""

from __future__ import annotations

from typing import Any

from sdqa.models.teacher import Facts
from sdqa.plan import Case

#: A case's entries that decide the picture; `models` only says where it runs.
INPUTS = ("prompt", "negative_prompt", "source", "source_prompt", "strength", "guidance_scale", "steps", "scheduler")


def case_inputs(case: Case, facts: Facts) -> dict[str, Any]:
    """What a golden records of a case, for deciding whether it still counts."""
    data = case.model_dump(mode="json", include=set(INPUTS))
    if case.source is None:
        del data["strength"], data["source"], data["source_prompt"]
    elif case.background is not None:
        data["background"] = case.background
    return {**data, "size": facts.image_size}
