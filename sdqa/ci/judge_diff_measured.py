"""What is measured under a name: another model, recipe, runtime or picture under the old name is another judge.

Limits and goldens may be as they were, and yet something else is held against them. Each difference says both values,
so that a recorded reason holds for exactly this one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from pydantic import BaseModel

from sdqa.bundle import JudgeChange
from sdqa.plan import Case, Plan, PlannedLane
from sdqa.plan.suite import TEACHER_NOW
from sdqa.store import digest_of

SHOWN_LETTERS = 60
RANKS = {"off": 0, "auto": 1, "required": 2}
"""How much is asked of a lane's own approved outcomes."""
WHO_DRAWS = ("models",)
"""Keys of a case that say who draws it; what a lane no longer draws is named by the lane."""


def measured_changes(base: Plan, head: Plan) -> list[JudgeChange]:
    """What is another thing under the same name: models and variants of lanes that both have, lanes, and plugins."""
    new = {lane.id: lane for lane in head.lanes}
    pairs = [(lane, new[lane.id]) for lane in base.lanes if lane.id in new]
    models = {old.model_name: (old.model, now.model) for old, now in pairs}
    variants = {old.variant.name: (old.variant, now.variant) for old, now in pairs}
    return [
        *_records("model", models),
        *_records("variant", variants),
        *(change for old, now in pairs for change in _lane(old, now)),
        *_plugins(base.suite.plugins.modules, head.suite.plugins.modules),
    ]


def case_changes(base: Plan, head: Plan) -> list[JudgeChange]:
    """Cases that are gone, new or others."""
    old, new = base.suite.cases, head.suite.cases
    gone = [JudgeChange(kind="case", subject=name, what="removed", looser=True) for name in old if name not in new]
    added = [JudgeChange(kind="case", subject=name, what="added", looser=False) for name in new if name not in old]
    other = [name for name in old if name in new and old[name] != new[name]]
    return [*gone, *(_changed(name, old[name], new[name], head) for name in other), *added]


def _changed(name: str, old: Case, new: Case, head: Plan) -> JudgeChange:
    """Where the teacher draws the references anew, nothing recorded holds what the case was."""
    words = _differences(old, new, without=WHO_DRAWS)
    if head.suite.goldens == TEACHER_NOW and words:
        what = f"{words}: the teacher draws its references anew"
        return JudgeChange(kind="case", subject=name, what=what, looser=True)
    return JudgeChange(kind="case", subject=name, what="changed", looser=False)


def _records(kind: str, pairs: Mapping[str, tuple[BaseModel, BaseModel]]) -> list[JudgeChange]:
    words = {name: _differences(old, new) for name, (old, new) in sorted(pairs.items())}
    other = {name: f"another {kind} under the same name: {said}" for name, said in words.items() if said}
    return [JudgeChange(kind=kind, subject=name, what=what, looser=True) for name, what in other.items()]


def _lane(old: PlannedLane, new: PlannedLane) -> list[JudgeChange]:
    found = []
    for key in ("runtime", "compute_unit"):
        before, after = getattr(old, key), getattr(new, key)
        if before != after:
            what = f"{key} {_shown(before)} → {_shown(after)}"
            found.append(JudgeChange(kind="lane", subject=old.id, what=what, looser=True))
    if old.baseline != new.baseline:
        what, looser = f"baseline {old.baseline} → {new.baseline}", RANKS[new.baseline] < RANKS[old.baseline]
        found.append(JudgeChange(kind="lane", subject=old.id, what=what, looser=looser))
    return found


def _plugins(old: Sequence[str], new: Sequence[str]) -> list[JudgeChange]:
    """Modules that a suite has loaded: what they do is not limited to what they register."""
    added = [name for name in new if name not in old]
    gone = [name for name in old if name not in new]
    what = "added: code that runs inside the judge"
    return [
        *(JudgeChange(kind="plugin", subject=name, what=what, looser=True) for name in added),
        *(JudgeChange(kind="plugin", subject=name, what="removed", looser=False) for name in gone),
    ]


def _differences(old: BaseModel, new: BaseModel, without: Sequence[str] = ()) -> str:
    """`compression "palettize-6bit" → none`, key by key; empty where nothing differs."""
    before, after = old.model_dump(mode="json"), new.model_dump(mode="json")
    keys = [key for key in before if before[key] != after[key] and key not in without]
    return ", ".join(f"{key} {_shown(before[key])} → {_shown(after[key])}" for key in keys)


def _shown(value: object) -> str:
    """A value on one line; of a long one its beginning, and its digest."""
    text = "none" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= SHOWN_LETTERS else f"{text[:SHOWN_LETTERS]}… ({digest_of(value)[:12]})"
