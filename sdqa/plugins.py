"""What others add to sdqa without a fork of it: modules that fill the registries when they are imported.

An installed distribution names its modules under the entry points of `GROUPS`; a suite names modules under
`[plugins] modules`. Importing a module is all that happens: its `@metric`, `@source`, `@runtime`, `@recipe` register.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sdqa.errors import PluginError
from sdqa.store import digest_of, file_digest

if TYPE_CHECKING:
    import importlib.metadata

GROUPS = ("sdqa.metrics", "sdqa.sources", "sdqa.runtimes", "sdqa.recipes", "sdqa.families")
"""Groups of entry points; each names what its modules add, and all are loaded alike."""


@dataclass(frozen=True)
class Plugin:
    """A module that was loaded, and where it came from."""

    module: str
    distribution: str  # empty for a module that only a suite names
    version: str
    digest: str  # of the source of its top-level package


@dataclass(frozen=True)
class NamedModule:
    """A module to load."""

    module: str
    distribution: str
    version: str
    named_by: str  # for messages


_LOADED: dict[str, Plugin] = {}
_FAILED: dict[str, PluginError] = {}
"""A module that failed has half filled the registries: asked for again, it must not be blamed for duplicates."""
_FOLDERS: list[Path] = []


def load_plugins(modules: Iterable[str] = (), *, folder: Path | None = None) -> tuple[Plugin, ...]:
    """Load what is installed and what is named, once a process; return everything that has been loaded so far.

    Args:
        modules: dotted names besides the installed ones.
        folder: where such modules are looked for last, after the import path.

    Raises:
        PluginError: a plugin cannot be imported, or registers a name that is taken.
    """
    named = tuple(modules)
    if named and folder is not None and folder not in _FOLDERS:
        _FOLDERS.append(folder)
        sys.path.append(str(folder))
    for wanted in (*_installed(), *(NamedModule(name, "", "", "[plugins] of the suite") for name in named)):
        _load(wanted)
    return loaded_plugins()


def loaded_plugins() -> tuple[Plugin, ...]:
    """The plugins of this process, by name of their modules."""
    return tuple(_LOADED[name] for name in sorted(_LOADED))


def plugin_folders() -> tuple[Path, ...]:
    """Folders of suites that modules were looked for in; a process that is started to help needs them too."""
    return tuple(_FOLDERS)


def missing_module(name: str, folder: Path) -> bool:
    """Whether a module is neither on the import path nor below a folder."""
    root = name.partition(".")[0]
    if (folder / root).is_dir() or (folder / f"{root}.py").is_file():
        return False
    try:
        return importlib.util.find_spec(root) is None
    except ValueError:  # a module that was never imported by a name, such as __main__
        return True


def places_of_modules(modules: Iterable[str]) -> tuple[Path, ...]:
    """Where imported modules lie: the file of a single one, the folders of the package that one is in."""
    found: dict[Path, None] = {}
    for root in dict.fromkeys(name.partition(".")[0] for name in modules):
        module = sys.modules.get(root)
        folders = list(getattr(module, "__path__", ()))  # several of a package without __init__.py
        origin = getattr(module, "__file__", None)
        found |= dict.fromkeys(Path(place).resolve() for place in folders or [origin] if place)
    return tuple(found)


def plugin_code(function: Callable[..., object]) -> str:
    """Digest of the code that a registered function comes with; empty for sdqa's own, whose rooms have digests."""
    root = function.__module__.partition(".")[0]
    return "" if root in (__package__, "__main__") else _source_digest(root)


def plugin_identities() -> dict[str, dict[str, str]]:
    """Module to distribution, version and digest, for a bundle's environment."""
    return {
        plugin.module: {
            "distribution": plugin.distribution,
            "version": plugin.version,
            "digest": plugin.digest,
        }
        for plugin in loaded_plugins()
    }


@functools.lru_cache(maxsize=4)
def _entry_points(
    _path: tuple[str, ...], ask: Callable[[], importlib.metadata.EntryPoints]
) -> tuple[importlib.metadata.EntryPoint, ...]:
    """The entry points of all groups; asking reads every distribution of the import path, a tenth of a second."""
    every = ask()
    return tuple(point for group in GROUPS for point in every.select(group=group))


def _installed() -> Iterator[NamedModule]:
    import importlib.metadata

    points = _entry_points(tuple(sys.path), importlib.metadata.entry_points)
    for point in sorted(points, key=lambda one: (one.group, one.name, one.value)):
        distribution = point.dist
        name, version = (distribution.name, distribution.version) if distribution else ("", "")
        yield NamedModule(point.module, name, version, f"{point.group}: {point.name} = {point.value}")


def _load(wanted: NamedModule) -> None:
    if wanted.module in _LOADED:
        return
    if wanted.module in _FAILED:
        raise _FAILED[wanted.module]
    try:
        importlib.import_module(wanted.module)
    except Exception as error:  # whatever somebody else's module raises while it is imported
        who = f"{wanted.distribution} {wanted.version}" if wanted.distribution else wanted.module
        hint = f"repair or uninstall {wanted.distribution}" if wanted.distribution else "repair it, or leave it out"
        what = f"the plugin {who} cannot be loaded: {type(error).__name__}: {error}"
        _FAILED[wanted.module] = PluginError(what, where=wanted.named_by, hint=hint)
        raise _FAILED[wanted.module] from error
    digest = _source_digest(wanted.module.partition(".")[0])
    _LOADED[wanted.module] = Plugin(wanted.module, wanted.distribution, wanted.version, digest)


def _source_digest(root: str) -> str:
    """Digest of the Python files of a top-level module or package; empty where it has none."""
    origin = getattr(sys.modules.get(root), "__file__", None)
    if origin is None:
        return ""
    path = Path(origin)
    files = sorted(path.parent.rglob("*.py")) if path.name == "__init__.py" else [path]
    return digest_of([[one.relative_to(path.parent).as_posix(), file_digest(one)] for one in files])
