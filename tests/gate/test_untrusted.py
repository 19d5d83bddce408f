"""Goldens, tolerances and audit logs come from outside: whatever they hold, sdqa answers, or says what is wrong."""

from __future__ import annotations

import copy
import hashlib
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sdqa.errors import DigestMismatch, GoldenMissing, SdqaError
from sdqa.gate import audit, goldens
from sdqa.gate.codec import array_digest, decode_tensors
from sdqa.gate.tolerances import Tolerances

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=4,
)
QUICK = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "tiny" / "portrait"
    pixels, tensor = np.zeros((16, 16, 3), np.uint8), np.zeros((4, 4, 4), np.float32)
    if not made.exists():
        goldens.write_golden(
            made,
            inputs={"prompt": "p"},
            seed=1,
            timesteps=[1],
            image=pixels,
            latents=tensor,
            noise=tensor,
            source=pixels,
            posterior_noise=tensor,
            scores={"psnr": 100.0},
            teacher_digest="12" * 32,
            metric_identities={"psnr": {"peak": 255}},
            versions={},
        )
    return made


def spoil(document: Any, data: st.DataObject) -> Any:
    """The document with one entry, anywhere, replaced, removed or renamed."""
    spoilt = copy.deepcopy(document)
    place = spoilt
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            return spoilt
        key = data.draw(st.sampled_from(keys))
        if isinstance(place[key], dict | list) and place[key] and data.draw(st.booleans()):
            place = place[key]
            continue
        what = data.draw(st.sampled_from(["replace", "remove", "rename"]))
        if what == "replace" or isinstance(place, list):
            place[key] = data.draw(JSON)
        else:
            value = place.pop(key)
            if what == "rename":
                place[data.draw(st.text(max_size=12) | st.just("../../etc/passwd"))] = value
        return spoilt


@QUICK
@given(data=st.data())
def test_any_manifest_gives_a_golden_or_an_error_of_sdqa(folder: Path, data: st.DataObject) -> None:
    path = folder / "manifest.json"
    original = path.read_text()
    path.write_text(json.dumps(spoil(json.loads(original), data)))
    try:
        with suppress(SdqaError):
            goldens.read_golden(folder, place=str(folder.parent / "nowhere"), cache=folder.parent / "cache")
    finally:
        path.write_text(original)


@QUICK
@given(name=st.sampled_from(["image.png", "source.png", "noise.safetensors", "latents.safetensors"]), junk=st.binary())
def test_any_bytes_in_a_file_give_an_error_of_sdqa_even_when_the_manifest_agrees(
    folder: Path, name: str, junk: bytes
) -> None:
    import hashlib

    path, manifest = folder / name, folder / "manifest.json"
    kept = path.read_bytes(), manifest.read_text()
    document = json.loads(kept[1])
    document["files"][name] |= {"sha256": hashlib.sha256(junk).hexdigest(), "bytes": len(junk)}
    try:
        path.write_bytes(junk)
        manifest.write_text(json.dumps(document))
        with pytest.raises(SdqaError):
            goldens.read_golden(folder)
    finally:
        path.write_bytes(kept[0])
        manifest.write_text(kept[1])


@QUICK
@given(data=st.data())
def test_any_tolerances_load_or_give_an_error_of_sdqa(
    tmp_path: Path, tolerances: Tolerances, data: st.DataObject
) -> None:
    path = tmp_path / "tolerances.json"
    path.write_text(json.dumps(spoil(tolerances.model_dump(mode="json"), data)))
    with suppress(SdqaError):
        Tolerances.load(path)


@QUICK
@given(text=st.text(max_size=60) | JSON.map(json.dumps))
def test_any_audit_log_is_read_or_gives_an_error_of_sdqa(tmp_path: Path, text: str) -> None:
    (tmp_path / audit.AUDIT_FILE).write_text(text, encoding="utf-8", errors="replace")
    with suppress(SdqaError):
        audit.read_audit(tmp_path)


@pytest.mark.parametrize("key", ["limit", "case_limit", "severe"])
@pytest.mark.parametrize("value", ["-Infinity", "Infinity", "NaN"])
def test_a_limit_that_is_not_finite_is_refused(tmp_path: Path, tolerances: Tolerances, key: str, value: str) -> None:
    document = tolerances.model_dump(mode="json")
    document["variants"]["fp16"]["psnr"][key] = value
    path = tmp_path / "tolerances.json"
    path.write_text(json.dumps(document))
    with pytest.raises(GoldenMissing, match=key):
        Tolerances.load(path)


@pytest.mark.parametrize("dtype", [np.float64, np.float16, np.uint8])
def test_a_tensor_of_another_type_is_refused(tmp_path: Path, dtype: type) -> None:
    data = safetensors.numpy.save({"latents": np.zeros((4, 4), dtype)})
    with pytest.raises(DigestMismatch, match=r"the tensor latents is \w+, must be float32"):
        decode_tensors(data, tmp_path / "latents.safetensors")


def test_a_tensor_cannot_pass_for_the_picture(folder: Path) -> None:
    """A file of tensors that also holds an `image`, whose digest the manifest gives for the picture's."""
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    tensors = {"latents": np.zeros((4, 4, 4), np.float32), "image": np.ones((16, 16, 3), np.float32)}
    data = safetensors.numpy.save(tensors)
    (folder / "latents.safetensors").write_bytes(data)
    manifest["files"]["latents.safetensors"] |= {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    manifest["digests"]["image"] = array_digest(tensors["image"])
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(DigestMismatch, match="the golden's image is not the one"):
        goldens.read_golden(folder)
