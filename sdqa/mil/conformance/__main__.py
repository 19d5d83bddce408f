"""`python -m sdqa.mil.conformance`: coremltools' own tests on the reference runtime, and a table of the outcome."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from sdqa.mil.conformance import outcome

SUITES = (
    "coremltools.converters.mil.mil.ops.tests",
    "coremltools.converters.mil.frontend.torch.test.test_torch_ops",
    "coremltools.converters.mil.frontend.torch.test.test_torch_quantization_ops",
    "coremltools.converters.mil.frontend.torch.test.test_torch_stateful_model",
)
"""The tests of MIL's operations, and those of the torch frontend that predict."""

SWITCHES = {
    "PYMIL_TEST_TARGETS": "mlprogram",  # not the neural-network format
    "INCLUDE_MIL_FP32_UNIT_TESTS": "1",  # fp32 beside fp16: its tolerances are the narrow ones
    "RUN_BACKWARD_COMPATIBILITY": "1",  # all opsets
    "TORCH_FRONTENDS": "TORCHSCRIPT",
    "TQDM_DISABLE": "1",
}
"""coremltools' own test switches."""

BAR = 0.99
"""The share of applicable tests that must pass."""


@click.command(help=__doc__)
@click.option("--all", "everything", is_flag=True, help="Run every case (hours).")
@click.option("--sample", default=1000, show_default=True, help="How many cases to draw.")
@click.option("--seed", default=0, show_default=True, help="Which cases.")
@click.option("--only", default="", metavar="REGEX", help="Only tests whose id matches.")
@click.option(
    "--suite", "suites", multiple=True, default=SUITES, help="Modules of coremltools to collect.  [repeatable]"
)
@click.option("--json", "target", type=click.Path(path_type=Path, dir_okay=False), help="Write every outcome here.")
def main(everything: bool, sample: int, seed: int, only: str, suites: tuple[str, ...], target: Path | None) -> None:
    """Run the suite in a process of its own; exit with 1 when less than the bar passes."""
    with tempfile.TemporaryDirectory(prefix="sdqa-conformance-") as folder:
        results = Path(folder) / "outcomes.json"
        selected = {
            "SDQA_CONFORMANCE_SAMPLE": "0" if everything else str(sample),
            "SDQA_CONFORMANCE_SEED": str(seed),
            "SDQA_CONFORMANCE_ONLY": only,
            "SDQA_CONFORMANCE_RESULTS": str(results),
        }
        code = _run(Path(folder), SWITCHES | selected, suites)
        if not results.exists():
            raise click.ClickException(f"pytest ended with {code} before any outcome was written")
        outcomes = outcome.read(results)
    if code not in (0, 1):
        click.echo(f"pytest ended with {code}: the run is not complete", err=True)
    if target is not None:
        outcome.write(target, outcomes)
    sys.exit(_report(outcomes) or int(code not in (0, 1)))


def _run(folder: Path, environment: Mapping[str, str], suites: Sequence[str]) -> int:
    """pytest on coremltools' tests, away from any configuration, with the plugin."""
    here = str(Path(__file__).parents[3])
    path = os.pathsep.join(part for part in (here, os.environ.get("PYTHONPATH", "")) if part)
    options = (
        "-q",
        "--no-header",
        "--tb=no",
        "-W",
        "ignore",
        "-p",
        "no:cacheprovider",
        "--continue-on-collection-errors",
    )
    plugin = ("-p", "sdqa.mil.conformance.plugin")
    empty = folder / "pytest.ini"
    empty.write_text("[pytest]\n", encoding="utf-8")
    command = (sys.executable, "-m", "pytest", *options, *plugin, "-c", str(empty), "--pyargs", *suites)
    return subprocess.run(
        command, cwd=folder, env={**os.environ, **environment, "PYTHONPATH": path}, check=False
    ).returncode


def _report(outcomes: list[outcome.Outcome]) -> int:
    """Print failures and the table; the exit code."""
    console = Console()
    for failure in (item for item in outcomes if item.outcome == "failed"):
        console.print(f"failed {failure.test}\n    {failure.detail}", markup=False, highlight=False, soft_wrap=True)
    table = Table("file", *outcome.OUTCOMES)
    for name, summary in outcome.by_file(outcomes).items():
        short = "/".join(name.split("/")[-2:])
        table.add_row(short, *(str(summary.counts[key]) for key in outcome.OUTCOMES))
    total = outcome.Summary.of(outcomes)
    table.add_section()
    table.add_row("all", *(str(total.counts[key]) for key in outcome.OUTCOMES))
    console.print(table)
    console.print(f"{total.counts['passed']} of {total.applicable} applicable tests passed: {total.pass_rate:.2%}")
    return 0 if total.pass_rate >= BAR else 1


if __name__ == "__main__":
    main()
