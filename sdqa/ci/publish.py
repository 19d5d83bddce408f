"""The outcome, said once everywhere: report, summary, annotations, outputs and exit code come from one run record.

On GitHub the files that `GITHUB_OUTPUT` and `GITHUB_STEP_SUMMARY` name are appended to, and the annotations go to
standard output; elsewhere the files beside the report are all there is.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sdqa.bundle import Bundle, Run
from sdqa.bundle.folder import blobs_of
from sdqa.ci.intake import Submitted
from sdqa.errors import SdqaError
from sdqa.history import History
from sdqa.report import write_report
from sdqa.report.annotations import command
from sdqa.report.headline import JUDGE_CHANGED, JUDGE_NOT_COMPARABLE, headline_of
from sdqa.report.markdown import escape

VERDICTS = {"pass": "pass", "suspicious": "pass with doubts", "fail": "fail", "not measured": "incomplete"}
OF_THE_JUDGE = {JUDGE_CHANGED: "judge changed", JUDGE_NOT_COMPARABLE: "judge not comparable"}


@dataclass(frozen=True)
class Published:
    """What was written."""

    verdict: str
    exit_code: int
    annotations: str
    judge: str = ""  # what it was compared with, or why it was not


def withdraw(places: Sequence[Path], destination: Path) -> None:
    """Take an earlier gate's verdict away, before anything can go wrong. A bundle that is to be judged stays.

    Raises:
        BundleError: it cannot be removed.
    """
    inner = [path for place in places if place.is_dir() for path in (place, *place.iterdir())]
    if destination.resolve() not in {path.resolve() for path in inner}:
        Bundle(destination).withdraw()


def publish(
    run: Run,
    submitted: Sequence[Submitted],
    destination: Path,
    *,
    history: History | None = None,
    environment: Mapping[str, str] | None = None,
) -> Published:
    """Write the run, its pictures and its report, and tell the service.

    Args:
        submitted: where the pictures are; those in quarantine are left out.
        history: of earlier runs, shown as trends.
        environment: the process' own otherwise.
    """
    target = Bundle(destination)
    wanted = {blob.sha256: blob for blob in blobs_of(run)}
    for one in submitted:
        if one.run is None:
            continue
        for blob in blobs_of(one.run):
            if wanted.pop(blob.sha256, None) is not None:
                target.add_blob(one.bundle.read_blob(blob), blob.media_type)
    target.write(run)
    files = write_report(target, destination, history=history)
    annotations = files.annotations.read_text(encoding="utf-8")
    headline = headline_of(run)
    verdict = OF_THE_JUDGE.get(headline.title) or VERDICTS[headline.tone]
    judge = str(run.judge_comparison) if run.judge_comparison else ""
    published = Published(verdict, run.exit_code, annotations, " ".join(judge.split()))  # an output is one line
    _tell(published, files.summary.read_text(encoding="utf-8"), environment)
    return published


def publish_error(error: SdqaError, environment: Mapping[str, str] | None = None) -> Published:
    """Tell the service that there is no decision, and why: a gate that could not run is red in every place."""
    annotation = f"{command('error', f'{error.code} sdqa gate', error.what)}\n"
    published = Published("error", error.exit_code, annotation)
    _tell(published, f"## ❔ sdqa: the gate could not run\n\n{escape(str(error))}\n", environment)
    return published


def _tell(published: Published, summary: str, environment: Mapping[str, str] | None) -> None:
    variables = os.environ if environment is None else environment
    judge = f"judge={published.judge}\n" if published.judge else ""
    outputs = f"{judge}verdict={published.verdict}\nexit-code={published.exit_code}\n"
    for name, text in (("GITHUB_STEP_SUMMARY", summary), ("GITHUB_OUTPUT", outputs)):
        if variables.get(name):
            with Path(variables[name]).open("a", encoding="utf-8") as stream:
                stream.write(text)
