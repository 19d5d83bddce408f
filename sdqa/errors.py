"""One family of errors: every message says what happened, where, and what to do next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sdqa.exit_codes import EXIT_GATE_FAILED as EXIT_GATE_FAILED
from sdqa.exit_codes import EXIT_INCOMPLETE as EXIT_INCOMPLETE
from sdqa.exit_codes import EXIT_INFRASTRUCTURE as EXIT_INFRASTRUCTURE
from sdqa.exit_codes import EXIT_INTERRUPTED as EXIT_INTERRUPTED
from sdqa.exit_codes import EXIT_PASS as EXIT_PASS
from sdqa.exit_codes import EXIT_USAGE as EXIT_USAGE
from sdqa.exit_codes import worst as worst


class SdqaError(Exception):
    """Base of all errors that sdqa raises on purpose.

    Args:
        what: what is wrong, one sentence without a full stop.
        where: the file, key, package or operation it concerns.
        hint: what to do next.
    """

    code = "SDQA-000"
    exit_code = EXIT_INFRASTRUCTURE
    component = ""
    """Whose package cannot be run, where it is that: the package is there, so the gate fails it."""

    def blame(self, component: str) -> None:
        """Say whose package it is that cannot be run; the first who says it is right."""
        self.component = self.component or component

    def __init__(self, what: str, *, where: str = "", hint: str = "") -> None:
        self.what, self.where, self.hint = what, where, hint
        super().__init__(str(self))

    def __str__(self) -> str:
        hint = f"\n  → {self.hint}" if self.hint else ""
        return f"{self.code}: {self.what}{f' ({self.where})' if self.where else ''}{hint}"

    def __reduce__(self) -> tuple[object, ...]:
        """Keep the fields across process boundaries (workers re-raise what happened in them)."""
        return (_rebuild, (type(self), self.__dict__.copy()))


def _rebuild(cls: type[SdqaError], fields: dict[str, object]) -> SdqaError:
    error = cls.__new__(cls)
    error.__dict__.update(fields)
    Exception.__init__(error, str(error))
    return error


class UsageError(SdqaError):
    """A command line that cannot be carried out as written."""

    code = "SDQA-100"
    exit_code = EXIT_USAGE


@dataclass(frozen=True)
class Problem:
    """One mistake in a configuration: `$.cases.portrait.strength: 1.4 is not in [0, 1]`."""

    path: str
    message: str
    place: str = ""  # `sdqa.toml:12`, where that is known
    source: str = ""  # the line that stands there

    def __str__(self) -> str:
        place = f"{self.place}: " if self.place else ""
        source = f"\n      | {self.source}" if self.source else ""
        return f"{place}{self.path}: {self.message}{source}"


class ConfigError(SdqaError):
    """All problems of one configuration file at once."""

    code = "SDQA-101"
    exit_code = EXIT_USAGE

    def __init__(self, problems: Sequence[Problem], *, where: str, hint: str = "") -> None:
        self.problems = tuple(problems)
        count = f"{len(problems)} problem{'s' if len(problems) != 1 else ''}"
        listing = "".join(f"\n  {problem}" for problem in problems)
        super().__init__(f"{count} in the configuration{listing}\n ", where=where, hint=hint)


class PluginError(SdqaError):
    """Code that somebody adds to sdqa cannot be loaded, or takes a name that is taken."""

    code = "SDQA-102"


class ModelError(SdqaError):
    """A teacher or its weights cannot be loaded."""

    code = "SDQA-200"


class ModelUnreachable(ModelError):
    """A model hub could not be reached and the model is not in the cache."""

    code = "SDQA-201"


class DigestMismatch(ModelError):
    """A file is not the one that was recorded."""

    code = "SDQA-202"


class UnsupportedModel(ModelError):
    """A pipeline of a class, with a part or with a setting that sdqa cannot draw."""

    code = "SDQA-203"
    exit_code = EXIT_USAGE


class ScheduleError(ModelError):
    """A scheduler of a configuration that cannot be sampled with."""

    code = "SDQA-204"
    exit_code = EXIT_USAGE


class PackagesError(ModelError):
    """A folder of packages that has to be changed: nobody can tell which is which."""

    code = "SDQA-205"
    exit_code = EXIT_USAGE


class ImageError(SdqaError):
    """An image cannot be read or has the wrong form."""

    code = "SDQA-210"


class ConversionError(SdqaError):
    """A component could not be converted."""

    code = "SDQA-300"


class ContractError(ConversionError):
    """A package's inputs and outputs are not those the component promises."""

    code = "SDQA-301"


