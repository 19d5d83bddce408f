"""One recorded call, run operation by operation on sound inputs: what each adds, and what it does to the output."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from sdqa.diagnose.discrepancy import compare
from sdqa.diagnose.ladder import Replay
from sdqa.diagnose.programs import Candidate
from sdqa.diagnose.tally import LOST, Tally, judge, noise_of, note_range
from sdqa.errors import ExecutionError
from sdqa.mil.graph import Node
from sdqa.mil.program import Program

Array = npt.NDArray[Any]


class ComponentRun:
    """One recorded call, run by the reference and by the candidate, with every value kept."""

    def __init__(self, candidate: Candidate, replay: Replay) -> None:
        if candidate.reference is None:
            raise ValueError("a run needs a reference program")
        inputs = dict(replay.call.inputs or {})
        self.candidate, self.reference = candidate, candidate.reference
        outputs, values = self.reference.predict(inputs, capture="all")
        self.outputs: dict[str, Array] = as_arrays(outputs)
        self.sound: dict[str, Any] = {**inputs, **values}
        try:
            self.own: dict[str, Any] = candidate.plain_program.predict(inputs, capture="all")[1]
        except ExecutionError:
            self.own = {}  # `observe` runs every operation by itself, and tells of the one that fails
        self.results: dict[str, dict[str, Any]] = {}  # candidate operation -> its results on sound inputs

    def observe(self, tallies: dict[str, Tally]) -> None:
        """Run every operation of the candidate on sound inputs and add to the tallies."""
        alignment = self.candidate.alignment
        partners = {node.name: node for node in self.reference.function.body.nodes}
        fed: dict[str, Any] = {
            mine: self.sound[theirs] for mine, theirs in alignment.values.items() if theirs in self.sound
        }
        strange: dict[str, str] = {}  # value -> the inserted operation behind it
        lost = set(alignment.removed)
        makers = {value.name: node for node in self.reference.function.body.nodes for value in node.outputs}
        for node in self.candidate.plain_program.function.body.nodes:
            tally = tallies.setdefault(node.name, Tally(node))
            other = partners.get(alignment.operations.get(node.name, ""))
            try:
                results = self.candidate.plain_program.run_operation(node.name, fed)
            except ExecutionError as error:
                tally.note(f"fails: {error.what}")
                tally.added.append(LOST)
                continue
            self.results[node.name] = results
            for index, value in enumerate(node.outputs):
                result = results.get(value.name)
                if not isinstance(result, np.ndarray):
                    fed.setdefault(value.name, result)
                    continue
                note_range(tally, result)
                expected = self.sound.get(other.outputs[index].name) if other and index < len(other.outputs) else None
                if not isinstance(expected, np.ndarray) or expected.dtype.kind != "f":
                    if other is None:
                        fed[value.name] = result
                        origin = next((strange[name] for name in node.names_used() if name in strange), "")
                        if node.type != "cast" or origin:
                            strange[value.name] = origin or node.name  # the first of several in a row
                        if not np.isfinite(result).all() and all(
                            np.isfinite(fed[name]).all() for name in node.names_used() if name in fed
                        ):
                            tally.nonfinite = True
                            tally.note("its result is not finite although its inputs are")
                        self._judge_end(tally, value.name, result, strange.get(value.name, ""))
                    continue
                judge(tally, expected, result, self.own.get(value.name))
                if tally.added[-1] > 0 and not tally.blame:
                    behind = [strange[name] for name in node.names_used() if name in strange]
                    before = [makers[name].name for name in other.names_used() if name in makers] if other else []
                    missing = [name for name in before if name in lost]
                    tally.blame = behind[0] if behind else (missing[0] if missing else "")

    def _judge_end(self, tally: Tally, output: str, result: Array, inserted: str) -> None:
        """Hold an output that an inserted operation makes against the sound one: nothing after it tells what it does.

        Args:
            output: a value's name; only the component's outputs are looked at.
            inserted: the first operation before it that is not in a sound conversion; "" where there is none.
        """
        if inserted and output in self.outputs:
            judge(tally, self.outputs[output], result, self.own.get(output))
            tally.blame = tally.blame or inserted

    def impact(self, node: Node) -> float:
        """Noise of the component's outputs when only this operation's results are the candidate's."""
        other = self.candidate.alignment.operations.get(node.name, "")
        partner = next((item for item in self.reference.function.body.nodes if item.name == other), None)
        results = self.results.get(node.name)
        ends = {name: value for name, value in (results or {}).items() if partner is None and name in self.outputs}
        if ends:
            return max(noise_of(compare(self.outputs[name], np.asarray(value))) for name, value in ends.items())
        if partner is None or results is None:
            return LOST
        changed = {
            his.name: results[mine.name]
            for mine, his in zip(node.outputs, partner.outputs, strict=False)
            if mine.name in results
        }
        outputs = propagate(self.reference, self.sound, changed)
        if outputs is None:
            return LOST
        expected = {name: value for name, value in self.outputs.items() if name in outputs}
        return max((noise_of(compare(value, outputs[name])) for name, value in expected.items()), default=0.0)


def propagate(program: Program, values: Mapping[str, Any], changed: Mapping[str, Any]) -> dict[str, Array] | None:
    """The program's outputs when some of a run's values are replaced; only what depends on them is run again.

    Returns:
        Outputs by name, None when an operation cannot run on what it is given.
    """
    replaced = dict(changed)
    for node in program.function.body.nodes:
        if any(value.name in changed for value in node.outputs) or not any(
            name in replaced for name in node.names_used()
        ):
            continue
        try:
            results = program.run_operation(node.name, {**values, **replaced})
        except ExecutionError:
            return None
        replaced.update(results)
    found = {**values, **replaced}
    return {feature.name: np.asarray(found[feature.name]) for feature in program.outputs if feature.name in found}


def as_arrays(outputs: Mapping[str, Any]) -> dict[str, Array]:
    return {name: np.asarray(value) for name, value in outputs.items()}
