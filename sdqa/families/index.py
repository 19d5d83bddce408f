"""`model_index.json` as a typed record: the pipeline's class and its parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sdqa.errors import ModelError

INDEX_FILE = "model_index.json"


@dataclass(frozen=True)
class IndexEntry:
    """What a part is made of."""

    library: str
    class_name: str

    def __str__(self) -> str:
        return f"{self.library}.{self.class_name}"


@dataclass(frozen=True)
class ModelIndex:
    """A pipeline's class and its parts; those that the file names as null are left out."""

    class_name: str
    parts: Mapping[str, IndexEntry]
    flags: Mapping[str, object] = field(default_factory=dict)
    """What else it says: single values, such as `requires_safety_checker`."""

    @classmethod
    def parse(cls, content: Mapping[str, object], *, where: str) -> ModelIndex:
        """From the file's JSON object.

        Raises:
            ModelError: it names no pipeline class, or an entry is not a pair of library and class.
        """
        class_name = content.get("_class_name")
        match class_name:
            case [str() as module, str() as kind]:
                what = f"{INDEX_FILE} names a custom pipeline, {kind} of {module}.py, whose code is never run"
                hint = "save it with one of diffusers' own pipelines, if it draws as that does"
                raise ModelError(what, where=where, hint=hint)
        if not isinstance(class_name, str) or not class_name.isidentifier():
            raise ModelError(f"{INDEX_FILE} names no pipeline class", where=where, hint="save the pipeline again")
        parts, flags = {}, {}
        for name, value in content.items():
            if name.startswith("_") or value is None:
                continue  # `_diffusers_version`
            if not isinstance(value, list | dict):
                flags[name] = value
                continue
            match value:
                case [_, None]:
                    pass
                case [str() as library, str() as kind]:
                    parts[name] = IndexEntry(library, kind)
                case _:
                    raise ModelError(f"{INDEX_FILE} names {value!r} as {name}", where=where, hint="[library, class]")
        return cls(class_name, parts, flags)
