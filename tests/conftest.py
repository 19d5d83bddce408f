"""What every room of tests shares: the realistic run, the miniature model and its packages, hostile text, pictures."""

from __future__ import annotations

import importlib.util
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sdqa.bundle import Bundle, Run
from tests import times
from tests.builders import Convert
from tests.report.browser import BROWSER, NAMES, Browser
from tests.report.pictures import draw, png
from tests.report.realistic import HOSTILE, make_run

if TYPE_CHECKING:
    from sdqa.convert import PackageRecord, Variant
    from sdqa.models import Teacher


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that are recorded as slow."""
    times.mark(items)


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """The realistic bundle on disk; tests only read it."""
    bundle = Bundle(tmp_path_factory.mktemp("bundle"))
    bundle.write(make_run(bundle))
    return bundle


@pytest.fixture(scope="session")
def run(bundle: Bundle) -> Run:
    """The realistic run as read back from disk."""
    return bundle.read()


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl-C interrupts, as in a terminal: what a shell starts in the background ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def clean_run(run: Run) -> Run:
    """A run in which everything passed."""
    lane = run.lanes[0]
    verdicts = tuple(v.model_copy(update={"status": "pass"}) for v in lane.verdicts)
    return run.model_copy(
        update={
            "lanes": (lane.model_copy(update={"verdicts": verdicts}),),
            "status": "complete",
            "exit_code": 0,
            "fault": None,
            "diagnosis": None,
            "sensitivity": None,
        }
    )


@pytest.fixture
def empty_folder(tmp_path: Path) -> Path:
    """A folder that is not there yet."""
    return tmp_path / "new" / "report"


@pytest.fixture(scope="session")
def hostile() -> str:
    """Text that would do harm if it were not escaped."""
    return HOSTILE


@pytest.fixture(scope="session")
def drawn() -> Callable[..., bytes]:
    """A drawn picture's PNG bytes, by name, seed and size."""

    def make(name: str, seed: int = 1, size: tuple[int, int] = (64, 64)) -> bytes:
        return png(draw(name, seed).resize(size))

    return make


@pytest.fixture(scope="session")
def teacher() -> Teacher:
    """The miniature: a pipeline of Stable Diffusion's architecture, with random weights, that runs in no time."""
    from sdqa.models import load_teacher

    return load_teacher("random:miniature")


@pytest.fixture(scope="session")
def saved(teacher: Teacher, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The miniature as diffusers saves it; not to be changed."""
    from sdqa import compat

    compat.prepare_hub()
    from diffusers import StableDiffusionPipeline

    folder = tmp_path_factory.mktemp("saved") / "miniature"
    pipeline = StableDiffusionPipeline(
        **teacher.pipeline_parts(), safety_checker=None, feature_extractor=None, requires_safety_checker=False
    )
    pipeline.save_pretrained(folder, safe_serialization=True)
    return folder


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Convert:
    """`packages(component, source="random:miniature", **variant)`: converted on first use, by one process for all."""
    return _converting(tmp_path_factory, "mlpackage")


@pytest.fixture(scope="session")
def assets(tmp_path_factory: pytest.TempPathFactory) -> Convert:
    """The same as Core AI's `.aimodel`s."""
    return _converting(tmp_path_factory, "aimodel")


@pytest.fixture(scope="session")
def aimodel(assets: Convert) -> PackageRecord:
    """The miniature's VAE decoder as an fp32 asset."""
    return assets("vae_decoder", precision="float32")


def _converting(tmp_path_factory: pytest.TempPathFactory, package_format: str) -> Convert:
    from sdqa.convert import Variant
    from sdqa.convert.stage import convert_one
    from sdqa.models import load_teacher
    from sdqa.store import Store

    root = tmp_path_factory.getbasetemp()
    store = Store((root.parent if "PYTEST_XDIST_WORKER" in os.environ else root) / "store")
    known: dict[tuple[str, str, Variant], PackageRecord] = {}

    def convert(component: str, source: str = "random:miniature", **options: object) -> PackageRecord:
        variant = Variant.model_validate({"name": "test", **options})
        key = (component, source, variant)
        if key not in known:
            teacher = load_teacher(source)
            known[key] = convert_one(teacher, component, variant, store, package_format=package_format).record
        return known[key]

    return convert


@pytest.fixture(scope="session")
def decoder(packages: Convert) -> PackageRecord:
    """The miniature's VAE decoder as an fp16 package."""
    return packages("vae_decoder")


@pytest.fixture
def backend() -> Iterator[None]:
    """coremltools predicts on this machine, by the reference runtime."""
    from sdqa.mil import coremltools_backend

    coremltools_backend.install()
    yield
    coremltools_backend.uninstall()


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser with one tab. Where one was promised (CI), its absence is a failure, not a skip."""
    if BROWSER is None:
        assert not os.environ.get("SDQA_REQUIRE_BROWSER"), f"no browser on PATH ({', '.join(NAMES)})"
        pytest.skip(f"not run: no browser on PATH ({', '.join(NAMES)})")
    driven = Browser(tmp_path_factory.mktemp("profile"))
    yield driven
    driven.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """axe's script."""
    found = importlib.util.find_spec("axe_core_python")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).with_name("axe.min.js").read_text(encoding="utf-8")
