"""Read `sdqa.toml`: every problem at once, each with its path, the allowed values and the likeliest spelling."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from sdqa.errors import ConfigError, Problem, UsageError
from sdqa.foreign import recognise
from sdqa.plan.contradictions import contradictions
from sdqa.plan.lines import SHOWN_LETTERS, Location, located
from sdqa.plan.spelling import closest
from sdqa.plan.suite import Plugins, Suite
from sdqa.plugins import load_plugins, missing_module

MAX_BYTES = 2**20
SIZES = ("size", "width", "height", "image_size", "resolution")
"""Keys that people expect, and that there are none of: packages have the one shape that they were converted for."""
DEFAULT_SUITE = Path("sdqa.toml")
EMBEDDED = "embedded"
"""The suite of the embedded model: the wheel has it beside the others, with its goldens."""


def shipped_suites() -> dict[str, Path]:
    """The suites that come with the package, by name; in a source tree the embedded one is the tree's own."""
    folder = Path(str(resources.files("sdqa") / "suites"))
    found = {path.stem: path for path in sorted(folder.glob("*.toml"))}
    own = folder.parents[1] / DEFAULT_SUITE
    if EMBEDDED not in found and (folder.parents[1] / "pyproject.toml").is_file() and own.is_file():
        found[EMBEDDED] = own
    return found


def find_suite(choice: str | None) -> Path:
    """The file that `--suite` means: nothing (`sdqa.toml`), a path, or the name of a shipped suite.

    Raises:
        UsageError: there is no such suite.
    """
    if choice is None:
        if DEFAULT_SUITE.is_file():
            return DEFAULT_SUITE
        raise UsageError("no sdqa.toml here", hint="write one with `sdqa init`, or name one with --suite")
    shipped = shipped_suites()
    path = Path(choice)
    if path.suffix == ".toml" or path.exists():
        if path.is_file():
            return path
        if path.is_dir():
            raise UsageError(f"{choice} is a folder", hint=f"name the file: --suite {path / DEFAULT_SUITE}")
        raise UsageError(f"no suite at {choice}", hint=f"shipped suites: {', '.join(shipped)}")
    if choice in shipped:
        return shipped[choice]
    raise UsageError(f"no suite named {choice!r}", hint=f"shipped suites: {', '.join(shipped)}; or give a path")


def is_suite(data: bytes) -> bool:
    """Whether a file's bytes are meant to be a suite: the tables that every suite has are there."""
    try:
        content = tomllib.loads(data.decode("utf-8-sig")) if len(data) <= MAX_BYTES else {}
    except (ValueError, RecursionError):
        return False
    return all(isinstance(content.get(name), dict) for name in ("models", "variants", "cases")) and "lanes" in content


def load_suite(path: Path, *, without: Collection[str] = ()) -> Suite:
    """A suite from its file, read after the plugins that are installed or that it names: they may own its words.

    Args:
        without: modules of plugins that are not loaded, though it names them.

    Raises:
        ConfigError: the file cannot be read or is wrong; lists every problem.
        PluginError: a plugin cannot be loaded.
    """
    data, text = _read(path)
    _load_plugins([name for name in _modules(data.get("plugins", {})) if name not in without], path)
    try:
        suite = Suite.model_validate(data)
    except ValidationError as error:
        raise ConfigError(located(_problems(error, data), text, path.name), where=str(path)) from error
    problems = contradictions(suite, data)
    if problems:
        raise ConfigError(located(problems, text, path.name), where=str(path))
    return suite


def lost_plugins(path: Path) -> tuple[str, ...]:
    """The modules that a suite's `[plugins]` names, and that are neither on the import path nor beside it.

    Raises:
        ConfigError: the file cannot be read.
    """
    named, folder = _modules(_read(path)[0].get("plugins", {})), path.resolve().parent
    return tuple(name for name in named if missing_module(name, folder))


