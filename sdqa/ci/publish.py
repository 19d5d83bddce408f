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
from sdqa.report import headline, write_report

VERDICTS = {"pass": "pass", "suspicious": "pass with doubts", "fail": "fail", "not measured": "incomplete"}


@dataclass(frozen=True)
class Published:
    """What was written."""

    verdict: str
    exit_code: int
    annotations: str


def publish(
    run: Run,
    submitted: Sequence[Submitted],
    destination: Path,
    *,
    history: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Published:
    """Write the run, its pictures and its report, and tell the service.

    Args:
        submitted: where the pictures are; those in quarantine are left out.
    """
    variables = os.environ if environment is None else environment
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
    found = headline.headline_of(run)
    published = Published(VERDICTS[found.tone], run.exit_code, files.annotations.read_text(encoding="utf-8"))
    _append(variables.get("GITHUB_STEP_SUMMARY"), files.summary.read_text(encoding="utf-8"))
    _append(variables.get("GITHUB_OUTPUT"), f"verdict={published.verdict}\nexit-code={published.exit_code}\n")
    return published


def _append(path: str | None, text: str) -> None:
    if path:
        with Path(path).open("a", encoding="utf-8") as stream:
            stream.write(text)
