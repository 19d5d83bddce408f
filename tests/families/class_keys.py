"""What the installed libraries' classes take, written as the table that `sdqa.families.class_keys` holds.

`python -m tests.families.class_keys` writes it anew, for a newer library.
"""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path
from typing import Any

from sdqa.families import class_keys

HEAD = '''"""What the classes of a pipeline's parts take, by key, with what they take where a configuration is silent.

Made of the installed libraries by `python -m tests.families.class_keys`; a test holds it against them. It is here so
that a plan knows a foreign key, and the tensors that a configuration asks for, without importing a library.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import JsonValue
'''
NAMES = {
    "UNet2DConditionModel": "UNET_2D_CONDITION",
    "AutoencoderKL": "AUTOENCODER_KL",
    "CLIPTextConfig": "CLIP_TEXT",
}
"""Class to what the table calls it."""
SILENT = ("transformers_version", "id2label", "label2id")
"""Keys whose default is the library's own affair."""


def taken() -> dict[str, dict[str, Any]]:
    """Key to default, of each class in the table."""
    from sdqa import compat

    compat.prepare_hub()
    import diffusers
    import transformers

    *models, text = NAMES
    found = {
        name: {
            key: one.default
            for key, one in list(inspect.signature(getattr(diffusers, name).__init__).parameters.items())[1:]
        }
        for name in models
    }
    return {**found, text: dict(sorted(transformers.CLIPTextConfig().to_dict().items()))}


def activations() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of diffusers' and of transformers' activations."""
    from sdqa import compat

    compat.prepare_hub()
    from diffusers.models.activations import ACT2CLS
    from transformers.activations import ACT2FN

    return tuple(sorted(ACT2CLS)), tuple(sorted(ACT2FN))


def render() -> str:
    """The module's text, before ruff."""
    lines = [HEAD]
    for name, keys in taken().items():
        lines.append(f"{NAMES[name]}: Mapping[str, JsonValue] = {{")
        for key, default in keys.items():
            value = None if key in SILENT else list(default) if isinstance(default, tuple) else default
            lines.append(f"    {key!r}: {value!r},")
        lines += ["}", f'"""Of {name}."""', ""]
    own, others = activations()
    for constant, names in (("DIFFUSERS_ACTIVATIONS", own), ("TRANSFORMERS_ACTIVATIONS", others)):
        lines += [f"{constant} = (", *(f"    {name!r}," for name in names), ")"]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    path = Path(class_keys.__file__)
    path.write_text(render(), encoding="utf-8")
    subprocess.run([sys.executable, "-m", "ruff", "format", "-q", str(path)], check=True)
