"""A wrong suite lists every problem with its path, the allowed values and the likeliest spelling."""

from __future__ import annotations

from pathlib import Path

import pytest

from sdqa.errors import EXIT_USAGE, ConfigError, UsageError
from sdqa.plan import find_suite, load_suite

GOOD = """
schema_version = 1
name = "t"
[models.tiny]
source = "embedded:tiny"
[variants.fp16]
precision = "float16"
[[lanes]]
model = "tiny"
variants = ["fp16"]
[defaults]
steps = 7
[cases.one]
prompt = "a portrait"
source = "scene:portrait/1"
[budgets]
model_memory_bytes = "2 GB"
inference_s = "40 s"
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "sdqa.toml"
    path.write_text(text, encoding="utf-8")
    return path


def problems(tmp_path: Path, text: str) -> dict[str, str]:
    with pytest.raises(ConfigError) as caught:
        load_suite(write(tmp_path, text))
    assert caught.value.exit_code == EXIT_USAGE
    return {problem.path: problem.message for problem in caught.value.problems}


def test_defaults_reach_cases_and_quantities_are_parsed(tmp_path: Path) -> None:
    suite = load_suite(write(tmp_path, GOOD))
    assert suite.cases["one"].steps == 7
    assert suite.budgets.model_memory_bytes == 2_000_000_000
    assert suite.budgets.inference_s == 40
    assert suite.variants["fp16"].name == "fp16"


def test_all_problems_at_once(tmp_path: Path) -> None:
    text = GOOD.replace('precision = "float16"', 'precision = "flaot16"')
    text = text.replace(
        'source = "scene:portrait/1"', 'source = "scene:portrait/1"\nstrenght = 0.5\nguidance_scale = 99'
    )
    found = problems(tmp_path, text)
    assert set(found) == {"$.variants.fp16.precision", "$.cases.one.strenght", "$.cases.one.guidance_scale"}
    assert "did you mean 'float16'" in found["$.variants.fp16.precision"]
    assert "did you mean 'strength'" in found["$.cases.one.strenght"]
    assert "at most 30" in found["$.cases.one.guidance_scale"]


def test_names_that_point_to_nothing(tmp_path: Path) -> None:
    found = problems(tmp_path, GOOD.replace('variants = ["fp16"]', 'variants = ["fp61"]'))
    assert "did you mean 'fp16'" in found["$.lanes[0].variants[0]"]


@pytest.mark.parametrize("text", ["not toml [", "\x00", "name = 3", f"n = 1{'0' * 5000}", f"n = {'[' * 9999}"])
def test_garbage_is_a_configuration_error(tmp_path: Path, text: str) -> None:
    assert problems(tmp_path, text)


def test_missing_file_and_unknown_suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError):
        find_suite(None)
    with pytest.raises(UsageError):
        find_suite("no-such-suite")


NUMBERS = {
    "$.budgets.end_to_end_s": "[budgets]\nend_to_end_s = {}",
    "$.budgets.model_memory_bytes": "[budgets]\nmodel_memory_bytes = {}",
    "$.budgets.one_at_a_time_memory_bytes": "[budgets]\none_at_a_time_memory_bytes = {}",
    "$.budgets.off_neural_engine_percent": "[budgets]\noff_neural_engine_percent = {}",
    "$.limits.lpips": "[limits]\nlpips = {}",
    "$.floors.noise": "[floors]\nnoise = {}",
    "$.defaults.strength": "[defaults]\nstrength = {}",
    "$.defaults.guidance_scale": "[defaults]\nguidance_scale = {}",
    "$.cases.two.strength": '[cases.two]\nprompt = "x"\nstrength = {}',
    "$.cases.two.guidance_scale": '[cases.two]\nprompt = "x"\nguidance_scale = {}',
}
"""Every key of a suite that takes a fraction."""


@pytest.mark.parametrize("value", ["inf", "-inf", "nan", "1e999", f"1{'0' * 400}"])
def test_what_is_no_finite_number_is_named_with_its_line(tmp_path: Path, value: str) -> None:
    start = GOOD.partition("[budgets]")[0].replace("[defaults]\nsteps = 7\n", "")
    for path, table in NUMBERS.items():
        text = start + table.format(value) + "\n"
        with pytest.raises(ConfigError) as caught:
            load_suite(write(tmp_path, text))
        [problem] = caught.value.problems
        assert (problem.path, problem.place) == (path, f"sdqa.toml:{len(text.splitlines())}"), (path, problem)


@pytest.mark.parametrize("key", ["model_memory_bytes", "inference_s"])
def test_a_quantity_that_no_number_holds(tmp_path: Path, key: str) -> None:
    unit = "GB" if "bytes" in key else "s"
    text = GOOD.partition("[budgets]")[0] + f'[budgets]\n{key} = "1{"0" * 400} {unit}"\n'
    assert "more than a number can hold" in problems(tmp_path, text)[f"$.budgets.{key}"]


def test_strength_that_leaves_no_step(tmp_path: Path) -> None:
    found = problems(tmp_path, GOOD.replace("steps = 7", "steps = 1"))
    assert "leaves no step" in found["$.cases.one"]


@pytest.mark.parametrize("key", ["strength", "guidance_scale"])
@pytest.mark.parametrize("section", ["[defaults]", "[cases.one]"])
def test_what_is_no_number_is_not_taken_for_one(tmp_path: Path, key: str, section: str) -> None:
    for value in ("true", '"0.5"'):
        found = problems(tmp_path, GOOD.replace(section, f"{section}\n{key} = {value}"))
        assert any(path.endswith(f".{key}") and "number" in said for path, said in found.items()), found
    assert load_suite(write(tmp_path, GOOD.replace(section, f"{section}\n{key} = 1")))


@pytest.mark.parametrize("key", ["background", "source_prompt"])
def test_what_is_said_of_a_picture_that_is_not_there(tmp_path: Path, key: str) -> None:
    text = GOOD + f'[cases.words]\nprompt = "a cat"\n{key} = "white"\n'
    with pytest.raises(ConfigError) as caught:
        load_suite(write(tmp_path, text))
    [problem] = caught.value.problems
    number = text.splitlines().index(f'{key} = "white"') + 1
    assert (problem.path, problem.place) == (f"$.cases.words.{key}", f"sdqa.toml:{number}")
    assert "means nothing without a source picture" in problem.message
    words = GOOD.replace("steps = 7", 'steps = 7\nbackground = "black"') + '[cases.words]\nprompt = "a cat"\n'
    assert load_suite(write(tmp_path, words)).cases["words"].background == "black", "a default is for the others"


def test_scenes_may_be_edited_in_their_name(tmp_path: Path) -> None:
    text = GOOD.replace("scene:portrait/1", "scene:portrait/1?hair=red&glasses=yes")
    assert load_suite(write(tmp_path, text)).cases["one"].source == "scene:portrait/1?hair=red&glasses=yes"


def lane_with(text: str) -> str:
    return GOOD.replace('variants = ["fp16"]', f'variants = ["fp16"]\n{text}')


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        ('runtime = "cormel"', "$.lanes[0].runtime", "did you mean 'coreml'?"),
        ('runtime = "coreml"', "$.lanes[0]", "compute_units is required"),
        ('runtime = "coreml"\ncompute_units = ["ANE"]', "$.lanes[0]", "'ANE' is not one of CPU_ONLY"),
        ('runtime = "torch"\ncompute_units = ["ALL"]', "$.lanes[0]", "has none to choose among"),
    ],
)
def test_words_of_runtimes_come_from_their_registry(tmp_path: Path, text: str, path: str, message: str) -> None:
    found = problems(tmp_path, lane_with(text))
    assert set(found) == {path}, "an unusable item is not a missing one as well"
    assert message in found[path]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('compression = "palettise-6bit"', "not a compression recipe"),
        ('compression = "linear-int9"', "did you mean 'linear-int8'?"),
        ('compression = "blockwise-int4"', "needs target iOS18, not iOS17"),
        ('compression = "palettize-4bit-grouped8"\ntarget = "iOS16"', "needs target iOS18, not iOS16"),
    ],
)
def test_recipes_are_known_and_fit_their_target(tmp_path: Path, text: str, message: str) -> None:
    [found] = problems(tmp_path, GOOD.replace('precision = "float16"', text)).values()
    assert message in found


def test_modules_of_plugins_are_names_and_are_there(tmp_path: Path) -> None:
    where = "$.plugins.modules[0]"
    assert where in problems(tmp_path, f'{GOOD}\n[plugins]\nmodules = ["../evil.py"]\n')
    assert (
        "no module 'no_such_plugin'" in problems(tmp_path, f'{GOOD}\n[plugins]\nmodules = ["no_such_plugin"]\n')[where]
    )


@pytest.mark.parametrize("key", ["size", "width", "height"])
def test_the_size_is_the_models_own(tmp_path: Path, key: str) -> None:
    found = problems(tmp_path, GOOD.replace("steps = 7", f"steps = 7\n{key} = 768"))
    [(path, message)] = found.items()
    assert path.endswith(f".{key}")
    assert message == "cannot be set: pictures are square and of the model's own size"


SIX = 'compression = "palettize-6bit"\ncompressed_components = {}'


@pytest.mark.parametrize(
    ("old", "new", "path", "said"),
    [
        ("precision = ", SIX.format('["vae"]') + "\nprecision = ", "$.variants.fp16.compressed_components", "vae_deco"),
        ("precision = ", SIX.format("[]") + "\nprecision = ", "$.variants.fp16.compressed_components", "no component"),
        ('["fp16"]', '["fp16", "fp16"]', "$.lanes[0].variants[1]", "$.lanes[0].variants[0]): name it once"),
        ("[defaults]", '[[lanes]]\nmodel = "tiny"\nvariants = ["fp16"]\n[defaults]', "$.lanes[1].variants[0]", "once"),
        ("[defaults]", '[metrics]\nnames = ["psnr", "psnr"]\n[defaults]', "$.metrics.names[1]", "'psnr' is there"),
        ("[defaults]", "[metrics]\nnames = []\n[defaults]", "$.metrics.names", "at least 1"),
        ("steps = 7", "steps = true", "$.defaults.steps", "True is not a whole number"),
        ("steps = 7", 'steps = "4"', "$.defaults.steps", "'4' is not a whole number (allowed: at least 1"),
        ("steps = 7", "seed = true", "$.defaults.seed", "True is not a whole number"),
        ('"2 GB"', "true", "$.budgets.model_memory_bytes", "True is not a whole number"),
        ("precision = ", 'chunked = "yes"\nprecision = ', "$.variants.fp16.chunked", "'yes' is not true or false"),
        ("[cases.one]", '[cases.one]\nbackground = "black"', "$.cases.one.background", "no transparent pixels"),
        ("[budgets]", '[cases.t]\nprompt = "x"\nstrength = 0.5\n[budgets]', "$.cases.t.strength", "without a source"),
    ],
)
def test_what_would_do_nothing_or_count_twice_is_named(
    old: str, new: str, path: str, said: str, tmp_path: Path
) -> None:
    assert GOOD.count(old) == 1
    found = problems(tmp_path, GOOD.replace(old, new))
    assert said in found[path], found


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        ('"unt/parity_psnr" = 1', "did you mean 'unet'?"),
        ('"unet/psnr" = 1', "of pictures, not of a component"),
        ("tile_psnr = 1", "is not measured"),
        ('"unet/parity_psnr" = 1', ""),
        ("psnr = 1", ""),
    ],
)
def test_limits_are_of_what_is_measured(limit: str, said: str, tmp_path: Path) -> None:
    from sdqa.plan import make_plan
    from sdqa.words import require_known_metrics

    path = write(tmp_path, GOOD + f'[metrics]\nnames = ["psnr"]\n[limits]\n{limit}\n')
    plan = make_plan(load_suite(path), path)
    if not said:
        assert require_known_metrics(plan) is plan
        return
    with pytest.raises(ConfigError, match=r"\$\.limits\.") as caught:
        require_known_metrics(plan)
    assert said in str(caught.value)
