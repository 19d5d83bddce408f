"""How files and packages are named where one is asked for: a path, and after a `#` one of a package's functions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

MARK = "#"


@dataclass(frozen=True)
class Address:
    """A package, and which of its functions is meant."""

    path: Path
    function: str | None = None
    """None: the one that the package names as its default."""


def read_address(written: str | Path) -> Address:
    """`Unet.mlpackage#style_b`: the function `style_b` of `Unet.mlpackage`, unless a file has the whole as its name."""
    path = Path(written)
    before, mark, function = path.name.rpartition(MARK)
    if not mark or not before or path.exists():
        return Address(path)
    return Address(path.with_name(before), function or None)


def package_path(written: str | Path) -> Path:
    """The package alone."""
    return read_address(written).path


def resolved(path: Path) -> Path:
    """The path without links; as it is where they lead in a circle or to nobody's home: there is nothing at its end."""
    try:
        return path.expanduser().resolve()
    except (OSError, RuntimeError, ValueError):
        return path.absolute()
