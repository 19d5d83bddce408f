"""Pages of the site that are made from the code: the reference from docstrings, tables from the registries.

mkdocs runs `on_files` as a hook; nothing of it is kept in the repository, so nothing can be out of date.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

ROOT = Path(__file__).parents[1]

REFERENCE = {
    "sdqa.mil": "The reference runtime.",
    "sdqa.mil.program": "A loaded program.",
    "sdqa.mil.registry": "The operations that it knows.",
    "sdqa.metrics.registry": "Metrics and their self-tests.",
    "sdqa.faults.registry": "Faults.",
    "sdqa.models.sources": "Sources of models.",
    "sdqa.plan.suite": "What `sdqa.toml` becomes.",
    "sdqa.bundle.records": "What `run.json` holds.",
    "sdqa.gate.tolerances": "Limits and where they come from.",
    "sdqa.store": "The store.",
    "sdqa.errors": "Errors and exit codes.",
    "sdqa.workflow": "The flow.",
}
"""Modules of the reference, with what to call them."""


def table(heads: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A table in Markdown; what would end a cell is escaped."""
    lines = [heads, ["---"] * len(list(heads)), *rows]
    return "\n".join("| " + " | ".join(cell(value) for value in line) + " |" for line in lines) + "\n"


def cell(value: object) -> str:
    """Text that stays within its cell."""
    return str(value).replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")


def metrics() -> str:
    """Every registered metric."""
    from sdqa.metrics import METRICS

    rows = [
        (f"`{one.name}`", one.unit or "–", one.better, span(one.valid), ", ".join(sorted(one.needs)), one.summary)
        for one in sorted(METRICS.values(), key=lambda one: one.name)
    ]
    heads = ["metric", "unit", "better", "valid", "needs", "what it is"]
    return f"# Metrics, from the registry\n\n{table(heads, rows)}\n## Figures that a lane adds\n\n{lane_figures()}"


def lane_figures() -> str:
    """What the figures of components and of whole lanes can be."""
    from sdqa.metrics.kinds import OF_LANES

    rows = [
        (f"`{name}`", one.unit or "–", one.better, span(one.valid), "yes" if one.whole else "", one.of)
        for name, one in OF_LANES.items()
    ]
    return table(["figure", "unit", "better", "valid", "whole number", "of a"], rows)


def span(valid: tuple[float, float]) -> str:
    """A closed range in words."""
    return f"{valid[0]:g} to {valid[1]:g}"


def faults() -> str:
    """Every registered fault with its severities."""
    from sdqa.faults.registry import known_faults

    rows = [
        (
            f"`{one.name}`",
            one.component,
            one.stage,
            ", ".join(f"{k} {v}" for k, v in one.severities.items()),
            one.summary,
        )
        for one in known_faults().values()
    ]
    return f"# Faults, from the registry\n\n{table(['fault', 'blamed', 'stage', 'severities', 'what it is'], rows)}"


def recipes() -> str:
    """Every compression recipe."""
    from sdqa.plan.variant import RECIPES

    return f"# Recipes\n\n{table(['`compression`'], [(f'`{name}`',) for name in RECIPES])}"


def configuration() -> str:
    """Every key of `sdqa.toml`, section by section."""
    from pydantic import BaseModel

    from sdqa.plan import Suite

    sections: dict[str, type[BaseModel]] = {"top level": Suite}
    for name, field in Suite.model_fields.items():
        for model in models_in(field.annotation):
            sections[name] = model
    parts = ["# Keys of `sdqa.toml`, from the schema\n"]
    for name, model in sections.items():
        rows = [
            (f"`{key}`", words(field.annotation), default(field), field.description or "")
            for key, field in model.model_fields.items()
        ]
        parts.append(
            f"## {name if model is Suite else f'`{name}`'}\n\n{table(['key', 'values', 'default', 'meaning'], rows)}"
        )
    return "\n".join(parts)


def models_in(annotation: Any) -> list[Any]:
    """The sections that an annotation holds."""
    from pydantic import BaseModel

    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in models_in(argument)]


def words(annotation: Any) -> str:
    """An annotation as its reader needs it: literals by value, classes by name, checks left out."""
    from types import NoneType

    if annotation is NoneType:
        return ""
    if get_origin(annotation) is Annotated:
        return words(get_args(annotation)[0])
    if isinstance(annotation, str | int):
        return f"`{annotation}`"
    if annotation is Ellipsis:
        return ""
    if get_args(annotation):
        return ", ".join(dict.fromkeys(text for text in map(words, get_args(annotation)) if text))
    return getattr(annotation, "__name__", str(annotation))


def default(field: Any) -> str:
    """A field's default; a section's own defaults are in its own table."""
    from pydantic import BaseModel

    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    plain = "" if value is None or isinstance(value, BaseModel) or value in ({}, (), "") else json.dumps(value)
    return f"`{plain}`" if plain else ""


def from_root(name: str) -> Callable[[], str]:
    """A document at the root of the repository, with its links made relative to `docs/`."""

    def page() -> str:
        text = (ROOT / name).read_text(encoding="utf-8")
        return re.sub(r"\]\(docs/", "](", text)

    return page


def reference(module: str) -> Callable[[], str]:
    """A page that mkdocstrings fills from a module's docstrings."""
    return lambda: f"# `{module}`\n\n{REFERENCE[module]}\n\n::: {module}\n"


PAGES: Mapping[str, Callable[[], str]] = {
    "index.md": from_root("README.md"),
    "contributing.md": from_root("CONTRIBUTING.md"),
    "changelog.md": from_root("CHANGELOG.md"),
    "tables/metrics.md": metrics,
    "tables/faults.md": faults,
    "tables/recipes.md": recipes,
    "tables/configuration.md": configuration,
    **{f"reference/{module}.md": reference(module) for module in REFERENCE},
}


def on_files(files: Any, config: Any) -> Any:
    """mkdocs' hook: add the pages."""
    from mkdocs.structure.files import File

    for name, page in PAGES.items():
        files.append(File.generated(config, name, content=page()))
    return files
