"""What a run is of, for the page's head: commit, branch, pull request, CI run and machines, as the run itself says."""

from __future__ import annotations

from sdqa.bundle import Environment, Provenance, Run
from sdqa.report.facts import FactRows
from sdqa.report.format import show_minute

COMMIT_LENGTH = 12


def origin_of(run: Run) -> FactRows:
    """Names and words, in the order in which a reader asks; what nobody said is left out."""
    said = _provenance(run.provenance) if run.provenance else {}
    machines = [_machine(one) for one in run.machines.values()]
    known = list(dict.fromkeys(words for words in machines if words))
    said["machine" if len(known) == 1 else "machines"] = "; ".join(known)
    said["made"] = show_minute(run.created)
    return tuple((name, words) for name, words in said.items() if words)


def _provenance(one: Provenance) -> dict[str, str]:
    branch = "" if one.base else one.ref
    attempt = f", attempt {one.attempt}" if one.attempt > 1 else ""
    return {
        "repository": one.repository,
        "commit": one.commit[:COMMIT_LENGTH] + (", with changes that are not committed" if one.modified else ""),
        "branch": branch,
        "pull request": f"{one.ref or 'a branch'} into {one.base}" if one.base else "",
        "CI run": f"{one.run_id}{attempt}" if one.run_id else "",
        "job": one.job,
        "narrowed": "; ".join(one.narrowed),
        "interrupted": "yes" if one.interrupted else "",
        "every picture from the store": ", ".join(one.replayed),
    }


def _machine(one: Environment) -> str:
    cores = f"{one.cores} cores" if one.cores else ""
    system = (
        f"{one.system} {one.os_build}".strip() if one.system == "Darwin" else one.system
    )  # a kernel's build says little
    parts = (system, one.machine, one.processor, cores)
    return ", ".join(dict.fromkeys(part for part in parts if part))
