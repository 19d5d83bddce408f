"""From a package on disk to a program that is ready to run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sdqa.errors import UsageError
from sdqa.mil.execute import PRECISIONS
from sdqa.mil.functions import choose, functions_of
from sdqa.mil.package import open_package
from sdqa.mil.program import Program
from sdqa.mil.records import read_modules


def load(
    path: str | Path,
    *,
    precision: str = "declared",
    fuse: bool = True,
    function: str | None = None,
    memory_limit: int | None = None,
    modules: Mapping[str, str] | None = None,
) -> Program:
    """Load a package: parse and check it, map its weights; nothing is decompressed yet.

    Args:
        precision: "declared": compute in fp32 and round once to each operation's declared type; "float32": ignore fp16;
            "native": torch's own fp16.
        fuse: recognise patterns (attention, normalisations) and run them as one; False executes literally.
        path: of an .mlpackage; `Unet.mlpackage#style_b` means one of its functions.
        function: of a package with several; default is the one the package names as its default.
        memory_limit: how many bytes of unpacked weights to keep between predictions (2 GiB when not given).
        modules: torch modules by the names of operations, values or weights; by default those that the conversion
            left in `<stem>.modules.json` beside the package.

    Raises:
        PackageError: if the package is damaged or inconsistent.
        UnsupportedPackage: if it is a model of another kind, or uses operations that are not known.
        UsageError: if an argument is not one of those above.
    """
    if precision not in PRECISIONS:
        raise UsageError(f"there is no precision {precision!r}", hint=f"one of {', '.join(PRECISIONS)}")
    package = open_package(path)
    functions = functions_of(package)
    return Program(
        package,
        functions,
        choose(package, functions, function),
        precision=precision,
        fuse=fuse,
        memory_limit=memory_limit,
        modules=read_modules(package.path) if modules is None else modules,
    )
