"""Let coremltools itself predict on any machine.

coremltools predicts through `coremltools.libcoremlpython`, an extension that exists on macOS only. `install()` puts
this runtime in its place: `MLModel.predict`, `MLModel.make_state` and whatever is built on them then work unchanged.

    from sdqa import mil
    mil.coremltools_backend.install()
    coremltools.models.MLModel("Unet.mlpackage").predict({"sample": x})

Durations are this runtime's, on this machine: coremltools' benchmarks run, and say nothing of a device. Compiled
models, compute plans, model structures and devices are Core ML's own, and are refused (`NotOnThisMachine`).
"""

from __future__ import annotations

import sys
import time
import types
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sdqa import compat
from sdqa.errors import RuntimeUnavailable, SdqaError
from sdqa.mil.loading import load
from sdqa.mil.program import Program
from sdqa.mil.state import State

EXTENSION = "coremltools.libcoremlpython"
SPECIFICATION_VERSION = 10
"""The newest specification version of packages that are accepted."""

_changes: list[tuple[Any, str, Any]] = []
"""What `install` replaced: module, attribute, value before; for the extension itself `sys.modules`, name, module."""


class NotOnThisMachine(RuntimeUnavailable, RuntimeError):
    """What only Core ML on a Mac can say; a RuntimeError too, as the extension raises."""

    code = "SDQA-421"


def _refused(what: str, hint: str, where: str = "") -> NotOnThisMachine:
    return NotOnThisMachine(f"{what}: only Core ML on macOS can say", where=where, hint=hint)


