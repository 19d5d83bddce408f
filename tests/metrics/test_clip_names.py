"""Named CLIP models: refused where open_clip would build them with another activation than they were trained with."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from sdqa import cli, compat, notices
from sdqa.errors import EXIT_USAGE, MetricError
from sdqa.metrics import MetricModels
from sdqa.metrics.clip_names import find_clip

ROOT = Path(__file__).parents[2]


def test_weights_of_quick_gelu_need_the_twin() -> None:
    with pytest.raises(MetricError, match="trained with QuickGELU") as caught:
        find_clip("ViT-B-32/openai")
    assert "ViT-B-32-quickgelu/openai" in caught.value.hint


@pytest.mark.parametrize(
    ("spec", "activation", "repository"),
    [
        ("ViT-B-32-quickgelu/openai", "quick_gelu", "timm/vit_base_patch32_clip_224.openai"),
        ("ViT-B-32/laion2b_s34b_b79k", "gelu", "laion/CLIP-ViT-B-32-laion2B-s34B-b79K"),
    ],
)
def test_what_fits_is_described(spec: str, activation: str, repository: str) -> None:
    found = find_clip(spec)
    assert (found.activation, found.repository) == (activation, repository)
    assert found.files[0].endswith(".safetensors")


@pytest.mark.parametrize("spec", ["ViT-B-32/nothing", "nothing/openai", "ViT-B-32", ""])
def test_other_names_are_refused_with_what_there_is(spec: str) -> None:
    with pytest.raises(MetricError, match="not a pretrained open_clip model") as caught:
        find_clip(spec)
    assert "tags of" in caught.value.hint


def test_every_tag_is_judged_as_open_clip_itself_warns() -> None:
    """The oracle is what open_clip compares before it warns, over all of its models."""
    compat.prepare_hub()
    import open_clip

    for model in open_clip.list_models():
        built = bool(open_clip.get_model_config(model).get("quick_gelu", False))
        for tag in open_clip.list_pretrained_tags_by_model(model):
            trained = bool(open_clip.get_pretrained_cfg(model, tag).get("quick_gelu", False))
            if trained and not built:
                with pytest.raises(MetricError, match="QuickGELU"):
                    find_clip(f"{model}/{tag}")
            else:
                assert find_clip(f"{model}/{tag}").activation == ("quick_gelu" if built else "gelu")


def test_the_tables_load_no_torch() -> None:
    code = "import sys; from sdqa.metrics.clip_names import find_clip; find_clip('ViT-B-32/laion2b_s34b_b79k'); "
    check = "sys.exit(', '.join({'torch', 'open_clip', 'torchvision'} & set(sys.modules)) or 0)"
    result = subprocess.run([sys.executable, "-c", code + check], capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr


def test_a_suite_with_such_a_tag_is_refused_by_its_plan(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "sdqa.toml").read_text(encoding="utf-8")
    (tmp_path / "sdqa.toml").write_text(text.replace('clip = "embedded:tiny"', 'clip = "ViT-B-32/openai"'), "utf-8")
    assert cli.run(("plan",)) == EXIT_USAGE
    said = capsys.readouterr().err
    assert "$.metrics.clip" in said
    assert "ViT-B-32-quickgelu/openai" in said


def test_the_activation_is_part_of_a_named_models_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    from sdqa.embedded.clip import Preprocess
    from sdqa.metrics import clip_space

    preprocess = Preprocess(224, (0, 0, 0), (1, 1, 1), "bicubic", "shortest")
    monkeypatch.setattr(clip_space.ClipSpace, "_load_named", lambda _: type("Loaded", (), {"preprocess": preprocess})())
    quick = MetricModels(clip="ViT-B-32-quickgelu/openai").identity(("clip_score",))["clip_score"]["clip"]
    assert quick["activation"] == "quick_gelu"
    assert "activation" not in MetricModels().identity(("clip_score",))["clip_score"]["clip"]


def test_what_open_clip_logs_is_heard() -> None:
    """It logs to the root logger; other libraries' records that arrive there are not its."""
    import logging

    with notices.quiet_warnings(lambda _: None) as heard:
        logging.warning("No pretrained weights loaded for model 'x'. Model initialized randomly.")
        logging.getLogger("urllib3").warning("retrying")
    assert heard == ["root: No pretrained weights loaded for model 'x'. Model initialized randomly."]
    assert not any(isinstance(handler, notices._Hearing) for handler in logging.getLogger().handlers)
