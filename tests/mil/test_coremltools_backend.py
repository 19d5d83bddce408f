"""coremltools' own MLModel on this runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import coremltools as ct
import numpy as np
import pytest
from coremltools.converters.mil import Builder as mb
from coremltools.converters.mil.mil import types

from sdqa import compat, mil

from .conftest import Convert


@pytest.mark.usefixtures("backend")
def test_mlmodel_predicts_as_the_runtime_does(network: Path, image: Any) -> None:
    model = ct.models.MLModel(str(network))
    (theirs,), (ours,) = model.predict({"x": image}).values(), mil.load(network).predict({"x": image}).values()
    np.testing.assert_array_equal(theirs, ours)
    batch = model.predict([{"x": image}, {"x": image}])
    assert len(batch) == 2


@pytest.mark.usefixtures("backend")
def test_states_work_through_mlmodel(convert: Convert) -> None:
    @mb.program(input_specs=[mb.StateTensorSpec((2,), dtype=types.fp16)], opset_version=ct.target.iOS18)
    def program(memory: Any) -> Any:
        one = mb.add(x=mb.read_state(input=memory), y=np.float16(1))
        return mb.identity(x=mb.coreml_update_state(state=memory, value=one), name="y")

    model = ct.models.MLModel(str(convert(program, "backend_state", target=ct.target.iOS18, half=True)))
    state = model.make_state()
    model.predict({}, state)
    assert model.predict({}, state)["y"].tolist() == [2, 2]
    state.write_state("memory", np.zeros(2, np.float16))
    assert state.read_state("memory").tolist() == [0, 0]
    with pytest.raises(RuntimeError, match="no state"):
        state.read_state("other")


@pytest.mark.usefixtures("backend")
def test_errors_are_runtime_errors_as_the_extensions_are(network: Path) -> None:
    with pytest.raises(RuntimeError, match="shape"):
        ct.models.MLModel(str(network)).predict({"x": np.zeros((1, 3, 9, 9), np.float32)})


def test_uninstalling_leaves_coremltools_as_it_was(network: Path) -> None:
    before = dict(vars(ct.models.model))
    mil.coremltools_backend.install(everywhere=True)
    assert ct.models.model._is_macos()
    mil.coremltools_backend.uninstall()
    after = vars(ct.models.model)
    assert all(after[name] is before[name] for name in ("_MLModelProxy", "_is_macos", "_macos_version"))
    with compat.quiet_coremltools():
        model = ct.models.MLModel(str(network))
    with pytest.raises(Exception, match=r"CoreML\.framework|supported on macOS"):
        model.predict({"x": np.zeros((1, 3, 6, 6), np.float32)})
