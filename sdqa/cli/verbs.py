"""The verbs by name: where each lies, and what it does. A module is imported when its verb is asked for."""

from __future__ import annotations

import gc
import importlib
from collections.abc import Iterator, MutableMapping
from typing import NamedTuple

import click


class Verb(NamedTuple):
    """Where a verb lies, and the first sentence of its help."""

    module: str
    attribute: str
    sentence: str
    of_documents: bool = False
    """It reads documents and is over: there is no garbage that is worth looking for."""


VERBS: dict[str, Verb] = {
    "plan": Verb(
        "sdqa.cli.running",
        "plan",
        "Show what will run, what is skipped and why, what it costs, and what is still missing.",
        of_documents=True,
    ),
    "qa": Verb("sdqa.cli.running", "qa", "Run a suite: plan, convert, generate, score, gate, report."),
    "convert": Verb("sdqa.cli.running", "convert", "Convert the teacher's components into packages."),
    "generate": Verb("sdqa.cli.running", "generate", "Generate every case from the packages."),
    "score": Verb("sdqa.cli.running", "score", "Score what was generated against the goldens."),
    "gate": Verb(
        "sdqa.cli.bundles",
        "gate",
        "Judge a bundle's measurements again, with the tolerances and budgets of today; writes nothing.",
        of_documents=True,
    ),
    "report": Verb(
        "sdqa.cli.bundles", "report", "Write the page, JUnit XML and summary of a bundle again.", of_documents=True
    ),
    "compare": Verb(
        "sdqa.cli.bundles",
        "compare",
        "Say what changed from RUN_A to RUN_B: new failures, still failing, fixed, and the figures that moved.",
        of_documents=True,
    ),
    "show": Verb(
        "sdqa.cli.reviewing",
        "show",
        "Show a case of a run: what was asked for, its pictures, every figure with its limit, the worst first.",
        of_documents=True,
    ),
    "merge": Verb(
        "sdqa.cli.bundles",
        "merge",
        "Join the bundles of several machines; a lane that no machine ran makes it incomplete.",
        of_documents=True,
    ),
    "init": Verb(
        "sdqa.cli.starting",
        "init",
        "Write a commented suite to start from: for a model of yours, or for the embedded one; say what is missing.",
    ),
    "fetch": Verb(
        "sdqa.cli.starting",
        "fetch",
        "Fetch models and metrics' weights that a suite needs from elsewhere; their digests go to sdqa.lock.",
    ),
    "schema": Verb(
        "sdqa.cli.bundles",
        "schema",
        "Print the JSON Schema of a bundle's run.json, of sdqa.toml or of a plan of record.",
    ),
    "goldens": Verb(
        "sdqa.cli.references",
        "goldens",
        "Record the references from the PyTorch teacher; changes nothing without --reason.",
    ),
    "approve": Verb(
        "sdqa.cli.approving", "approve", "Make what a lane recorded its baseline; nothing is generated again."
    ),
    "calibrate": Verb(
        "sdqa.cli.references",
        "calibrate",
        "Measure harmless noise and faults, and place the tolerances between them; other machines' lanes keep theirs.",
    ),
    "diagnose": Verb(
        "sdqa.cli.causes", "diagnose", "Name the component, the stage and the operation that broke a lane's candidate."
    ),
    "ci": Verb("sdqa.cli.ci", "ci", "The only verbs that a CI file needs: plan, unit, gate."),
    "judge-diff": Verb(
        "sdqa.cli.judging",
        "judge_diff",
        "Say what HEAD does to the judge of BASE: checks removed, limits loosened, references changed.",
    ),
    "faults": Verb(
        "sdqa.cli.faults", "faults", "The catalogue of injectable faults, and the campaign that plants them."
    ),
    "store": Verb("sdqa.cli.keeping", "store", "How much the store holds, and how it is made smaller."),
    "history": Verb(
        "sdqa.cli.history",
        "history",
        "The runs that are kept: one small file each, in a folder, on a git branch or at an fsspec address.",
    ),
    "dashboard": Verb(
        "sdqa.cli.history",
        "dashboard",
        "Build a static site over many runs: what changed, since when, what to ship. Opens from disk, too.",
    ),
    "oracle": Verb(
        "sdqa.cli.oracle",
        "oracle",
        "Compare sdqa.mil and Core AI on the same components, in fp32 and fp16, against torch and each other.",
    ),
    "runner": Verb(
        "sdqa.cli.runner", "runner", "A machine of your own that runs CI jobs: doctor, setup, status, drain, remove."
    ),
    "mil": Verb("sdqa.mil.cli", "mil_group", "Look into ML Programs and run them on any machine."),
}


class Commands(MutableMapping[str, click.Command]):
    """The group's commands: those of `VERBS`, each imported when it is read, and whatever is added."""

    def __init__(self) -> None:
        self._commands: dict[str, click.Command | Verb] = dict(VERBS)

    def __getitem__(self, name: str) -> click.Command:
        found = self._commands[name]
        if isinstance(found, Verb):
            command: click.Command = getattr(importlib.import_module(found.module), found.attribute)
            self._commands[name] = command
            return command
        return found

    def __setitem__(self, name: str, command: click.Command) -> None:
        self._commands[name] = command

    def __delitem__(self, name: str) -> None:
        del self._commands[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._commands)

    def __len__(self) -> int:
        return len(self._commands)

    def short_help(self, name: str, letters: int) -> str:
        """What a verb does, in at most so many letters, without importing it."""
        found = self._commands[name]
        command = click.Command(name, help=found.sentence) if isinstance(found, Verb) else found
        return command.get_short_help_str(letters)


class VerbGroup(click.Group):
    """The command line's verbs; its help lists them without importing any."""

    commands: Commands

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The verb that is asked for; looking for garbage takes a sixth of the time of one that reads documents."""
        verb = VERBS.get(args[0]) if args else None
        if verb is not None and verb.of_documents:
            gc.disable()
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The verbs, each with its sentence, as click writes them."""
        names = self.list_commands(ctx)
        letters = formatter.width - 6 - max(map(len, names))
        with formatter.section("Commands"):
            formatter.write_dl([(name, self.commands.short_help(name, letters)) for name in names])
