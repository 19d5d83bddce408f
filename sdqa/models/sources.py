"""The registry of sources: `embedded:`, `folder:`, `hub:`, `random:`, `packages:`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sdqa.address import resolved
from sdqa.errors import ModelError

if TYPE_CHECKING:
    from sdqa.models.opening import Opening
    from sdqa.models.packages import ExistingPackages
    from sdqa.models.teacher import Teacher


@dataclass(frozen=True)
class Wanted:
    """What a source is asked for."""

    source: str
    """As written, prefix included; it becomes the teacher's name."""
    rest: str
    """Without the prefix."""
    lock: Path | None
    """Where resolved revisions and digests are recorded and verified; None records nothing."""
    offline: bool


Loader = Callable[[Wanted], "Teacher | ExistingPackages"]
Look = Callable[[Wanted], "Opening | None"]
SOURCES: dict[str, Loader] = {}
LOOKS: dict[str, Look] = {}


def source(prefix: str) -> Callable[[Loader], Loader]:
    """Register how sources that start with `prefix:` are loaded."""

    def register(loader: Loader) -> Loader:
        if prefix in SOURCES:
            raise ValueError(f"two loaders for {prefix}:")
        SOURCES[prefix] = loader
        return loader

    return register


def look(prefix: str) -> Callable[[Look], Look]:
    """Register how the pipelines of sources that start with `prefix:` are looked at: no weights, network or torch."""

    def register(looking: Look) -> Look:
        if prefix in LOOKS:
            raise ValueError(f"two looks at {prefix}:")
        LOOKS[prefix] = looking
        return looking

    return register


def is_remote(name: str) -> bool:
    """Whether a source lies on a hub, and has to be fetched before it is used."""
    return name.partition(":")[0] == "hub"


def look_at(name: str, *, lock: Path | None = None) -> Opening | None:
    """What a source's pipeline is, without reading weights; None where it is not on this machine, or is no pipeline.

    Raises:
        ModelError: a file is garbled, or the parts do not fit together.
        UnsupportedModel: a folder or hub model that cannot be drawn.
    """
    prefix, _, rest = name.partition(":")
    return LOOKS[prefix](Wanted(name, rest, lock, offline=True)) if prefix in LOOKS else None


def load_source(name: str, *, lock: Path | None = None, offline: bool = False) -> Teacher | ExistingPackages:
    """What a source names.

    Raises:
        ModelError: no such kind of source, or its content cannot be used.
        ModelUnreachable: a hub model that is neither cached nor reachable.
        DigestMismatch: not the files that the lock records.
    """
    prefix, _, rest = name.partition(":")
    if prefix not in SOURCES or not rest:
        raise ModelError(
            f"{name!r} is not a source", hint="sources: " + ", ".join(f"{prefix}:…" for prefix in sorted(SOURCES))
        )
    return SOURCES[prefix](Wanted(name, rest, lock, offline))


def load_teacher(name: str, *, lock: Path | None = None, offline: bool = False) -> Teacher:
    """The teacher that a source names; errors as in `load_source`."""
    from sdqa.models.packages import ExistingPackages

    loaded = load_source(name, lock=lock, offline=offline)
    if isinstance(loaded, ExistingPackages):
        raise ModelError(
            "packages have no PyTorch teacher", where=name, hint="name the model that they were converted from as well"
        )
    return loaded


@source("embedded")
def embedded(request: Wanted) -> Teacher:
    """A model that ships with sdqa."""
    from sdqa.embedded import PIPELINE
    from sdqa.embedded.variants import assembled
    from sdqa.models.folder import load_folder

    if request.rest == "tiny":
        return load_folder(PIPELINE, source=request.source)
    _demand_embedded(request)
    return load_folder(assembled(request.rest), source=request.source)


def _demand_embedded(request: Wanted) -> None:
    from sdqa.embedded.variants import VARIANTS

    known = ("tiny", *VARIANTS)
    if request.rest not in known:
        what = f"there is no embedded model {request.rest!r}"
        raise ModelError(what, where=request.source, hint=f"embedded: {', '.join(known)}")


@look("embedded")
def look_at_embedded(request: Wanted) -> Opening | None:
    """Its variants are of the same parts."""
    from sdqa.embedded import PIPELINE
    from sdqa.models.opening import examine_folder

    _demand_embedded(request)
    return examine_folder(PIPELINE, source=request.source)


@source("folder")
def folder(request: Wanted) -> Teacher:
    """A local folder in diffusers format."""
    from sdqa.models.folder import load_folder

    return load_folder(Path(request.rest), source=request.source)


@look("folder")
def look_at_folder(request: Wanted) -> Opening | None:
    """A local folder's files, but for the values of its weights."""
    from sdqa.models.opening import examine_folder
    from sdqa.models.single_file import refuse_file

    place = resolved(Path(request.rest))
    if place.is_file():
        raise refuse_file(place, request.source)
    return examine_folder(place, source=request.source) if place.is_dir() else None


@source("hub")
def hub(request: Wanted) -> Teacher:
    """A model on a hub, at a pinned revision."""
    from sdqa.models.hub import load_hub

    return load_hub(request.rest, source=request.source, lock=request.lock, offline=request.offline)


@look("hub")
def look_at_cache(request: Wanted) -> Opening | None:
    """What the hub's cache holds."""
    from sdqa.models.hub import look_at_hub

    return look_at_hub(request.rest, source=request.source, lock=request.lock)


@source("random")
def random(request: Wanted) -> Teacher:
    """A published architecture with seeded random weights."""
    from sdqa.models.random_weights import load_random

    return load_random(request.rest, source=request.source)


@look("random")
def look_at_architecture(request: Wanted) -> Opening | None:
    """An architecture's family; one that cannot be drawn can still be converted and sized."""
    from sdqa.models.random_weights import look_at_random

    return look_at_random(request.rest, source=request.source)


@source("packages")
def packages(request: Wanted) -> ExistingPackages:
    """A folder of packages that any converter made."""
    from sdqa.models.packages import ExistingPackages

    return ExistingPackages.find(Path(request.rest), source=request.source)
