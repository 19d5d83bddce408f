"""Token ids must arrive exactly: in fp16, 49406 (start) and 49407 (end) both become 49408 (coremltools issue 2222)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from sdqa import mil
from sdqa.convert import Variant, convert_component
from sdqa.convert.wrappers import wrap
from sdqa.models import load_teacher
from sdqa.models.architectures import ARCHITECTURES, CLIP_L


@pytest.fixture(scope="module")
def probe(tmp_path_factory: pytest.TempPathFactory) -> tuple[torch.nn.Module, Path]:
    """A narrow text encoder with CLIP's whole vocabulary, in torch and as an fp16 package."""
    narrow = {**CLIP_L, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 4}
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(ARCHITECTURES, "probe", replace(ARCHITECTURES["miniature"], encoders=(narrow,)))
        teacher = load_teacher("random:probe")
        record = convert_component(teacher, "text_encoder", Variant(name="fp16"), tmp_path_factory.mktemp("probe"))
        return wrap(teacher, "text_encoder"), record.path


@pytest.mark.parametrize("token", [0, 320, 2048, 2049, 4097, 32767, 32769, 49405, 49406, 49407])
def test_token_arrives_exactly(probe: tuple[torch.nn.Module, Path], token: int) -> None:
    module, package = probe
    ids = torch.full((1, 77), 49407.0)
    ids[0, 0], ids[0, 1] = 49406.0, float(token)
    with torch.no_grad():
        hidden, pooled = module(ids)
    outputs = mil.load(package).predict({"input_ids": ids.numpy()})
    np.testing.assert_allclose(outputs["last_hidden_state"], hidden.numpy(), atol=0.02)
    np.testing.assert_allclose(outputs["pooled_outputs"], pooled.numpy(), atol=0.02)


def test_neighbouring_tokens_differ_more_than_the_tolerance(probe: tuple[torch.nn.Module, Path]) -> None:
    embedding = probe[0].text_encoder.get_input_embeddings().weight
    assert (embedding[49406] - embedding[49407]).abs().max() > 0.03
