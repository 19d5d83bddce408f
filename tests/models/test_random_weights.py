from __future__ import annotations

import pytest
import torch

from sdqa.models import load_teacher

PUBLISHED = {
    "sd-v1-5": {"unet": 859_520_964, "text_encoder": 123_060_480, "vae_encoder": 34_163_664, "vae_decoder": 49_490_199},
    "sd-2-1": {"unet": 865_910_724, "text_encoder": 340_387_840},
    "tiny-sd": {"unet": 323_384_964},
    "small-sd": {"unet": 579_384_964},
    "sdxl": {"unet": 2_567_463_684, "text_encoder_2": 694_659_840},
}
"""Parameters of the published checkpoints."""


@pytest.mark.parametrize("name", PUBLISHED)
def test_architectures_have_the_published_number_of_parameters(name: str) -> None:
    teacher = load_teacher(f"random:{name}")
    assert {component: teacher.parameters[component] for component in PUBLISHED[name]} == PUBLISHED[name]


def test_weights_are_the_same_every_time() -> None:
    teacher = load_teacher("random:miniature")
    first = {name: value.clone() for name, value in teacher.part("unet").state_dict().items()}
    teacher.release()
    torch.manual_seed(1)
    again = teacher.part("unet").state_dict()
    assert all(torch.equal(first[name], again[name]) for name in first)


def test_one_teacher_makes_room_for_the_next() -> None:
    first, second = load_teacher("random:miniature"), load_teacher("random:miniature-tiny-sd")
    unet, other = first.part("unet"), second.part("unet")
    second.release_others()
    assert second.part("unet") is other
    assert first.part("unet") is not unet, "loaded again"


def test_norms_are_perturbed() -> None:
    norm = load_teacher("random:miniature").part("unet").conv_norm_out
    assert norm.weight.std() > 0.02
    assert norm.bias.std() > 0.005


def test_clip_tokenizer_is_the_published_one() -> None:
    tokens = load_teacher("random:sd-v1-5").part("tokenizer")("Portrait of a pretty girl")["input_ids"]
    assert tokens == [49406, 5352, 539, 320, 2111, 1611, 49407]