def _read(path: Path) -> tuple[dict[str, Any], str]:
    """A suite's tables, and its text."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ConfigError([Problem("$", f"larger than {MAX_BYTES} bytes")], where=str(path))
        raw = path.read_bytes()
    except OSError as error:
        raise ConfigError([Problem("$", f"cannot be read: {error.strerror}")], where=str(path)) from error
    try:
        text = raw.decode("utf-8-sig")  # an editor on Windows begins a file with a mark
        return tomllib.loads(text), text
    except (ValueError, RecursionError) as error:  # a number of thousands of digits is a plain ValueError
        foreign = recognise(path)
        if foreign is not None:
            raise ConfigError([Problem("$", f"is {foreign.what}")], where=str(path), hint=foreign.hint) from error
        raise ConfigError([_not_toml(error, raw, path)], where=str(path)) from error


def _not_toml(error: Exception, raw: bytes, path: Path) -> Problem:
    """What the parser said, with the line that it is about."""
    told = re.search(r"\s*\(at line ([0-9]+), column [0-9]+\)", str(error))
    if isinstance(error, UnicodeDecodeError) or told is None:
        return Problem("$", f"is not TOML: {error}")
    lines = raw.decode("utf-8-sig").splitlines()
    number = int(told[1])
    source = lines[number - 1].strip()[:SHOWN_LETTERS] if number <= len(lines) else ""
    words = str(error).replace(told[0], "")
    twice = "; a key stands twice in one table" if "overwrite" in words else ""
    return Problem("$", f"is not TOML: {words[:1].lower()}{words[1:]}{twice}", f"{path.name}:{number}", source)


def _load_plugins(modules: Sequence[str], path: Path) -> None:
    """The plugins, those that the suite names among them."""
    folder = path.resolve().parent
    problems = [
        Problem(f"$.plugins.modules[{index}]", f"there is no module {name!r} on the import path or beside the suite")
        for index, name in enumerate(modules)
        if missing_module(name, folder)
    ]
    if problems:
        raise ConfigError(problems, where=str(path), hint="install the distribution that it belongs to")
    load_plugins(modules, folder=folder)


def _modules(table: object) -> tuple[str, ...]:
    """Of the table `[plugins]`."""
    try:
        return Plugins.model_validate(table).modules
    except ValidationError:
        return ()  # the suite's own validation will say what is wrong with the table


def _problems(error: ValidationError, data: Mapping[str, object]) -> list[tuple[Location, str]]:
    """Every problem, but for "too short" where that only means that none of a list's items could be used.

    What `[defaults]` says is said once, not again for every case that takes it over.
    """
    items = error.errors()
    broken = {item["loc"][:length] for item in items for length in range(len(item["loc"]))}
    unknown = [item["loc"] for item in items if item["type"] == "extra_forbidden"]
    return [
        (item["loc"], _words(item))
        for item in items
        if (item["type"] != "too_short" or item["loc"] not in broken)
        and not _is_taken_over(item["loc"], data)
        and not (item["type"] == "missing" and _is_mistyped(item["loc"], unknown))
    ]


def _is_mistyped(location: Location, unknown: Iterable[Location]) -> bool:
    """Whether a key is missing only because it stands there under a name that is nearly its own."""
    beside = [str(one[-1]) for one in unknown if one[:-1] == location[:-1]]
    return any(closest(name, [str(location[-1])]) for name in beside)


def _is_taken_over(location: Location, data: Mapping[str, object]) -> bool:
    """Whether a case's value is the suite's default."""
    cases, defaults = data.get("cases"), data.get("defaults")
    if len(location) < 3 or location[0] != "cases" or not isinstance(cases, dict) or not isinstance(defaults, dict):
        return False
    own = cases.get(location[1])
    return location[2] in defaults and isinstance(own, dict) and location[2] not in own


def _words(item: Any) -> str:
    """One pydantic error in the words of a configuration file."""
    location, kind, context = item["loc"], item["type"], item.get("ctx", {})
    value = item.get("input")
    if kind == "extra_forbidden" and location[-1] in SIZES:
        return "cannot be set: pictures are square and of the model's own size"
    if kind == "extra_forbidden":
        known = _keys_at(location[:-1])
        close = closest(str(location[-1]), known)
        likely = f"did you mean {close!r}? " if close else ""
        return f"unknown key; {likely}allowed: {', '.join(known)}"
    if kind == "missing":
        return "is required"
    if kind == "literal_error":
        allowed = str(context.get("expected", ""))
        choices = [choice.strip("' ") for choice in allowed.replace(" or ", ", ").split(",")]
        close = closest(str(value), choices)
        likely = f"; did you mean {close!r}?" if close else ""
        return f"{value!r} is not one of {allowed}{likely}"
    if kind in ("less_than_equal", "greater_than_equal", "greater_than", "less_than"):
        return f"{value!r} is out of range: {item['msg'].lower()}{_range_at(location)}"
    if kind in ("int_type", "bool_type"):
        return f"{value!r} is not {'a whole number' if kind == 'int_type' else 'true or false'}{_range_at(location)}"
    if kind == "finite_number":
        return f"{value!r} is not a finite number{_range_at(location)}"
    message = str(item["msg"]).removeprefix("Value error, ")
    return message[:1].lower() + message[1:]


def _model_at(location: tuple[int | str, ...]) -> type[BaseModel] | None:
    """The section that a path of the file belongs to."""
    model: Any = Suite
    for part in location:
        if isinstance(model, type) and issubclass(model, BaseModel):
            field = model.model_fields.get(str(part))
            if field is None:
                return None
            model = field.annotation
        else:  # a dict's key or a tuple's index
            arguments = [a for a in get_args(model) if isinstance(a, type) and issubclass(a, BaseModel)]
            model = arguments[0] if arguments else None
    return model if isinstance(model, type) and issubclass(model, BaseModel) else None


def _keys_at(location: tuple[int | str, ...]) -> list[str]:
    model = _model_at(location)
    return sorted(model.model_fields) if model else []


def _range_at(location: tuple[int | str, ...]) -> str:
    model = _model_at(location[:-1])
    field = model.model_fields.get(str(location[-1])) if model else None
    signs = {"ge": "at least", "le": "at most", "gt": "more than", "lt": "less than"}
    words = [
        f"{words} {getattr(rule, sign)}"
        for rule in (field.metadata if field else [])
        for sign, words in signs.items()
        if hasattr(rule, sign)
    ]
    return f" (allowed: {' and '.join(words)})" if words else ""
