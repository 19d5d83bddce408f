"""Whether a part's files hold the tensors that its configuration asks for: names and shapes, of their headers."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sdqa.errors import ModelError
from sdqa.models.weights import StoredTensor

SHOWN = 4
OLD_NAMES = {"query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"}
"""Of attention in older checkpoints' autoencoders, which diffusers renames while it loads."""
_OLD = re.compile(rf"\.({'|'.join(OLD_NAMES)})\.(weight|bias)$")


def require_tensors(
    part: str, wanted: Mapping[str, tuple[int, ...]], stored: Mapping[str, StoredTensor], source: str
) -> None:
    """Refuse weights that are not those of the configuration.

    Raises:
        ModelError: tensors are missing, left over or of another shape, with the first of each.
    """
    there = {_plain(name): one.shape for name, one in stored.items() if not name.endswith("position_ids")}
    needed = {_plain(name): shape for name, shape in wanted.items() if not name.endswith("position_ids")}
    other = [
        f"{name} {there[name]} for {needed[name]}"
        for name in sorted(needed)
        if name in there and there[name] != needed[name]
    ]
    found = (
        ("missing keys", sorted(needed.keys() - there.keys())),
        ("unexpected keys", sorted(there.keys() - needed.keys())),
        ("mismatched keys", other),
    )
    problems = [f"{len(names)} {kind}: {_listed(names)}" for kind, names in found if names]
    if problems:
        raise ModelError(
            f"{part}: checkpoint and architecture do not match; {'; '.join(problems)}",
            where=source,
            hint="config.json and the weights belong to different models, or the weights are not complete",
        )


def _listed(names: list[str]) -> str:
    return ", ".join(names[:SHOWN]) + (" …" if len(names) > SHOWN else "")


def _plain(name: str) -> str:
    """A tensor's name as today's libraries have it, without the prefix that transformers gave it for a while."""
    renamed = _OLD.sub(lambda match: f".{OLD_NAMES[match[1]]}.{match[2]}", name)
    return renamed.removeprefix("text_model.")
