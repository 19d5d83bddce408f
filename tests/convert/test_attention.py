from __future__ import annotations

import pytest
import torch

from sdqa.convert.attention import attention_layout
from sdqa.convert.wrappers import UNet, laid_out, wrap
from sdqa.models import load_teacher
from sdqa.plan.variant import Attention
from tests.builders import Convert
from tests.convert.test_component import compare

pytestmark = pytest.mark.slow

SOURCES = ["random:miniature", "random:miniature-tiny-sd", "random:miniature-sdxl"]


def inputs(unet: UNet, source: str) -> tuple[torch.Tensor, ...]:
    generator = torch.Generator().manual_seed(1)
    width = unet.unet.config.cross_attention_dim
    sample, text = torch.randn(2, 4, 16, 16, generator=generator), torch.randn(2, width, 1, 77, generator=generator)
    added = (torch.full((2, 6), 32.0), torch.randn(2, 48, generator=generator)) if "xl" in source else ()
    return (sample, torch.tensor([951.0, 951.0]), text, *added)


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("kind", ["split_einsum", "split_einsum_v2"])
def test_layout_computes_what_diffusers_computes(source: str, kind: Attention) -> None:
    unet = wrap(load_teacher(source), "unet")
    assert isinstance(unet, UNet)
    given = inputs(unet, source)
    with torch.no_grad():
        wanted = unet(*given)
        with laid_out(unet, kind) as shaped:
            got = shaped(*given)
        again = unet(*given)
    assert (got - wanted).abs().max() < 1e-4
    assert torch.equal(again, wanted), "the layout must be undone"


@pytest.mark.parametrize("chunk", [100, 64, 1000])
def test_queries_beyond_the_last_whole_chunk_are_kept(chunk: int) -> None:
    unet = wrap(load_teacher("random:miniature"), "unet")
    assert isinstance(unet, UNet)
    given = inputs(unet, "random:miniature")
    with torch.no_grad():
        wanted = unet(*given)
        with attention_layout(unet.unet, "split_einsum_v2", chunk=chunk):
            unet.channels_first = True
            got = unet(*given)
    assert (got - wanted).abs().max() < 1e-4


def test_layout_shares_its_parameters() -> None:
    unet = wrap(load_teacher("random:miniature"), "unet")
    before = {parameter.data_ptr() for parameter in unet.parameters()}
    names = set(dict(unet.named_parameters()))
    with laid_out(unet, "split_einsum") as shaped:
        assert {parameter.data_ptr() for parameter in shaped.parameters()} == before
        assert set(dict(shaped.named_parameters())) == names


def test_split_einsum_package_has_no_linear_left(packages: Convert) -> None:
    record = packages("unet", attention="split_einsum")
    assert min(compare(packages, "unet", attention="split_einsum")) > 50
    # what remains are the timestep's layers, which see one vector an image
    assert record.histogram["linear"] < packages("unet").histogram["linear"] / 3
    assert "transpose" not in record.histogram or record.histogram["transpose"] < 12
