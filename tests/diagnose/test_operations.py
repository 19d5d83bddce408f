"""Inside one component: the operation that adds the error, its module, its weights; and runs with values replaced."""

from __future__ import annotations

import numpy as np
import pytest

from sdqa.diagnose.harness import Harness
from sdqa.diagnose.ladder import candidate_of, replays
from sdqa.diagnose.modules import ModuleFinder, module_results
from sdqa.diagnose.observation import ComponentRun, propagate
from sdqa.diagnose.operations import operations
from sdqa.diagnose.tally import Tally
from tests.diagnose.conftest import Laboratory, case
from tests.diagnose.planting import Planting

pytestmark = pytest.mark.slow

DRAWN = case("portrait/17", 1, steps=2, scheduler="ddim")


def harness(laboratory: Laboratory, package: object = None) -> Harness:
    chosen = package or laboratory.package("text_encoder")
    return Harness(laboratory.evidence({"text_encoder": chosen}, cases=(DRAWN,)))  # type: ignore[dict-item]


def weight_of(laboratory: Laboratory) -> str:
    from sdqa import mil

    constants = mil.load(laboratory.package("text_encoder")).function.body.constants
    return next(name for name in constants if "layers_1_mlp_fc1_weight" in name)


@pytest.fixture(scope="module")
def damaged(laboratory: Laboratory) -> Harness:
    """One weight of the second layer is half as large as it should be."""
    name = weight_of(laboratory)

    def halve(planting: Planting) -> None:
        planting.weight(name, lambda value: value / 2)

    return harness(laboratory, laboratory.planted("text_encoder", halve))


def test_a_sound_component_has_no_conspicuous_weight(laboratory: Laboratory) -> None:
    found = operations(harness(laboratory), "text_encoder")
    assert found.reference == "package"
    assert found.weights == ()
    assert all(one.finite for one in found.operations)
    assert min(one.added_db for one in found.operations) > 50


def test_the_damaged_operation_is_named_with_its_module_and_its_weight(
    laboratory: Laboratory, damaged: Harness
) -> None:
    found = operations(damaged, "text_encoder")
    named = found.find(found.culprit)
    assert named is not None
    assert named.module.endswith("layers.1.mlp.fc1")
    assert found.weights[0].name == weight_of(laboratory)
    assert "scaled by 0.5" in found.weights[0].verdict


def test_what_is_inserted_at_the_very_end_is_named_by_the_operation_before_it(laboratory: Laboratory) -> None:
    """A sound conversion in fp32 has no cast there that could tell of it."""
    planted: list[str] = []
    last = "last_hidden_state_cast_fp16"
    path = laboratory.planted("text_encoder", lambda planting: planted.append(planting.scaled(last, 0.5)))
    found = operations(harness(laboratory, path), "text_encoder")
    assert found.culprit == last
    named = found.find(last)
    assert named is not None
    assert any(planted[0] in one for one in named.findings)


def test_only_the_damaged_operation_adds_and_what_follows_carries(damaged: Harness) -> None:
    run = ComponentRun(candidate_of(damaged, "text_encoder"), replays(damaged, "text_encoder", 1)[0])
    tallies: dict[str, Tally] = {}
    run.observe(tallies)
    adding = [name for name, tally in tallies.items() if tally.added and max(tally.added) > 1e-4]
    carrying = [name for name, tally in tallies.items() if tally.carried and max(tally.carried) > 1e-4]
    assert len(adding) == 1
    assert len(carrying) > 1
    assert run.impact(tallies[adding[0]].node) > 0


def test_a_run_with_nothing_replaced_is_the_run(laboratory: Laboratory) -> None:
    one = harness(laboratory)
    run = ComponentRun(candidate_of(one, "text_encoder"), replays(one, "text_encoder", 1)[0])
    same = propagate(run.reference, run.sound, {})
    assert same is not None
    assert all(np.array_equal(same[name], value) for name, value in run.outputs.items())


def test_a_replaced_value_reaches_the_outputs(laboratory: Laboratory) -> None:
    one = harness(laboratory)
    run = ComponentRun(candidate_of(one, "text_encoder"), replays(one, "text_encoder", 1)[0])
    first = next(
        value.name
        for node in run.reference.function.body.nodes
        for value in node.outputs
        if isinstance(run.sound.get(value.name), np.ndarray) and run.sound[value.name].dtype.kind == "f"
    )
    changed = propagate(run.reference, run.sound, {first: run.sound[first] * 2})
    assert changed is not None
    assert any(not np.array_equal(changed[name], value) for name, value in run.outputs.items())


def test_modules_are_named_by_the_parameters_that_operations_take(laboratory: Laboratory) -> None:
    candidate = candidate_of(harness(laboratory), "text_encoder")
    finder = ModuleFinder(candidate, {})
    named = {finder.module_of(node) for node in candidate.plain_program.function.body.nodes}
    assert any(name.endswith("layers.0.self_attn.q_proj") for name in named)
    assert any(name.endswith("layers.1.mlp.fc2") for name in named)


def test_torch_modules_give_what_the_component_computes(laboratory: Laboratory) -> None:
    one = harness(laboratory)
    replay = replays(one, "text_encoder", 1)[0]
    results = module_results(one, "text_encoder", dict(replay.call.inputs or {}))
    last = next(value for name, value in results.items() if name.endswith("final_layer_norm"))
    expected = next(iter((replay.call.outputs or {}).values()))
    np.testing.assert_allclose(last, expected, atol=1e-5)