class CoverageError(ConversionError):
    """A checkpoint's parameters are missing from a converted graph, or some were invented."""

    code = "SDQA-302"


class ModulesUnmatched(ConversionError):
    """A variant names torch modules that the model does not have, or that compute nothing."""

    code = "SDQA-303"
    exit_code = EXIT_USAGE


class PackageError(SdqaError):
    """An .mlpackage cannot be read: truncated, inconsistent, or of a kind that is not supported."""

    code = "SDQA-400"


class UnsupportedPackage(PackageError):
    """A valid Core ML model of a kind that the reference runtime refuses."""

    code = "SDQA-401"


class ExecutionError(SdqaError):
    """An operation of a package failed while it ran."""

    code = "SDQA-410"


class InputError(ExecutionError):
    """A prediction was asked for with missing, unknown or wrongly shaped inputs."""

    code = "SDQA-411"


class RuntimeUnavailable(SdqaError):
    """A runtime does not exist on this machine (Core ML away from macOS, say)."""

    code = "SDQA-420"
    exit_code = EXIT_INCOMPLETE


class MetricError(SdqaError):
    """A metric cannot be computed, or failed its self-test."""

    code = "SDQA-500"


class GoldenMissing(SdqaError):
    """A planned case has no golden."""

    code = "SDQA-600"
    exit_code = EXIT_INCOMPLETE


class GoldenStale(SdqaError):
    """A golden was made by another teacher, metric or schedule than the one planned."""

    code = "SDQA-601"
    exit_code = EXIT_INCOMPLETE


class GoldenBelowFloor(SdqaError):
    """The teacher's own picture of a case does not reach what the suite asks of it."""

    code = "SDQA-603"
    exit_code = EXIT_INCOMPLETE


class GoldenDamaged(DigestMismatch):
    """A golden or baseline is there and is not what was recorded: its case cannot be compared with anything."""

    code = "SDQA-602"
    exit_code = EXIT_INCOMPLETE


class BundleError(SdqaError):
    """A run's bundle cannot be read or merged."""

    code = "SDQA-700"


class StoreError(SdqaError):
    """The content-addressed store cannot be used."""

    code = "SDQA-710"


class SharedStoreMiss(StoreError):
    """What lies in a shared store is not what it should be: it is not used."""

    code = "SDQA-712"


class HistoryError(SdqaError):
    """A history of runs cannot be read or written at all. It never decides about a run."""

    code = "SDQA-730"


class ExtraMissing(SdqaError):
    """What was asked for needs a library that only an extra brings."""

    code = "SDQA-731"
    exit_code = EXIT_USAGE


class DiagnosisError(SdqaError):
    """The evidence that a diagnosis needs is not there."""

    code = "SDQA-800"


class FaultError(SdqaError):
    """A fault is unknown or cannot be injected where it was asked for."""

    code = "SDQA-810"
    exit_code = EXIT_USAGE


class RunnerError(SdqaError):
    """A machine cannot be set up, watched or cleared as a CI runner."""

    code = "SDQA-830"


class GitHubError(RunnerError):
    """GitHub's API refuses, cannot be reached, or answers with something else."""

    code = "SDQA-831"


class ArchiveError(RunnerError):
    """A runner's archive is not the one that was named, or holds what must not be unpacked."""

    code = "SDQA-832"


class SystemFault(SdqaError):
    """The machine refused something: a full disk, a missing permission, a file where a folder should be, no memory."""

    code = "SDQA-900"


class Interrupted(SdqaError):
    """Somebody, or a time limit, stopped the run."""

    code = "SDQA-901"
    exit_code = EXIT_INTERRUPTED


class Unforeseen(SdqaError):
    """An error that sdqa does not know: a defect of sdqa's or of a library's."""

    code = "SDQA-999"
