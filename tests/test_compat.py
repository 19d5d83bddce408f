"""Each workaround is still needed: when one of these fails, the workaround it names may go."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from sdqa import compat
from sdqa.compat import coreml


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, timeout=120)


@pytest.mark.slow
def test_torchvision_imports_beside_cpu_torch() -> None:
    result = run(
        "from sdqa import compat; compat.prepare_torchvision(); import torchvision; print(torchvision.__version__)"
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.slow
def test_torchvision_workaround_is_needed_only_where_the_extension_cannot_load() -> None:
    bare = run("import torchvision")
    needed = run("from sdqa import compat; print(compat.prepare_torchvision() is not None)").stdout.strip() == "True"
    assert needed == (bare.returncode != 0)


@pytest.mark.slow
def test_open_clip_still_loads_torch_for_its_tables() -> None:
    result = run(
        "from sdqa import compat; compat.prepare_hub(); import open_clip.pretrained, sys; print('torch' in sys.modules)"
    )
    assert result.stdout.strip() == "True", result.stderr


def test_the_collector_goes_on_after_an_import_however_it_ends_and_stays_off_for_who_turned_it_off() -> None:
    assert gc.isenabled()
    with compat.uncollected():
        assert not gc.isenabled()
        with compat.uncollected():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(ImportError), compat.uncollected():
        raise ImportError
    assert gc.isenabled()


@pytest.mark.usefixtures("interruptible")
def test_an_import_is_not_interrupted_in_the_middle() -> None:
    done = []

    def imported() -> None:
        with compat.uncollected():
            signal.raise_signal(signal.SIGINT)
            done.append("the rest of it")

    with pytest.raises(KeyboardInterrupt):
        imported()
    assert done == ["the rest of it"]
    assert gc.isenabled()


def test_coremltools_cast_still_needs_repair() -> None:
    import numpy as np

    compat.prepare_coremltools()
    if tuple(int(part) for part in np.__version__.split(".")[:2]) < (2, 4):
        return
    import inspect

    import coremltools.converters.mil.frontend.torch.ops as ops

    source = inspect.getsource(sys.modules[ops.__name__])
    assert "res = mb.const(val=dtype(x.val), name=node.name)" in source, (
        "coremltools has changed _cast: try without _repair_cast"
    )


def test_coremltools_alias_is_registered_once() -> None:
    compat.prepare_coremltools()
    coreml._register_alias()
    from coremltools.converters.mil.frontend.torch.torch_op_registry import _TORCH_OPS_REGISTRY

    assert "alias" in _TORCH_OPS_REGISTRY.name_to_func_mapping


def test_coremltools_still_shows_its_progress_bars_unconditionally() -> None:
    import inspect

    compat.prepare_coremltools()
    import coremltools.converters.mil.mil.passes.pass_pipeline as pass_pipeline

    source = inspect.getsource(sys.modules[pass_pipeline.__name__])
    assert "import tqdm" in source, "coremltools has changed its progress bars: try without _silence_progress"
    assert "disable" not in source.partition("tqdm(")[2].partition(")")[0]
    bar = pass_pipeline.tqdm([1, 2, 3])
    assert bar.disable


def test_coremltools_still_writes_out_an_index_for_every_weight() -> None:
    import inspect

    compat.prepare_coremltools()
    import coremltools.converters.mil.mil.passes.defs.quantization as quantization

    source = inspect.getsource(sys.modules[quantization.__name__])
    assert "abs_value[np.where(abs_value < 1e38)]" in source, (
        "coremltools has changed its overflow check: try without _lighten_overflow_check"
    )


@pytest.mark.parametrize(
    ("values", "overflows"),
    [
        ([0.5, -65504.0], False),
        ([0.5, -65505.0], True),
        ([65505.0], True),
        ([1.0, -np.inf, 3e38], False),  # stand for infinity: an attention mask
        ([1.0, np.nan], False),
        ([np.nan, 1e5], True),
        ([-np.inf, 1e5], True),
    ],
)
def test_the_lighter_overflow_check_gives_coremltools_answers(values: list[float], overflows: bool) -> None:
    compat.prepare_coremltools()
    from coremltools.converters.mil.mil.passes.defs.quantization import FP16ComputePrecision

    array = np.asarray(values, np.float32)
    size = np.abs(array)
    assert (np.max(size[np.where(size < 1e38)], initial=0.0) > 65504) is np.bool_(overflows), "coremltools' own words"

    def variable(**fields: object) -> SimpleNamespace:
        return SimpleNamespace(is_tensor_or_scalar_of=lambda dtype: dtype == "fp32", **fields)

    constant = variable(op=SimpleNamespace(op_type="const", val=SimpleNamespace(val=array)))
    computed = variable(op=SimpleNamespace(op_type="add"))
    placeholder = variable(op=None)
    for given in (constant, [placeholder, computed, constant], (computed, constant)):
        operation = SimpleNamespace(inputs={"x": computed, "y": given})
        assert FP16ComputePrecision.fp16_overflow(operation) is overflows


@pytest.mark.slow
def test_scipys_statistics_are_loaded_for_beta_sigmas_and_not_before() -> None:
    """Needed as long as a scheduler imports scipy.stats at once."""
    code = (
        "import inspect, sys\n"
        "from sdqa import compat\n"
        "compat.prepare_scipy()\n"
        "from diffusers import DPMSolverMultistepScheduler as Scheduler\n"
        "print('scipy.stats' in inspect.getsource(inspect.getmodule(Scheduler)).partition('class ')[0])\n"
        "print('scipy.stats._stats_py' in sys.modules)\n"
        "scheduler = Scheduler(use_beta_sigmas=True)\n"
        "scheduler.set_timesteps(3)\n"
        "print('scipy.stats._stats_py' in sys.modules, len(scheduler.sigmas))\n"
    )
    result = run(code)
    assert result.stdout.split() == ["True", "False", "True", "4"], result.stderr


@pytest.mark.slow
def test_what_libraries_take_out_of_scipy_is_loaded_when_it_is_called() -> None:
    """Needed as long as importing a pipeline asks for an integral and an assignment that nobody computes."""
    code = (
        "import sys\n"
        "from sdqa import compat\n"
        "compat.prepare_hub()\n"
        "from diffusers.schedulers import scheduling_lms_discrete as schedulers\n"
        "from transformers.loss import loss_for_object_detection as losses\n"
        "names = ('scipy.integrate._quadpack_py', 'scipy.optimize._optimize')\n"
        "there = lambda: [name in sys.modules for name in names]\n"
        "print(*there())\n"
        "print(*losses.linear_sum_assignment([[1.0, 2.0], [0.0, 5.0]])[1], there()[1])\n"
        "scheduler = schedulers.LMSDiscreteScheduler()\n"
        "scheduler.set_timesteps(4)\n"
        "print(scheduler.get_lms_coefficient(2, 2, 0) != 0, *there())\n"
        "from scipy.optimize import minimize\n"
        "print(round(minimize(lambda x: (x[0] - 1) ** 2, [0.0]).x[0], 3))\n"
    )
    result = run(code)
    assert result.stdout.split() == ["False", "False", "1", "0", "True", "True", "True", "True", "1.0"], result.stderr


def test_the_hubs_offline_switch_is_still_read_once() -> None:
    result = run(
        "import os; os.environ['HF_HUB_OFFLINE'] = '1'; from huggingface_hub import constants; "
        "os.environ['HF_HUB_OFFLINE'] = '0'; from huggingface_hub.constants import is_offline_mode; "
        "print(is_offline_mode(), constants.HF_HUB_OFFLINE)"
    )
    assert result.stdout.split() == ["True", "True"], "huggingface_hub has changed: try without hub_online"


OPENED = (
    "from sdqa import compat; compat.prepare_hub(); from huggingface_hub import constants\n"
    "with compat.hub_online(): print(constants.HF_HUB_OFFLINE)\n"
    "print(constants.HF_HUB_OFFLINE)"
)
FROM_A_PARENT = f"""
import subprocess, sys
from sdqa import compat
compat.prepare_hub()
subprocess.run([sys.executable, "-c", {OPENED!r}], check=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("code", [OPENED, FROM_A_PARENT], ids=["itself", "child"])
@pytest.mark.parametrize(("users", "expected"), [({}, ["False", "True"]), ({"HF_HUB_OFFLINE": "1"}, ["True", "True"])])
def test_the_network_is_opened_for_the_hub_alone_and_not_against_the_user(
    code: str, users: dict[str, str], expected: list[str]
) -> None:
    free = {key: value for key, value in os.environ.items() if "OFFLINE" not in key}
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=240, env={**free, **users}, check=True
    )
    assert result.stdout.split() == expected
