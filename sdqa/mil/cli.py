"""The runtime from the shell: `sdqa mil info | run | profile | diff`, also `python -m sdqa.mil`."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sdqa.address import package_path

if TYPE_CHECKING:
    from sdqa.mil.program import Program


def _there(_context: click.Context, _parameter: click.Parameter, value: Path) -> Path:
    """A package that exists; `Unet.mlpackage#style_b` is a function of one that does."""
    if not package_path(value).exists():
        raise click.BadParameter(f"there is no {str(value)!r}")
    return value


_PACKAGE = click.argument("package", type=click.Path(path_type=Path), callback=_there)
_FUNCTION = click.option("--function", default=None, help="Which function of a package with several.")
_PRECISION = click.option(
    "--precision",
    type=click.Choice(["declared", "float32", "native"]),
    default="declared",
    show_default=True,
    help="fp16 rounded as declared, ignored, or torch's own.",
)
_SHAPE = click.option(
    "--shape",
    "shapes",
    multiple=True,
    metavar="NAME=1,3,64,64",
    help="An input's shape, where it is open (repeatable).",
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group("mil")
def mil_group() -> None:
    """Look into ML Programs and run them on any machine."""


@mil_group.command("info")
@_PACKAGE
@click.option("--weights", "every_weight", is_flag=True, help="List every weight with its recipe.")
@_FUNCTION
@_JSON
def info(package: Path, every_weight: bool, function: str | None, as_json: bool) -> None:
    """Show a package's functions, inputs, outputs, operations and weights, and how these are compressed."""
    from sdqa.mil.description import contradictions
    from sdqa.mil.stored import recipes_of, stored_weights

    program = _load(package, function=function)
    costs = program.profile()
    kinds = Counter(operation.type for operation in program.operations)
    weights = stored_weights(program.function)
    recipes = recipes_of(weights)
    facts: dict[str, Any] = {
        "package": package.name,
        "specification_version": program.package.model.specificationVersion,
        "functions": {name: entry.opset for name, entry in sorted(program.functions.items())},
        "function": program.function.name,
        "inputs": [asdict(feature) for feature in program.inputs],
        "outputs": [asdict(feature) for feature in program.outputs],
        "contradictions": list(contradictions(program.package, program.function)),
        "operations": dict(sorted(kinds.items(), key=lambda item: (-item[1], item[0]))),
        "weight_bytes_stored": costs.weight_bytes_stored,
        "weight_bytes_unpacked": costs.weight_bytes_unpacked,
        "recipes": recipes,
        "weights": [asdict(weight) for weight in weights],
    }
    if as_json:
        click.echo(json.dumps(facts, indent=2))
        return
    click.echo(f"{package.name}: specification {facts['specification_version']}, function {program.function.name!r}")
    click.echo("functions: " + ", ".join(f"{name} ({opset})" for name, opset in facts["functions"].items()))
    for side, features in (("input", program.inputs), ("output", program.outputs)):
        for feature in features:
            shape = feature.expectation() if feature.kind in ("tensor", "image", "state") else ""
            extra = f" {feature.color_space}" if feature.color_space else (" optional" if feature.optional else "")
            click.echo(f"{side:6} {feature.name}: {feature.kind} {feature.dtype}{shape}{extra}")
    for sentence in facts["contradictions"]:
        click.echo(f"contradiction: {sentence}")
    click.echo(f"weights: {_size(costs.weight_bytes_stored)} stored, {_size(costs.weight_bytes_unpacked)} unpacked")
    for recipe, count in recipes.items():
        click.echo(f"  {count:6} {recipe}")
    for weight in weights if every_weight else ():
        click.echo(f"  {weight.name} {list(weight.shape)}: {weight.recipe}, {_size(weight.stored_bytes)}")
    click.echo(f"operations: {sum(kinds.values())}")
    for kind, count in facts["operations"].items():
        click.echo(f"  {count:6} {kind}")


