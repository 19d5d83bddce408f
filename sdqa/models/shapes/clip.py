"""The tensors of transformers' `CLIPTextModel`, with and without a projection."""

from __future__ import annotations

from sdqa.models.configuration import MAX_TOKENS, MAX_VOCABULARY, MAX_WIDTH
from sdqa.models.keys import Keys
from sdqa.models.shapes.layers import MAX_LAYERS, Shape, Tensors


def clip_tensors(keys: Keys) -> dict[str, Shape]:
    """Shapes by name.

    Raises:
        ModelError: the configuration is not one that the class takes.
    """
    text = Tensors(keys)
    width = keys.whole("hidden_size", most=MAX_WIDTH)
    inner = keys.whole("intermediate_size", most=MAX_WIDTH)
    heads = keys.whole("num_attention_heads", most=MAX_WIDTH)
    if width % heads:
        raise keys.wrong("num_attention_heads", heads, f"a divisor of {width}, the hidden_size")
    embeddings = {
        "token": keys.whole("vocab_size", most=MAX_VOCABULARY),
        "position": keys.whole("max_position_embeddings", most=MAX_TOKENS),
    }
    for name, count in embeddings.items():
        text.affine(f"embeddings.{name}_embedding", (count, width), bias=False)
    for number in range(keys.whole("num_hidden_layers", most=MAX_LAYERS)):
        layer = f"encoder.layers.{number}"
        for name in ("k_proj", "v_proj", "q_proj", "out_proj"):
            text.affine(f"{layer}.self_attn.{name}", (width, width))
        text.affine(f"{layer}.layer_norm1", (width,))
        text.affine(f"{layer}.mlp.fc1", (inner, width))
        text.affine(f"{layer}.mlp.fc2", (width, inner))
        text.affine(f"{layer}.layer_norm2", (width,))
    text.affine("final_layer_norm", (width,))
    return text.shapes


def projected_clip_tensors(keys: Keys) -> dict[str, Shape]:
    """The same with the projection of the pooled text; errors as in `clip_tensors`."""
    size = (keys.whole("projection_dim", most=MAX_WIDTH), keys.whole("hidden_size", most=MAX_WIDTH))
    return {**clip_tensors(keys), "text_projection.weight": size}