class ModelProxy:
    """What `MLModel` holds in place of the extension's `_MLModelProxy`; like that, it raises RuntimeErrors."""

    precision = "declared"

    def __init__(
        self,
        path: str,
        compute_units: str = "ALL",  # noqa: ARG002  there is one
        function_name: str = "",
        optimization_hints: Mapping[str, Any] | None = None,  # noqa: ARG002  hints change no results
        asset: object | None = None,
    ) -> None:
        if asset is not None:
            raise _refused("a model from a compiled asset", "give the package's path")
        self._path = path
        self._predict_nanoseconds: int | None = None
        started = time.perf_counter_ns()
        try:
            self._program: Program = load(path, precision=self.precision, function=function_name or None)
        except SdqaError as error:
            raise RuntimeError(str(error)) from error
        self._load_nanoseconds = time.perf_counter_ns() - started

    @staticmethod
    def maximum_supported_specification_version() -> int:
        """The newest specification version that is accepted."""
        return SPECIFICATION_VERSION

    @staticmethod
    def auto_set_specification_version(specification: bytes) -> bytes:
        """The specification as it is: lowering its version is a service of the extension."""
        return specification

    @staticmethod
    def compileModel(path: str) -> str:  # noqa: N802  the extension's name
        """Refused: compiling is Core ML's own."""
        raise _refused("compiling a model", "predict with MLModel on the package instead", path)

    @staticmethod
    def get_compute_plan(path: str, compute_units: str = "ALL") -> object:  # noqa: ARG004  one answer for all
        """Refused: where operations run is decided on the device."""
        raise _refused("a compute plan", "run it on a Mac; sdqa's lint names what is known to leave the engine", path)

    @staticmethod
    def get_model_structure(path: str) -> object:
        """Refused: it is that of a compiled model."""
        raise _refused("the structure of a compiled model", "read the package with sdqa.mil.load instead", path)

    @staticmethod
    def create_model_asset_from_path(path: str) -> object:
        """Refused: an asset is a compiled model."""
        raise _refused("an asset of a compiled model", "predict with MLModel on the package instead", path)

    @staticmethod
    def create_model_asset_from_memory(specification: bytes, blobs: object = None) -> object:  # noqa: ARG004
        """Refused: an asset is a compiled model."""
        raise _refused("an asset of a compiled model", "predict with MLModel on a package instead")

    @staticmethod
    def get_all_compute_devices() -> object:
        """Refused: there are no Core ML devices here."""
        raise _refused("the compute devices", "run it on a Mac")

    @staticmethod
    def get_available_compute_devices() -> object:
        """Refused: there are no Core ML devices here."""
        raise _refused("the compute devices", "run it on a Mac")

    def get_load_duration_in_nano_seconds(self) -> int:
        """How long this runtime took to load the package."""
        return self._load_nanoseconds

    def get_last_predict_duration_in_nano_seconds(self) -> int | None:
        """How long its last prediction, or batch of them, took; None before the first."""
        return self._predict_nanoseconds

    def get_compiled_model_path(self) -> str:
        """The package itself: there is nothing compiled."""
        return self._path

    def newState(self) -> StateProxy:  # noqa: N802  the extension's name
        """Fresh states."""
        return StateProxy(self._program.make_state())

    def predict(self, data: Mapping[str, Any], state: StateProxy | None = None) -> dict[str, Any]:
        """Outputs by name, by Core ML's conventions."""
        started = time.perf_counter_ns()
        try:
            return self._program.predict(self._fitted(data), state=None if state is None else state.state)
        except SdqaError as error:  # Core ML's own words first: callers look for them
            raise RuntimeError(f"Unable to compute the prediction using ML Program. {error}") from error
        finally:
            self._predict_nanoseconds = time.perf_counter_ns() - started

    def batchPredict(self, data: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:  # noqa: N802
        """One prediction for each set of inputs."""
        started = time.perf_counter_ns()
        results = [self.predict(item) for item in data]
        self._predict_nanoseconds = time.perf_counter_ns() - started
        return results

    def _fitted(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Inputs as Core ML takes them: an array of another rank fits where the sizes agree."""
        ranks = {feature.name: feature for feature in self._program.inputs if feature.kind == "tensor"}
        fitted = dict(data)
        for name, value in data.items():
            feature = ranks.get(name)
            if feature is None or not isinstance(value, np.ndarray) or value.ndim == len(feature.shape):
                continue
            sizes = [size for size in feature.shape if size >= 0]
            if len(sizes) == len(feature.shape) and value.size == int(np.prod(sizes)):
                fitted[name] = value.reshape(feature.shape)
        return fitted


class StateProxy:
    """What `MLState` holds in place of the extension's."""

    def __init__(self, state: State) -> None:
        self.state = state

    def read_state(self, name: str) -> np.ndarray[Any, Any]:
        """A state's value."""
        try:
            return self.state.read(name)
        except SdqaError as error:
            raise RuntimeError(str(error)) from error

    def write_state(self, name: str, value: np.ndarray[Any, Any]) -> None:
        """Replace a state's value."""
        try:
            self.state.write(name, value)
        except SdqaError as error:
            raise RuntimeError(str(error)) from error


def install(*, precision: str = "declared", macos: tuple[int, int] = (15, 0), everywhere: bool = False) -> None:
    """Put this runtime in the place of coremltools' macOS extension; a second call changes nothing.

    Args:
        precision: of all predictions, see `sdqa.mil.load`.
        macos: the version of macOS that coremltools is told it runs on, which decides what it permits.
        everywhere: also tell the modules that are not about predicting that this is macOS, as coremltools' own tests
            need; otherwise only `MLModel` believes it.
    """
    ModelProxy.precision = precision
    if _changes:
        return
    compat.prepare_coremltools()
    extension: Any = types.ModuleType(EXTENSION)
    extension._MLModelProxy = ModelProxy
    _changes.append((sys.modules, EXTENSION, sys.modules.get(EXTENSION)))
    sys.modules[EXTENSION] = extension
    for name, module in sorted(sys.modules.items()):
        if not name.startswith("coremltools") or name == EXTENSION or module is None:
            continue
        if "_MLModelProxy" in vars(module):
            _replace(module, "_MLModelProxy", ModelProxy)
        if everywhere or name == "coremltools.models.model":
            for attribute, value in (
                ("_is_macos", lambda: True),
                ("_macos_version", lambda: macos),
                ("_IS_MACOS", True),
            ):
                if attribute in vars(module):
                    _replace(module, attribute, value)


def uninstall() -> None:
    """Undo `install`."""
    while _changes:
        holder, attribute, before = _changes.pop()
        if holder is sys.modules and before is None:
            sys.modules.pop(attribute, None)
        elif holder is sys.modules:
            sys.modules[attribute] = before
        else:
            setattr(holder, attribute, before)


def _replace(module: Any, attribute: str, value: Any) -> None:
    _changes.append((module, attribute, vars(module)[attribute]))
    setattr(module, attribute, value)