@mil_group.command("run")
@_PACKAGE
@click.option(
    "--inputs", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="An .npz of arrays by name."
)
@click.option(
    "--input",
    "files",
    multiple=True,
    metavar="NAME=FILE",
    help="One input from a file (repeatable): a picture (PNG, JPEG) for an image, an .npy for a tensor.",
)
@click.option(
    "--random", "seed", type=int, default=None, help="Draw the inputs that are not given, with this seed; images 0–255."
)
@_SHAPE
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write the outputs to an .npz.")
@click.option("--capture", multiple=True, help="Also give this operation's result (repeatable; 'all' for every one).")
@click.option("--no-fuse", is_flag=True, help="Execute every operation as written.")
@_PRECISION
@_FUNCTION
def run(
    package: Path,
    inputs: Path | None,
    files: tuple[str, ...],
    seed: int | None,
    shapes: tuple[str, ...],
    output: Path | None,
    capture: tuple[str, ...],
    no_fuse: bool,
    precision: str,
    function: str | None,
) -> None:
    """Predict with a package and print what came out, or write it."""
    import numpy as np

    from sdqa.mil.given import draw, read_arrays, read_files, read_shapes

    if inputs is None and seed is None and not files:
        raise click.UsageError("give --inputs, --input or --random")
    if inputs is not None and seed is not None:
        raise click.UsageError("give either --inputs or --random")
    if shapes and seed is None:
        raise click.UsageError("--shape says how large inputs are drawn: give --random")
    program = _load(package, function=function, precision=precision, fuse=not no_fuse)
    given: dict[str, Any] = {}
    if seed is not None:
        given = draw(program.inputs, seed, read_shapes(program.inputs, shapes))
    elif inputs is not None:
        given = read_arrays(inputs)
    given |= read_files(program.inputs, files)
    if capture:
        results, seen = program.predict(given, capture="all" if "all" in capture else list(capture))
        results = {**results, **{f"capture/{name}": value for name, value in seen.items()}}
    else:
        results = program.predict(given)
    for name, value in results.items():
        array = np.asarray(value) if not isinstance(value, dict | str) else None
        click.echo(f"{name}: {_summary(array) if array is not None and array.dtype.kind in 'fiub' else value}")
    if output is not None:
        arrays = {name: np.asarray(value) for name, value in results.items() if not isinstance(value, dict)}
        with output.open("wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]


@mil_group.command("profile")
@_PACKAGE
@click.option("--top", default=15, show_default=True, help="How many operations to list.")
@_SHAPE
@_FUNCTION
@_JSON
def profile(package: Path, top: int, shapes: tuple[str, ...], function: str | None, as_json: bool) -> None:
    """Count arithmetic, memory traffic, peak live memory and weights, operation by operation.

    With --shape, the program is run once on random inputs of these shapes, to see those of all values.
    """
    from sdqa.mil.given import draw, read_shapes

    program = _load(package, function=function)
    costs = program.profile(draw(program.inputs, 0, read_shapes(program.inputs, shapes)) if shapes else None)
    if as_json:
        click.echo(json.dumps({**asdict(costs), "flops": costs.flops}, indent=2))
        return
    unknown = "unknown (open shapes: give --shape)"
    flops = unknown if costs.flops is None else f"{costs.flops / 1e9:.3f} GFLOP"
    peak = unknown if costs.peak_live_bytes is None else _size(costs.peak_live_bytes)
    click.echo(f"arithmetic {flops}, peak of live values {peak}")
    click.echo(f"weights {_size(costs.weight_bytes_stored)} stored, {_size(costs.weight_bytes_unpacked)} unpacked")
    for cost in sorted(costs.operations, key=lambda item: -(item.flops or 0))[:top]:
        read, written = (_size(count) if count is not None else "?" for count in (cost.bytes_read, cost.bytes_written))
        click.echo(
            f"  {(cost.flops or 0) / 1e6:12.3f} MFLOP  read {read:>10}  write {written:>10}  {cost.type} {cost.name}"
        )


@mil_group.command("diff")
@click.argument("a", type=click.Path(path_type=Path), callback=_there)
@click.argument("b", type=click.Path(path_type=Path), callback=_there)
@click.option("--inputs", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="An .npz of arrays.")
@click.option("--random", "seed", type=int, default=None, help="Draw the inputs instead, with this seed.")
@_PRECISION
@_FUNCTION
@_JSON
def diff(
    a: Path, b: Path, inputs: Path | None, seed: int | None, precision: str, function: str | None, as_json: bool
) -> None:
    """Compare two packages operation by operation; exits with 1 where they differ.

    Without inputs their graphs and constants are compared; with inputs, what every operation gives.
    """
    from sdqa.mil.compare import compare_programs, compare_values, not_compared
    from sdqa.mil.given import draw, read_arrays

    one, other = (_load(path, function=function, precision=precision, fuse=False) for path in (a, b))
    if inputs is not None or seed is not None:
        given = read_arrays(inputs) if inputs is not None else draw(one.inputs, seed or 0)
        values, rest = compare_values(one, other, given), not_compared(one, other)
        if as_json:
            click.echo(json.dumps([asdict(item) for item in values], indent=2))
        else:
            for item in values:
                name = item.name if item.name == item.name_in_b else f"{item.name} / {item.name_in_b}"
                click.echo(f"{item.psnr_db:8.1f} dB  largest {item.largest:.3g}  {item.type} {name}")
            for difference in rest:
                click.echo(f"not compared: {difference.kind} {difference.operation}: {difference.detail}")
        raise click.exceptions.Exit(int(bool(rest) or any(item.largest != 0 for item in values)))
    found = compare_programs(one, other)
    if as_json:
        click.echo(json.dumps([asdict(item) for item in found], indent=2))
    else:
        for difference in found:
            click.echo(f"{difference.kind:10} {difference.operation}: {difference.detail}")
        click.echo(f"{len(found)} differences" if found else "no differences")
    if found:
        raise click.exceptions.Exit(1)


def _load(package: Path, **options: Any) -> Program:
    from sdqa.mil.loading import load

    return load(package, **options)


def _summary(array: Any) -> str:
    import numpy as np

    if array.size == 0 or array.dtype.kind not in "fiu":
        return f"{array.dtype}{list(array.shape)}"
    finite = array[np.isfinite(array)] if array.dtype.kind == "f" else array
    bad = array.size - finite.size
    spread = (
        f"min {finite.min():.6g} mean {finite.mean():.6g} max {finite.max():.6g}" if finite.size else "no finite value"
    )
    return f"{array.dtype}{list(array.shape)} {spread}" + (f", {bad} not finite" if bad else "")


def _size(count: int) -> str:
    value = float(count)
    for unit in ("B", "KiB", "MiB"):
        if value < 1024:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.2f} GiB"
