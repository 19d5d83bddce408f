"""The code that an entry was built by: the digest of everything that a module can import, found without running it.

`code_digest("sdqa.convert.build")` covers the module, whatever it imports of the package (inside functions too, for
type checkers only not), and the packages above each, as Python executes them: what those import is loaded too, but
its functions are not taken to be called. A package that fills its names lazily (`_LAZY`) leads only to the names that
are asked of it. Imports by computed names are followed as far as their prefix
says where to (`import_module(f"sdqa.faults.{name}")`: every module of that folder), and a quoted module name counts as
an import of it. A data file beside a module counts where the module names it. Text is scanned instead of parsed: the
whole package takes a tenth of a second; a test holds the scan to Python's own parser.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from sdqa.store.digests import digest_of, file_digest

LAZY = "_LAZY"
"""The table of a package that imports its names when they are first asked for: name → module."""
MAX_DATA_BYTES = 2**20  # data files that decide are schemas; weights have digests of their own

_STRING = re.compile(r'"""[\s\S]*?"""')
_GUARD = re.compile(r"^([ \t]*)if TYPE_CHECKING:[^\n]*\n(?:(?:\1[ \t]+[^\n]*|[ \t]*)\n)*", re.MULTILINE)
_IMPORT = re.compile(
    r"^([ \t]*)(?:from[ \t]+([\w.]+)[ \t]+import[ \t]+(\([^)]*\)|[^\n#]+)|import[ \t]+([\w.][^\n#]*))", re.MULTILINE
)
_COMMENT = re.compile(r"#[^\n]*")
_PREFIX = re.compile(r"""import_module\(\s*f"(\{__name__\}|[\w.]+)\.\{""")
_LAZY_TABLE = re.compile(rf"^{LAZY}\b[^=\n]*=[ \t]*(\{{[^}}]*\}})", re.MULTILINE)


@dataclass(frozen=True)
class Import:
    """One statement: a module, and the names that are taken from it."""

    module: str
    names: tuple[str, ...] = ()  # none: the module itself
    deferred: bool = False  # inside a function: executed by a call, not by importing


@dataclass(frozen=True)
class Source:
    """What one module says about what it needs."""

    path: Path
    imports: tuple[Import, ...]
    lazy: Mapping[str, str]
    data: tuple[Path, ...]


class Package:
    """A package's source, module by module, read when it is first needed.

    Args:
        root: the package's folder; its name is the package's.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._sources: dict[str, Source] = {}

    @functools.cached_property
    def modules(self) -> dict[str, Path]:
        """Dotted name → file."""
        found = {}
        for path in sorted(self.root.rglob("*.py")):
            parts = (self.root.name, *path.relative_to(self.root).with_suffix("").parts)
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
        return found

    def source(self, module: str) -> Source:
        """What a module needs."""
        if module not in self._sources:
            self._sources[module] = self._read(module)
        return self._sources[module]

    def _read(self, module: str) -> Source:
        path = self.modules[module]
        text = _GUARD.sub("\n", _STRING.sub('""', path.read_text(encoding="utf-8") + "\n"))
        table = _LAZY_TABLE.search(text)
        lazy: dict[str, str] = ast.literal_eval(table[1]) if table else {}
        if table:
            text = text.replace(table[0], "")
        quoted = re.findall(rf'"({self.root.name}\.[\w.]+)"', text)
        imports = [*_statements(text), *(Import(name, deferred=True) for name in quoted if name in self.modules)]
        for prefix in _PREFIX.findall(text):
            imports += [Import(name) for name in self._below(module if prefix == "{__name__}" else prefix)]
        data = tuple(other for other in self._data.get(path.parent, ()) if f'"{other.name}"' in text)
        return Source(path, tuple(imports), lazy, data)

    @functools.cached_property
    def _data(self) -> dict[Path, list[Path]]:
        """Folder → the files in it that are small and no Python."""
        found: dict[Path, list[Path]] = {}
        for folder in sorted({path.parent for path in self.modules.values()}):
            for path in sorted(folder.iterdir()):
                if path.suffix != ".py" and path.is_file() and path.stat().st_size <= MAX_DATA_BYTES:
                    found.setdefault(folder, []).append(path)
        return found

    def _below(self, prefix: str) -> list[str]:
        return [name for name in self.modules if name.rpartition(".")[0] == prefix]

    def closure(self, *entries: str) -> frozenset[str]:
        """The modules that the entries can import, themselves included; of a room, all that it offers.

        Raises:
            LookupError: there is no such module.
        """
        unknown = sorted(set(entries) - set(self.modules))
        if unknown:
            raise LookupError(f"{self.root.name} has no module {', '.join(unknown)}")
        whole: set[str] = set()
        loaded: set[str] = set()
        offered = {target for entry in entries for target in self.source(entry).lazy.values()}
        waiting = [(entry, True) for entry in sorted({*entries, *offered})]
        while waiting:
            module, called = waiting.pop()
            if module in whole or (module in loaded and not called):
                continue
            loaded.add(module)
            if called:
                whole.add(module)
            parent = module.rpartition(".")[0]
            if parent:
                waiting.append((parent, False))
            for one in self.source(module).imports:
                if called or not one.deferred:
                    waiting.extend((name, called and whole_too) for name, whole_too in self._wanted(one))
        return frozenset(loaded)

    def _wanted(self, one: Import) -> Iterator[tuple[str, bool]]:
        """The modules behind a statement, and whether their functions may be called."""
        if one.module not in self.modules:
            return
        lazy = self.source(one.module).lazy
        if not one.names:
            yield one.module, True
            yield from ((target, True) for target in lazy.values())
        for name in one.names:
            inner = f"{one.module}.{name}"
            if inner in self.modules:
                yield from self._wanted(Import(inner))
            elif name in lazy:
                yield one.module, False
                yield lazy[name], True
            else:
                yield one.module, True

    def files(self, *entries: str) -> list[Path]:
        """The files of a closure, data files among them; sorted."""
        sources = [self.source(module) for module in self.closure(*entries)]
        return sorted({path for source in sources for path in (source.path, *source.data)})


def _statements(text: str) -> Iterator[Import]:
    for indent, module, names, modules in _IMPORT.findall(text):
        deferred = bool(indent)
        if module:
            yield Import(module, _listed(names), deferred)
        else:
            yield from (Import(name, deferred=deferred) for name in _listed(modules))


def _listed(text: str) -> tuple[str, ...]:
    """`(a as b,  # why` over lines → `a`."""
    items = _COMMENT.sub("", text).strip("() \t\n").split(",")
    return tuple(item.split()[0] for item in items if item.strip())


@functools.cache
def own_package() -> Package:
    """This package, as it lies on disk."""
    return Package(Path(__file__).resolve().parents[1])


@functools.cache
def code_digest(*entries: str) -> str:
    """Digest of the source of everything that the named modules can import: changed code makes new entries.

    Args:
        entries: dotted names; the modules that build an entry.

    Raises:
        LookupError: there is no such module.
    """
    package = own_package()
    return digest_of([[_place(path, package.root), file_digest(path)] for path in package.files(*entries)])


def _place(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()
