"""Every registered fault changes what it says, only that, and the same way every time."""

from __future__ import annotations

import gc
import shutil
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sdqa import mil
from sdqa.bundle import Measurement
from sdqa.errors import PackageError
from sdqa.faults import Injection, all_faults
from sdqa.faults.package_editor import PackageEditor
from sdqa.runtime import Arrays
from sdqa.store import tree_digest
from tests.faults.components import convert_all

pytestmark = pytest.mark.slow

INJECTIONS = [fault.at(severity) for fault in all_faults() for severity in fault.severities]

DAMAGED = {"weights-truncated", "program-damaged", "weights-of-another", "manifest-lost"}
"""Faults after which a package cannot be read any more."""


def those(place: str) -> list[Any]:
    return [pytest.param(one, id=one.id) for one in INJECTIONS if getattr(one, place) is not None]


@pytest.fixture(scope="session")
def components(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the four components' packages; not to be changed."""
    folder = tmp_path_factory.mktemp("components")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # coremltools leaves its temporary folders to the collector
        convert_all(folder)
        gc.collect()
    return folder


def harmed(fault: Injection, components: Path, folder: Path) -> Path:
    assert fault.edit_package is not None
    name = f"{fault.package_component}.mlpackage"
    package = Path(shutil.copytree(components / name, folder / name))
    fault.edit_package(package)
    return package


@pytest.mark.parametrize("fault", those("edit_package"))
def test_a_package_is_changed_and_no_other_is(fault: Injection, components: Path, tmp_path: Path) -> None:
    before = tree_digest(components)
    changed = harmed(fault, components, tmp_path)
    assert tree_digest(changed) != tree_digest(components / changed.name)
    assert tree_digest(components) == before
    if fault.name not in DAMAGED:
        PackageEditor(changed)  # still a program that can be read


@pytest.mark.parametrize("fault", [fault.at(fault.default) for fault in all_faults()], ids=lambda fault: fault.id)
def test_a_package_is_changed_the_same_way_every_time_and_its_culprit_is_found_before(
    fault: Injection, components: Path, tmp_path: Path
) -> None:
    if fault.edit_package is None:
        assert fault.stage not in ("conversion", "quantisation"), "such a fault lies in a package"
        return
    package = components / f"{fault.package_component}.mlpackage"
    before = tree_digest(package)
    culprit = fault.locate(package) if fault.locate is not None else None
    assert tree_digest(package) == before, "to look is not to touch"
    first, second = (harmed(fault, components, tmp_path / name) for name in ("first", "second"))
    assert tree_digest(first) == tree_digest(second)
    if fault.name in DAMAGED:
        with pytest.raises(PackageError):
            mil.load(first)
    if culprit is not None:
        editor = PackageEditor(package)
        assert culprit.operation in {editor.name_of(operation) for operation in editor.operations()}
        assert culprit.weight is None or editor.is_constant(culprit.weight)


class Plain:
    """A runner with known outputs of the right layout."""

    def __init__(self, component: str) -> None:
        self.component = component

    def run(self, inputs: Arrays) -> dict[str, np.ndarray[Any, Any]]:
        shape = {"text_encoder": (1, 77, 96), "vae_encoder": (1, 8, 16, 16), "unet": (2, 4, 16, 16)}
        value = next(iter(inputs.values()))
        random = np.random.default_rng(int(1000 * abs(float(value.sum()))) % 2**31)
        return {"out": random.standard_normal(shape.get(self.component, (1, 3, 64, 64))).astype(np.float32)}


def outputs(runner: Any, component: str) -> np.ndarray[Any, Any]:
    steps = [np.full(2, t, np.float32) for t in np.linspace(951, 1, 16)]
    name = "timestep" if component == "unet" else "x"
    return np.stack([runner.run({name: step})["out"] for step in steps])


@pytest.mark.parametrize("fault", those("wrap"))
def test_a_wrapped_runner_gives_something_else_and_begins_anew(fault: Injection) -> None:
    assert fault.wrap is not None
    component = str(fault.package_component)
    sound = outputs(Plain(component), component)
    runner = fault.wrap(Plain(component))
    assert runner.component == component
    first, second = outputs(runner, component), outputs(fault.wrap(Plain(component)), component)
    assert not np.array_equal(first, sound)
    np.testing.assert_array_equal(first, second)
    if component == "unet":
        np.testing.assert_array_equal(outputs(runner, component), first, "a new generation counts from zero")
    np.testing.assert_array_equal(outputs(Plain(component), component), sound)


@pytest.mark.parametrize("fault", those("glue"))
def test_the_glue_is_not_the_teachers(fault: Injection) -> None:
    from sdqa.generate.pipeline import Glue

    assert fault.glue != Glue()
    assert fault.edit_package is None


@pytest.mark.parametrize("fault", those("request"))
def test_the_request_differs_and_the_given_one_does_not_change(fault: Injection) -> None:
    from sdqa.generate.noise import Noise
    from sdqa.generate.pipeline import Request

    source = np.zeros((64, 64, 3), np.uint8)
    noise = Noise.draw(1, (4, 16, 16))
    request = Request("a portrait of a girl with red hair and glasses", "", source, 0.5, 3.0, 20, "pndm", noise)
    before = replace(request, noise=replace(noise, initial=noise.initial.copy()))
    assert fault.request is not None
    changed = fault.request(request)
    same = [name for name in vars(request) if _same(getattr(changed, name), getattr(request, name))]
    assert len(same) == len(vars(request)) - 1, "exactly one thing differs"
    assert all(_same(getattr(before, name), getattr(request, name)) for name in vars(request))


def _same(first: Any, second: Any) -> bool:
    if hasattr(first, "initial"):
        return np.array_equal(first.initial, second.initial) and np.array_equal(first.posterior, second.posterior)
    return np.array_equal(first, second) if isinstance(first, np.ndarray) else bool(first == second)


@pytest.mark.parametrize("fault", those("figures"))
def test_figures_grow_and_qualities_stay(fault: Injection) -> None:
    assert fault.figures is not None
    names = ("inference_s", "latency_ms", "model_memory_bytes", "peak_memory_bytes", "package_bytes")
    grown = [fault.figures(Measurement(metric=name, value=2.0)).value for name in names]
    assert max(value or 0.0 for value in grown) > 2.0
    assert min(value or 0.0 for value in grown) >= 2.0
    quality = Measurement(metric="lpips", case="portrait", value=0.1)
    assert fault.figures(quality) == quality
    missing = Measurement(metric="inference_s", value=None, reason="nothing ran")
    assert fault.figures(missing) == missing
