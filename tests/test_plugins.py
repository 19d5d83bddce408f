"""A distribution that adds to sdqa is found, used from plan to report, and named when it is broken."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sdqa import plugins

ROOT = Path(__file__).parents[1]

METRICS = '''
"""How far the brightness of candidate and golden lie apart."""
from sdqa.metrics import Reading, metric, self_test

@metric("toy_brightness", unit="grey levels", better="lower", valid=(0, 255), compares=True)
def toy_brightness(subject):
    """Absolute difference of the mean brightness."""
    return Reading(abs(float(subject.candidate.image.mean()) - float(subject.golden.image.mean())))

@self_test("toy_brightness", "equal pictures are equally bright")
def _equal():
    from sdqa.metrics import test_images
    from sdqa.metrics.subject import Subject
    picture = test_images.drawn()[0]
    same = Subject("same", "", None, None, candidate=picture, golden=picture)
    return toy_brightness(same).value == 0 or "not equal"
'''
SOURCES = '''
"""The embedded pipeline by another name."""
from sdqa.models.sources import source

@source("toy")
def toy(request):
    """What ships with sdqa."""
    from sdqa.embedded import PIPELINE
    from sdqa.models.folder import load_folder
    return load_folder(PIPELINE, source=request.source)
'''
RUNTIMES = '''
"""The reference runtime by another name."""
from sdqa.runtime import runtime

@runtime("toy", compute_units=("FAST", "SLOW"), libraries=("toy",))
def toy(work):
    """Executes packages as the reference runtime does."""
    from sdqa.runtime.reference import ReferenceRunner
    return ReferenceRunner(work.component, *work.packages)
'''
RECIPES = '''
"""Six bits by another name."""
from sdqa.convert.compression import palettizer, recipe

@recipe("toy-{2|6}bit", pattern=r"toy-([26])bit")
def toy(match):
    """A table for each tensor."""
    import coremltools.optimize.coreml as cto
    configuration = cto.OptimizationConfig(global_config=palettizer(int(match[1])))
    return lambda model: cto.palettize_weights(model, configuration)
'''
FAMILIES = '''
"""Stable Diffusion under another class's name."""
from dataclasses import replace
from sdqa.families import FAMILIES, family

@family
def toy():
    """The toy family."""
    names = {"text_to_image": "ToyPipeline", "image_to_image": "ToyImg2ImgPipeline"}
    return replace(FAMILIES["sd"], name="toy", title="Toy Diffusion", drawable=False, **names)
