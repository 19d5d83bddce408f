"""Tolerances: facts with a source, kept in `goldens/<model>/tolerances.json`.

Each lies between the harmless noise that was measured and the nearest fault that was measured and could be seen, and
records both, with date and fingerprint. A file is only replaced with a reason, which goes to the audit log.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Protocol

from pydantic import Field, FiniteFloat

from sdqa.bundle import Better, Environment, Record, documents
from sdqa.bundle.record import later
from sdqa.errors import GoldenMissing, UsageError
from sdqa.gate.tail import Tail
from sdqa.runtime.registry import on_device
from sdqa.store import digest_of

SCHEMA_VERSION = 1
TOLERANCES_FILE = "tolerances.json"
MAX_BYTES = 4 * 2**20
ANY_VARIANT = "*"


class Placed(Protocol):
    """By what limits are looked up: a lane, or what it will be."""

    @property
    def variant(self) -> str: ...
    @property
    def runtime(self) -> str: ...
    @property
    def compute_unit(self) -> str: ...


class HarmlessNoise(Record):
    """Measured noise that must pass."""

    n: int  # figures
    mean: float
    sd: float
    worst: float
    bound: float  # what a clean mean may reach, see `calibrate`
    case_bound: float  # what a clean case may reach
    conditions: tuple[str, ...]  # what was measured


class NearestFault(Record):
    """A measured fault."""

    name: str
    mean: float  # over its cases
    typical: float  # median of its cases


class Tolerance(Record):
    """One metric's limits, in the metric's unit and direction."""

    metric: str
    component: str | None = None
    better: Better
    unit: str = ""
    of: Literal["difference", "value"]  # candidate minus golden, or the figure itself
    limit: FiniteFloat  # on the mean over cases
    case_limit: FiniteFloat  # on a single case
    severe: FiniteFloat  # a single case beyond it fails even when the mean holds
    harmless: HarmlessNoise
    nearest_fault: NearestFault | None = None
    blind_to: tuple[str, ...] = ()  # measured faults that this metric cannot tell from noise
    margin: tuple[float, float] = (
        0.0,
        0.0,
    )  # harmless bound to limit, limit to nearest fault
    date: str
    fingerprints: tuple[str, ...] = ()  # of the figures it was measured from; others are not compared with it
    note: str = later("")  # what was done to the limits after they were placed
    tail: Tail | None = later(None)  # of one kind of case, which is then judged alone

    def worse_than(self, figure: float, limit: float) -> bool:
        """Whether a figure is on the bad side of a limit; one that is not a number is."""
        return not (figure >= limit if self.better == "higher" else figure <= limit)

    def serves(self, fingerprint: str) -> bool:
        """Whether it was measured with a figure's metric, network and resolution; one stated by hand serves all."""
        return not self.fingerprints or fingerprint in self.fingerprints

    @property
    def stated(self) -> bool:
        """Whether a person wrote it down: nothing was measured for it, with no teacher either."""
        return not self.harmless.n

    def explain(self) -> str:
        """Where the limits come from, in one sentence."""
        sign = "≥" if self.better == "higher" else "≤"
        what = "candidate - golden" if self.of == "difference" else "value"
        unit = f" {self.unit}" if self.unit else ""
        fault = "no measured fault is seen"
        if self.nearest_fault is not None:
            fault = f"nearest fault seen {self.nearest_fault.name} at {self.nearest_fault.mean:.4g}"
        return (
            f"{what}: mean {sign} {self.limit:.4g}{unit}, a case {sign} {self.case_limit:.4g}{unit}; harmless noise "
            f"reaches {self.harmless.bound:.4g} ({self.harmless.n} figures: {', '.join(self.harmless.conditions)}), "
            f"{fault}; {self.date[:10]}{f'; {self.note}' if self.note else ''}{self._tail_in_words(sign, unit)}"
        )

    def _tail_in_words(self, sign: str, unit: str) -> str:
        if self.tail is None:
            return ""
        seen = f"{self.tail.beyond} of {self.tail.n} draws lie beyond what is severe for the others"
        return f"; {self.tail.kind} cases alone {sign} {self.tail.severe:.4g}{unit}, as {seen}"


