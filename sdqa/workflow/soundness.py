"""Whether what a lane starts from can be used: its weights and pictures, looked at before anything is converted."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from sdqa.errors import ConfigError, Problem, SdqaError
from sdqa.plan import Case, Plan

if TYPE_CHECKING:
    from sdqa.models import Teacher
    from sdqa.workflow.job import Job


def demand_architecture(job: Job, teacher: Teacher) -> None:
    """Once for each teacher, what examines it and version of the libraries: it takes importing them.

    Raises:
        ModelError: the weights are not the architecture's.
    """
    import importlib.metadata

    from sdqa.models.architecture import demand_architecture as demand
    from sdqa.models.opening import examine_folder
    from sdqa.store import code_digest

    folder = teacher.folder
    assert folder is not None
    versions = {name: importlib.metadata.version(name) for name in ("diffusers", "transformers")}

    def build(place: Path) -> None:
        demand(folder, examine_folder(folder, source=teacher.source))
        (place / "sound").write_text("", encoding="utf-8")

    code = code_digest("sdqa.models.architecture", "sdqa.models.opening")
    job.store.memo("architecture", {"teacher": teacher.digest, "versions": versions, "code": code}, build)


def demand_finite(job: Job, teacher: Teacher) -> None:
    """Once for each teacher: its weights are read to their end, before the first of them is converted.

    Raises:
        ModelError: with the parameters that have a value which is not finite.
    """
    from sdqa.models.opening import examine_folder
    from sdqa.models.stored_values import demand_finite_files
    from sdqa.store import code_digest

    folder = teacher.folder
    assert folder is not None

    def build(place: Path) -> None:
        demand_finite_files(examine_folder(folder, source=teacher.source))
        (place / "sound").write_text("", encoding="utf-8")

    code = code_digest("sdqa.models.stored_values", "sdqa.models.opening")
    job.store.memo("finite", {"teacher": teacher.digest, "code": code}, build)


def demand_pictures(plan: Plan, cases: Mapping[str, Case], size: int | None) -> None:
    """Refuse cases whose source pictures cannot be used.

    Args:
        size: pixels a side of the model's pictures; None where that is not known.

    Raises:
        ConfigError: with each case's path, and why.
    """
    from sdqa.generate.sources import look_at_source

    problems, hints = [], dict[str, None]()
    for name, case in cases.items():
        try:
            if case.source is not None:
                look_at_source(case.source, size, plan.root, case.background)
        except SdqaError as error:
            where = f" ({error.where})" if error.where and error.where != case.source else ""
            problems.append(Problem(f"$.cases.{name}.source", f"{error.what}{where}"))
            hints[error.hint] = None
    if problems:
        raise ConfigError(problems, where=str(plan.suite_path), hint="; ".join(filter(None, hints)))
