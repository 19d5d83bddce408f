"""The graph over runners is diffusers' own pipeline, bit for bit, and everything random in it is recorded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from sdqa import compat

compat.prepare_hub()

import torch  # noqa: E402

from sdqa.embedded import PIPELINE  # noqa: E402
from sdqa.errors import ContractError  # noqa: E402
from sdqa.families import FAMILIES  # noqa: E402
from sdqa.generate.noise import Noise  # noqa: E402
from sdqa.generate.pipeline import Glue, Graph, Request  # noqa: E402
from sdqa.generate.schedule import SCHEDULERS  # noqa: E402
from sdqa.generate.teacher import graph_parts, teacher_runners  # noqa: E402
from sdqa.runtime import Arrays  # noqa: E402

pytestmark = pytest.mark.slow

SHAPE = (4, 16, 16)


@pytest.fixture(scope="module")
def pipeline() -> Any:
    from diffusers import StableDiffusionPipeline

    loaded = StableDiffusionPipeline.from_pretrained(PIPELINE, safety_checker=None, requires_safety_checker=False)
    loaded.set_progress_bar_config(disable=True)
    for part in (loaded.text_encoder, loaded.unet, loaded.vae):
        part.float().eval()
    return loaded


@pytest.fixture(scope="module")
def parts(pipeline: Any) -> Mapping[str, Any]:
    names = ("text_encoder", "unet", "vae", "tokenizer", "scheduler")
    return {name: getattr(pipeline, name) for name in names}


@pytest.fixture
def graph(parts: Mapping[str, Any]) -> Graph:
    return Graph(teacher_runners(parts, FAMILIES["sd"]), graph_parts(parts))


def request(**changes: Any) -> Request:
    source = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    base = Request("a portrait of a girl", "", source, 0.5, 3.0, 6, "pndm", Noise.draw(7, SHAPE))
    return replace(base, **changes)


@pytest.mark.parametrize("scheduler", sorted(SCHEDULERS))
def test_text_to_image_equals_diffusers(graph: Graph, pipeline: Any, parts: Mapping[str, Any], scheduler: str) -> None:
    from sdqa.generate.schedule import make_scheduler

    noise = Noise.draw(7, SHAPE)
    pipeline.scheduler = make_scheduler(scheduler, parts["scheduler"].config)
    expected = pipeline(
        "a portrait of a girl",
        latents=torch.from_numpy(noise.initial)[None],
        num_inference_steps=6,
        guidance_scale=3.0,
        height=64,
        width=64,
        output_type="latent",
    ).images[0]
    generated = graph.generate(request(source=None, scheduler=scheduler))
    np.testing.assert_array_equal(generated.latents, expected.detach().numpy())


def test_image_to_image_equals_diffusers_given_the_same_noise(graph: Graph, parts: Mapping[str, Any]) -> None:
    from diffusers import StableDiffusionImg2ImgPipeline

    wanted = request()
    plain = StableDiffusionImg2ImgPipeline(
        **parts, safety_checker=None, feature_extractor=None, requires_safety_checker=False
    )
    plain.set_progress_bar_config(disable=True)
    assert wanted.source is not None
    image = torch.from_numpy(wanted.source).permute(2, 0, 1)[None].float() / 127.5 - 1
    with torch.no_grad():
        posterior = plain.vae.encode(image).latent_dist
        clean = (
            posterior.mean + posterior.std * torch.from_numpy(wanted.noise.posterior)
        ) * plain.vae.config.scaling_factor
        plain.scheduler.set_timesteps(6)
        first = plain.get_timesteps(6, 0.5, "cpu")[0][:1]
        noisy = plain.scheduler.add_noise(clean, torch.from_numpy(wanted.noise.initial)[None], first)
        plain.prepare_latents = lambda *_, **__: noisy
        expected = plain(
            wanted.prompt, image=image, strength=0.5, guidance_scale=3.0, num_inference_steps=6, output_type="latent"
        ).images[0]
    np.testing.assert_array_equal(graph.generate(wanted).latents, expected.numpy())


def test_same_request_same_bytes(graph: Graph) -> None:
    first, second = graph.generate(request()), graph.generate(request())
    assert first.image.tobytes() == second.image.tobytes()
    assert first.latents.tobytes() == second.latents.tobytes()
    assert first.timesteps == second.timesteps


def test_noise_is_the_same_on_every_platform() -> None:
    noise = Noise.draw(3, SHAPE)
    assert noise.initial.dtype == np.float32
    np.testing.assert_allclose(noise.initial[0, 0, :3], Noise.draw(3, SHAPE).initial[0, 0, :3])
    assert abs(float(noise.initial.mean())) < 0.15
    assert 0.9 < float(noise.initial.std()) < 1.1
    assert not np.array_equal(noise.initial, noise.posterior)


@pytest.mark.parametrize(
    "glue",
    [
        Glue(scaling_factor=0.18215),
        Glue(timestep_offset=100.0),
        Glue(drop_timesteps=1),
        Glue(swap_guidance=True),
        Glue(source_transform="bgr"),
        Glue(source_transform="unit-range"),
        Glue(scheduler_overrides={"prediction_type": "v_prediction"}),
    ],
)
def test_glue_changes_the_picture(graph: Graph, parts: Mapping[str, Any], glue: Glue) -> None:
    changed = Graph(graph.runners, graph_parts(parts), glue).generate(request())
    assert not np.array_equal(changed.image, graph.generate(request()).image)


class Broken:
    """A runner whose output is wrong in a chosen way."""

    def __init__(self, inner: Any, change: Any) -> None:
        self.inner, self.change, self.component = inner, change, inner.component

    def run(self, inputs: Arrays) -> dict[str, Any]:
        outputs = self.inner.run(inputs)
        return {name: self.change(value) for name, value in outputs.items()}


def test_nonfinite_outputs_are_counted_and_drawn_black(graph: Graph, parts: Mapping[str, Any]) -> None:
    runners = dict(graph.runners)
    runners["vae_decoder"] = Broken(runners["vae_decoder"], lambda value: np.full_like(value, np.nan))
    generated = Graph(runners, graph_parts(parts)).generate(request())
    assert generated.nonfinite == {"text_encoder": 0, "vae_encoder": 0, "unet": 0, "vae_decoder": 3 * 64 * 64}
    assert generated.image.max() == 0


def test_wrong_output_shape_is_a_contract_error(graph: Graph, parts: Mapping[str, Any]) -> None:
    runners = dict(graph.runners)
    runners["unet"] = Broken(runners["unet"], lambda value: value[:, :3])
    with pytest.raises(ContractError, match="noise_pred has shape"):
        Graph(runners, graph_parts(parts)).generate(request())


def test_a_bright_source_is_not_rescaled(graph: Graph) -> None:
    seen = []
    encoder = graph.runners["vae_encoder"]

    class Watch:
        component = "vae_encoder"

        def run(self, inputs: Arrays) -> dict[str, Any]:
            seen.append(inputs["x"])
            return encoder.run(inputs)

    watched = Graph({**graph.runners, "vae_encoder": Watch()}, graph.parts)
    watched.generate(request(source=np.full((64, 64, 3), 200, np.uint8)))
    np.testing.assert_allclose(seen[0], 200 / 127.5 - 1, atol=1e-6)
