"""Whether a lane's prompts are read as its plan reads them: by the tokenizer that draws, and by the one that ships."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path
from typing import TYPE_CHECKING

from sdqa.address import resolved
from sdqa.errors import ModelError
from sdqa.plan import PlannedLane
from sdqa.runtime.registry import find_runtime
from sdqa.store import code_digest

if TYPE_CHECKING:
    from sdqa.models import Teacher
    from sdqa.models.tokens import PromptTokenizer
    from sdqa.workflow.job import Job

LETTERS = 80
"""Of a prompt that are shown."""


def demand_tokens(job: Job, lane: PlannedLane, teacher: Teacher, tokenizer: PromptTokenizer) -> None:
    """The tokenizer that draws, as transformers loads it, reads the lane's prompts as the plan does.

    Raises:
        ModelError: it does not.
    """
    texts = sorted({text for case in lane.cases.values() for text in (case.prompt, case.negative_prompt)})
    expected = {text: tokenizer.seen(text) for text in texts}
    key = {
        "teacher": teacher.digest,
        "texts": [[text, list(seen)] for text, seen in expected.items()],
        "versions": {name: importlib.metadata.version(name) for name in ("tokenizers", "transformers")},
        "code": code_digest("sdqa.models"),
    }

    def build(place: Path) -> None:
        drawing = teacher.part(teacher.family.text_encoders[0].tokenizer)
        length = drawing.model_max_length
        for text, seen in expected.items():
            ids = drawing(text, padding="max_length", max_length=length, truncation=True).input_ids
            if list(ids[1 : len(seen) + 1]) != list(seen) or drawing.eos_token_id != ids[len(seen) + 1]:
                raise ModelError(
                    f"transformers reads the prompt {text[:LETTERS]!r} as {ids[: len(seen) + 2]}, "
                    f"the plan as {list(seen)} between start and end",
                    where=teacher.source,
                    hint="save the pipeline again with its tokenizer: what its files say contradicts itself",
                )
        (place / "same").write_text("", encoding="utf-8")

    job.store.memo("tokens", key, build)


def tokenizer_beside(lane: PlannedLane, tokenizer: PromptTokenizer) -> tuple[str, ...]:
    """What is to be said of tokenizer files beside another tool's packages.

    Raises:
        PackagesError: they are not the tokenizer that draws.
    """
    from sdqa.models.tokens_beside import compare_tokenizer

    source = lane.model.source
    if not source.startswith("packages:") or not find_runtime(lane.runtime).needs_packages:
        return ()
    folder = resolved(Path(source.removeprefix("packages:")))
    return compare_tokenizer(folder, tokenizer, source=source) if folder.is_dir() else ()
