"""An asset beside a sound one on recorded calls: every value of both, every operation alone, and its impact."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sdqa.diagnose.coreai.cut import cut, execute
from sdqa.diagnose.coreai.pairs import Beside
from sdqa.diagnose.coreai.program import AssetProgram
from sdqa.diagnose.discrepancy import compare
from sdqa.diagnose.tally import LOST, Tally, judge, noise_of, note_range
from sdqa.errors import ExecutionError
from sdqa.mil.graph import Node

Array = npt.NDArray[Any]
Values = dict[str, Array]
MEMORY_BYTES = 1 << 32
"""What the kept values of all calls may occupy; of calls beyond, the first ones are used."""
GIVEN_BYTES = 1 << 30
"""What one copy gives out at most; what is more comes from several."""


class Bench:
    """Recorded calls of one component, run by both assets with their inner values given out.

    Args:
        folder: for the copies; they may be large.

    Raises:
        ExecutionError: the sound asset cannot be cut or run.
    """

    def __init__(self, beside: Beside, reference: AssetProgram, calls: Sequence[Values], folder: Path) -> None:
        self.beside, self.reference, self.folder = beside, reference, folder
        self._copies = 0
        size = sum(value.type.elements or 0 for node in reference.nodes for value in node.outputs) * 4
        self.calls = list(calls)[: max(1, MEMORY_BYTES // max(1, 3 * size))]
        self.sound = self._inner(reference, {}, self.calls)
        try:
            self.own: list[Values] = self._inner(beside.candidate, {}, self.calls)
        except ExecutionError:
            self.own = [{} for _ in self.calls]  # every operation is run alone too
        self.alone = self._alone()

    def observe(self) -> dict[str, Tally]:
        """What every operation of the candidate adds to sound inputs, and carries in its own run."""
        tallies = {node.name: Tally(node) for node in self.beside.candidate.nodes}
        lost = set(self.beside.alignment.removed)
        makers = {value.name: node.name for node in self.reference.nodes for value in node.outputs}
        for sound, own, alone in zip(self.sound, self.own, self.alone, strict=True):
            strange: dict[str, str] = {}  # value → the inserted operation behind it
            for node in self.beside.candidate.nodes:
                tally, other = tallies[node.name], self.beside.partner(node)
                if other is not None and other.type != node.type:
                    tally.note(f"a {node.type} stands where a sound conversion has a {other.type}")
                behind = next((strange[name] for name in node.names_used() if name in strange), "")
                for index, value in enumerate(node.outputs):
                    result = alone.get(value.name)
                    if other is None:
                        if node.type != "cast" or behind:
                            strange[value.name] = behind or node.name
                    elif result is not None and result.dtype.kind == "f" and other.outputs[index].name in sound:
                        judge(tally, sound[other.outputs[index].name], result, own.get(value.name))
                        if tally.added[-1] > 0 and not tally.blame:
                            before = [makers[name] for name in other.names_used() if name in makers]
                            tally.blame = behind or next((name for name in before if name in lost), "")
                    if result is not None:
                        note_range(tally, result)
        return tallies

    def impact(self, node: Node) -> float:
        """Noise of the sound asset's outputs, mean over the calls, when one operation's results are the candidate's."""
        partner = self.beside.partner(node)
        if partner is None or any(value.name not in self.alone[0] for value in node.outputs):
            return LOST
        ours = {his.name: mine.name for mine, his in zip(node.outputs, partner.outputs, strict=True)}
        names = {f"taken_{index}": name for index, name in enumerate(ours) if name in self.reference.places}
        take = {given: self.reference.places[name] for given, name in names.items()}
        copy = cut(self.reference.asset, take, {}, self._next())
        given = [
            {**call, **{new: alone[ours[name]] for new, name in names.items()}}
            for call, alone in zip(self.calls, self.alone, strict=True)
        ]
        noises = []
        for sound, outputs in zip(self.sound, execute(copy, given), strict=True):
            noises.append(max(min(LOST, noise_of(compare(sound[n], outputs[n]))) for n in self.reference.outputs))
        return float(np.mean(noises))

    def _alone(self) -> list[Values]:
        """Every operation of the candidate on the sound asset's values; inserted ones on what stands before them."""
        candidate, known = self.beside.candidate, self.beside.alignment.values
        makers = {name for name in candidate.places if known.get(name) in self.sound[0]}
        names = {f"taken_{index}": name for index, name in enumerate(sorted(makers))}
        calls = [
            {**call, **{new: sound[known[name]] for new, name in names.items()}}
            for call, sound in zip(self.calls, self.sound, strict=True)
        ]
        return self._inner(candidate, names, calls)

    def _inner(self, program: AssetProgram, taken: Mapping[str, str], calls: Sequence[Values]) -> list[Values]:
        """All values inside an asset, by name, and its outputs, for every call."""
        take = {new: program.places[name] for new, name in taken.items()}
        found: list[Values] = [{} for _ in calls]
        for names in _groups(program):
            give = {f"given_{index}": program.places[name] for index, name in enumerate(names)}
            for values, outputs in zip(
                found, execute(cut(program.asset, take, give, self._next()), calls), strict=True
            ):
                values.update({name: outputs[f"given_{index}"] for index, name in enumerate(names)})
                values.update({name: outputs[name] for name in program.outputs})
        return found

    def _next(self) -> Path:
        self._copies += 1
        return self.folder / str(self._copies) / "copy.aimodel"


def _groups(program: AssetProgram) -> list[list[str]]:
    """The names of an asset's values, split by what they occupy."""
    groups: list[list[str]] = [[]]
    size = 0
    for node in program.nodes:
        for value in node.outputs:
            if value.name not in program.places:
                continue
            own = 4 * math.prod(value.type.shape)
            if groups[-1] and size + own > GIVEN_BYTES:
                groups.append([])
                size = 0
            groups[-1].append(value.name)
            size += own
    return groups