'''
MODULES = {
    "metrics": METRICS,
    "sources": SOURCES,
    "runtimes": RUNTIMES,
    "recipes": RECIPES,
    "families": FAMILIES,
}
SUITE = """
schema_version = 1
name = "toys"
goldens = "teacher"
[models.tiny]
source = "toy:tiny"
[variants.toy-6bit]
precision = "float16"
compression = "toy-6bit"
[[lanes]]
model = "tiny"
variants = ["toy-6bit"]
runtime = "toy"
[metrics]
names = ["finite", "shape", "psnr", "toy_brightness"]
[limits]
psnr = 15
toy_brightness = 25
parity_psnr = 5
[cases.edit]
source = "scene:portrait/115"
prompt = "a portrait of a man with red hair"
strength = 0.5
steps = 4
scheduler = "ddim"
seed = 11
"""


def distribution(folder: Path, name: str, modules: dict[str, str], version: str = "1.0") -> None:
    """A distribution as an installer leaves it: a package, and its entry points beside it."""
    package, facts = folder / name, folder / f"{name}-{version}.dist-info"
    package.mkdir()
    facts.mkdir()
    (package / "__init__.py").write_text("", encoding="utf-8")
    lines = []
    for group, text in modules.items():
        (package / f"{group}.py").write_text(text, encoding="utf-8")
        lines.append(f"[sdqa.{group}]\n{name} = {name}.{group}\n")
    (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8")
    (facts / "entry_points.txt").write_text("\n".join(lines), encoding="utf-8")


def sdqa(folder: Path, *arguments: str, installed: bool = True) -> subprocess.CompletedProcess[str]:
    """`sdqa` in a process of its own, with what lies in the folder installed."""
    search = [str(ROOT), *([str(folder)] if installed else [])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(search), "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, "-P", "-m", "sdqa", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def suite(folder: Path, text: str = SUITE) -> None:
    (folder / "sdqa.toml").write_text(text, encoding="utf-8")


def test_a_distribution_is_used_from_plan_to_report(tmp_path: Path) -> None:
    distribution(tmp_path, "toy", MODULES)
    suite(tmp_path)
    result = sdqa(tmp_path, "qa", "--output", "report", "--store", "store")
    assert result.returncode == 0, result.stdout + result.stderr
    run = json.loads((tmp_path / "report" / "run.json").read_text(encoding="utf-8"))
    [lane] = run["lanes"]
    assert (lane["id"], lane["runtime"], lane["compute_unit"]) == ("tiny/toy-6bit@toy-fast", "toy", "FAST")
    figures = {one["metric"]: one for one in lane["measurements"] if one["case"] == "edit"}
    assert 0 < figures["toy_brightness"]["value"] < 25
    verdicts = {one["check"].removeprefix(f"{lane['id']}/"): one for one in lane["verdicts"]}
    for check in ("edit/toy_brightness", "all/toy_brightness"):
        assert (verdicts[check]["status"], verdicts[check]["tolerance"]) == ("pass", 25)
    widths = {one["component"]: one["facts"]["bit_widths"] for one in lane["packages"]}
    assert widths["unet"]["6"] > 0.4 * sum(widths["unet"].values()), "the recipe was applied"
    told = run["environment"]["plugins"]
    assert set(told) == {f"toy.{name}" for name in MODULES}
    assert {(one["distribution"], one["version"]) for one in told.values()} == {("toy", "1.0")}
    assert all(len(one["digest"]) == 64 for one in told.values())
    page = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    for word in ("toy_brightness", "tiny/toy-6bit@toy-fast"):
        assert word in page
    [key] = [
        json.loads(path.read_text(encoding="utf-8"))
        for path in (tmp_path / "store" / "sample").glob("*/key.json")
        if '"toy"' in path.read_text(encoding="utf-8")
    ]
    assert key["components"]["execution"]["code"] == told["toy.runtimes"]["digest"]
    assert key["components"]["execution"]["versions"] == {"toy": "1.0"}


def test_a_plugins_family_is_asked_about_its_pipelines(tmp_path: Path) -> None:
    distribution(tmp_path, "toy", MODULES)
    suite(tmp_path, SUITE.replace('"toy:tiny"', '"folder:model"'))
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model_index.json").write_text('{"_class_name": "ToyPipeline"}', encoding="utf-8")
    result = sdqa(tmp_path, "plan")
    assert result.returncode == 2
    assert "Toy Diffusion" in result.stderr


def test_a_limit_of_a_plugins_metric_can_fail(tmp_path: Path) -> None:
    distribution(tmp_path, "toy", MODULES)
    control = SUITE.replace('runtime = "toy"', 'runtime = "torch"').replace('compression = "toy-6bit"\n', "")
    text = control.replace("toy_brightness = 25", "toy_brightness = -1").replace("psnr = 15", "psnr = 70")
    suite(tmp_path, text)
    result = sdqa(tmp_path, "qa", "--no-diagnose", "--output", "report", "--store", "store")
    assert result.returncode == 1, result.stdout + result.stderr
    run = json.loads((tmp_path / "report" / "run.json").read_text(encoding="utf-8"))
    failed = {one["metric"] for one in run["lanes"][0]["verdicts"] if one["status"] == "fail"}
    assert failed == {"toy_brightness"}


def test_without_the_distribution_its_words_are_unknown(tmp_path: Path) -> None:
    suite(tmp_path)
    result = sdqa(tmp_path, "plan")
    assert result.returncode == 2
    for path in ("$.models.tiny.source", "$.variants.toy-6bit.compression", "$.lanes[0].runtime"):
        assert path in result.stderr
    suite(
        tmp_path,
        SUITE.replace("toy:", "embedded:").replace('"toy"', '"reference"').replace('n = "toy-6bit', 'n = "linear-int8'),
    )
    for verb in ("plan", "qa"):
        result = sdqa(tmp_path, verb)
        assert result.returncode == 2, result.stdout + result.stderr
        assert "$.metrics.names[3]: 'toy_brightness' is not one of" in result.stderr


def test_a_suite_may_name_modules_beside_it(tmp_path: Path) -> None:
    (tmp_path / "our_metrics.py").write_text(METRICS, encoding="utf-8")
    text = (
        SUITE.replace("toy:", "embedded:").replace('"toy"', '"reference"').replace('n = "toy-6bit', 'n = "linear-int8')
    )
    suite(tmp_path, f'{text}\n[plugins]\nmodules = ["our_metrics"]\n')
    result = sdqa(tmp_path, "plan", "--json", installed=False)
    assert result.returncode == 0, result.stderr
    assert "toy_brightness" in json.loads(result.stdout)["metrics"]


def test_a_conversion_in_a_process_of_its_own_knows_the_recipe(tmp_path: Path) -> None:
    (tmp_path / "our_recipes.py").write_text(RECIPES, encoding="utf-8")
    code = f"""
from pathlib import Path
from sdqa.plugins import load_plugins
load_plugins(["our_recipes"], folder=Path({str(tmp_path)!r}))
from sdqa.convert import Variant, convert_component
from sdqa.models import load_teacher
variant = Variant(name="toy", compression="toy-2bit")
teacher = load_teacher("random:miniature")
print(convert_component(teacher, "vae_decoder", variant, Path("out"), isolate="always").bit_widths)
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    result = subprocess.run(
        [sys.executable, "-P", "-c", code],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert "'2': " in result.stdout


@pytest.mark.parametrize(
    ("group", "text", "message"),
    [
        ("metrics", "import no_such_library_at_all\n", "ModuleNotFoundError: No module named 'no_such_library_at_all'"),
        ("families", "1 / 0\n", "ZeroDivisionError"),
        ("metrics", METRICS.replace("toy_brightness", "psnr"), "the metric 'psnr' is registered twice"),
        ("sources", SOURCES.replace('"toy"', '"hub"'), "two loaders for hub:"),
        ("runtimes", RUNTIMES.replace('"toy",', '"coreml",'), "the runtime 'coreml' is registered twice"),
        ("recipes", RECIPES.replace('"toy-{2|6}bit"', '"linear-int8"'), "the recipe 'linear-int8' is registered twice"),
        ("recipes", RECIPES.replace('"toy-{2|6}bit"', '"mixed-bit:{target, 3.5bit or 60dB}"'), "is declared twice"),
    ],
)
def test_a_broken_plugin_is_named_and_is_no_trace(tmp_path: Path, group: str, text: str, message: str) -> None:
    distribution(tmp_path, "broken", {group: text}, version="2.0")
    suite(tmp_path)
    result = sdqa(tmp_path, "qa")
    assert result.returncode == 3
    assert "SDQA-102: the plugin broken 2.0 cannot be loaded" in result.stderr
    assert message in result.stderr
    assert f"sdqa.{group}: broken = broken.{group}" in result.stderr
    assert "repair or uninstall broken" in result.stderr
    assert "Traceback" not in result.stderr + result.stdout


def test_a_module_that_failed_is_not_blamed_for_another_reason_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "half_a_plugin.py").write_text("raise RuntimeError('first reason')\n", encoding="utf-8")
    monkeypatch.setattr(plugins, "_FAILED", {})
    monkeypatch.setattr(plugins, "_FOLDERS", [])
    monkeypatch.setattr(sys, "path", list(sys.path))
    for _ in range(2):
        with pytest.raises(plugins.PluginError, match="first reason"):
            plugins.load_plugins(["half_a_plugin"], folder=tmp_path)
        (tmp_path / "half_a_plugin.py").write_text("raise RuntimeError('second reason')\n", encoding="utf-8")


def test_a_module_is_missing_or_it_is_not(tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text("", encoding="utf-8")
    assert not plugins.missing_module("beside", tmp_path)
    assert not plugins.missing_module("json", tmp_path)
    assert plugins.missing_module("no_such_module.inside", tmp_path)


def test_changed_code_is_another_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    path = tmp_path / "digested_plugin.py"
    path.write_text("def measure(): ...\n", encoding="utf-8")
    import importlib

    measure = importlib.import_module("digested_plugin").measure
    before = plugins.plugin_code(measure)
    path.write_text("def measure(): return 1\n", encoding="utf-8")
    assert len(before) == 64
    assert plugins.plugin_code(measure) not in (before, "")


def test_code_of_sdqa_itself_is_no_plugin() -> None:
    assert plugins.plugin_code(plugins.load_plugins) == ""