class Tolerances(Record):
    """The content of `tolerances.json`."""

    schema_version: int = SCHEMA_VERSION
    model: str
    checks: int  # that a whole run makes: false alarms are controlled over all of them
    false_alarms: float  # probability of any in a clean run
    confidence: float  # that the bounds cover what they say
    environment: Environment = Environment()  # where it was measured
    environments: dict[str, Environment] = later({})  # table → where, if it was another machine
    teacher: str = later("")  # digest of the model that it was measured with; empty: nobody wrote it down
    teachers: dict[str, str] = later({})  # table → its teacher's digest, if that was another; empty: not written down
    left_out: tuple[str, ...] = later(())  # faults that there was no time to plant: what they do, nobody knows
    variants: dict[str, dict[str, Tolerance]] = Field(default_factory=dict)  # see `find` → metric[@component] → …

    def find(self, lane: Placed, metric: str, component: str | None = None) -> Tolerance | None:
        """The tolerance of a metric for a lane; the component's own before the metric's.

        Looked up under `variant@runtime-unit`, `variant@runtime`, `variant` and `*`. What was measured with the
        reference runtime is not taken for a device, whose own noise is larger: the bare variant serves the others only.
        """
        found = self.find_with_teacher(lane, metric, component)
        return None if found is None else found[0]

    def find_with_teacher(
        self, lane: Placed, metric: str, component: str | None = None
    ) -> tuple[Tolerance, str] | None:
        """The same, with the digest of the teacher that it was measured with; empty where that is not known."""
        for name in self.names_of(lane):
            table = self.variants.get(name, {})
            for key in (f"{metric}@{component}", metric) if component else (metric,):
                if key in table:
                    return table[key], "" if table[key].stated else self.teacher_of(name)
        return None

    def teacher_of(self, table: str) -> str:
        """Digest of the teacher that a table was measured with; empty where that is not known."""
        return self.teachers.get(table, self.teacher)

    def serving(self, teacher: str) -> Tolerances:
        """Without the tables that were measured with another teacher than this one; what is not known counts."""
        if not teacher:
            return self
        kept = {
            name: {key: one for key, one in table.items() if one.stated or self.teacher_of(name) in ("", teacher)}
            for name, table in self.variants.items()
        }
        return self.model_copy(update={"variants": kept})

    @staticmethod
    def names_of(lane: Placed) -> tuple[str, ...]:
        """The tables that a lane's limits are looked up in, the most particular first."""
        own = (f"{lane.variant}@{lane.runtime}-{lane.compute_unit.lower()}", f"{lane.variant}@{lane.runtime}")
        return (*own, ANY_VARIANT) if on_device(lane.runtime) else (*own, lane.variant, ANY_VARIANT)

    def beside(self, before: Tolerances, *, everything: bool) -> Tolerances:
        """These tables, and those of an earlier file that were not measured again, with where they were measured.

        Args:
            everything: keep all of them; otherwise only those of devices, which another machine measures.
        """
        kept = {
            name: table
            for name, table in before.variants.items()
            if name not in self.variants and (everything or "@" in name)
        }
        places = {name: before.environments.get(name, before.environment) for name in kept}
        elsewhere = {name: place for name, place in places.items() if place != self.environment}
        others = {name: before.teacher_of(name) for name in kept if before.teacher_of(name) != self.teacher}
        tables = {**kept, **self.variants}
        return self.model_copy(update={"variants": tables, "environments": elsewhere, "teachers": others})

    def digest_for(self, lane: Placed) -> str:
        """Identity of what a lane is judged by alone: the limits of other variants may change beside it."""
        tables = {name: self.variants[name] for name in self.names_of(lane) if name in self.variants}
        stated = self.model_copy(update={"variants": tables}).model_dump(mode="json", include={"variants"})
        return digest_of(stated)

    def digest(self) -> str:
        """Identity of the whole file."""
        return digest_of(self.model_dump(mode="json"))

    @staticmethod
    def load(path: Path) -> Tolerances:
        """Read and check a file.

        Raises:
            GoldenMissing: there is none, or it does not follow the schema.
        """
        return documents.read(
            path,
            Tolerances,
            GoldenMissing,
            name="the file of tolerances",
            limit=MAX_BYTES,
            missing="there are no tolerances for this model",
            hint="measure them: sdqa calibrate",
        )

    def save(self, path: Path, reason: str) -> None:
        """Write the file and append to the audit log beside it. Writing what is there already changes nothing.

        Raises:
            UsageError: there are other tolerances already and no reason was given.
        """
        from sdqa.gate.audit import AuditEntry, append, author, now

        before = Tolerances.load(path) if path.exists() else None
        if before is not None and before.digest() == self.digest():
            return
        if before is not None and not reason.strip():
            what = "there are tolerances already and they would change"
            raise UsageError(what, where=str(path), hint="say why: --reason '…'")
        documents.write(path, self.model_dump(mode="json"))
        entry = AuditEntry(
            date=now(),
            who=author(),
            subject="tolerances",
            before=before.digest() if before else None,
            after=self.digest(),
            reason=reason.strip() or "first measured",
            worse=tuple(loosened(before, self)) if before else (),
        )
        append(path.parent, entry)


def loosened(before: Tolerances, after: Tolerances) -> list[str]:
    """Which limits became laxer or vanished, in words."""
    found = []
    for variant, table in sorted(before.variants.items()):
        now_there: Mapping[str, Tolerance] = after.variants.get(variant, {})
        for key, old in sorted(table.items()):
            new = now_there.get(key)
            if new is None:
                found.append(f"{variant}/{key}: dropped")
                continue
            if old.worse_than(new.limit, old.limit) or old.worse_than(new.case_limit, old.case_limit):
                limits = f"{old.limit:.4g} → {new.limit:.4g}, a case {old.case_limit:.4g} → {new.case_limit:.4g}"
                found.append(f"{variant}/{key}: {limits}")
            found += [f"{variant}/{key}: {words}" for words in tail_loosened(old, new)]
    return found


def tail_loosened(before: Tolerance, after: Tolerance) -> list[str]:
    """Whether cases that are judged alone may now be worse than they might, or dilute the mean again, in words."""
    if after.tail is None:
        return [f"{before.tail.kind} cases alone no more: the mean is taken over them again"] if before.tail else []
    kind, new = after.tail.kind, after.tail.severe
    if before.tail is None:
        return [f"{kind} cases alone, up to {new:.4g} instead of {before.severe:.4g}, and not in the mean"]
    old = before.tail.severe
    return [f"{kind} cases alone {old:.4g} → {new:.4g}"] if before.worse_than(new, old) else []
