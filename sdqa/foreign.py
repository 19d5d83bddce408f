"""Files and folders that are not what they are taken for: recognised by their first bytes, named with what to do next.

A pointer of Git LFS, an archive, a model of another format: whoever opens a file that cannot be read asks here what it
is, so that a message says "this is an ONNX model" and not "damaged". Nothing is unpacked or executed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

HEAD_BYTES = 4096
"""How much of a file is looked at."""
MAX_LISTED = 8
NESTING = 3
"""How deep packages are looked for inside a folder."""
ONNX_GRAPH, ONNX_LAST_FIELD = 7, 26


@dataclass(frozen=True)
class Foreign:
    """What a file or folder is instead."""

    kind: str
    """A short word for it: `lfs`, `zip`, `onnx` …"""
    what: str
    """As a sentence goes on: "a Git LFS pointer, not the file itself"."""
    hint: str
    """What to do next."""


@dataclass(frozen=True)
class _Mark:
    """A kind of file, and the bytes that betray it."""

    foreign: Foreign
    starts: tuple[bytes, ...]
    at: int = 0


_MARKS = (
    _Mark(
        Foreign("lfs", "a Git LFS pointer, not the file itself", "run git lfs pull where it was cloned"),
        (b"version https://git-lfs.github.com/spec/", b"version https://hawser.github.com/spec/"),
    ),
    _Mark(
        Foreign("annex", "a git-annex pointer, not the file itself", "run git annex get"),
        (b"/annex/objects/", b"../.git/annex/objects/"),
    ),
    _Mark(Foreign("gzip", "a gzip archive", "unpack it"), (b"\x1f\x8b\x08",)),
    _Mark(Foreign("xz", "an xz archive", "unpack it"), (b"\xfd7zXZ\0",)),
    _Mark(Foreign("bzip2", "a bzip2 archive", "unpack it"), (b"BZh9", b"BZh6", b"BZh1")),
    _Mark(Foreign("zstd", "a Zstandard archive", "unpack it"), (b"\x28\xb5\x2f\xfd",)),
    _Mark(Foreign("7z", "a 7z archive", "unpack it"), (b"7z\xbc\xaf\x27\x1c",)),
    _Mark(Foreign("rar", "a RAR archive", "unpack it"), (b"Rar!\x1a\x07",)),
    _Mark(Foreign("tar", "a tar archive", "unpack it"), (b"ustar",), at=257),
    _Mark(
        Foreign("gguf", "a GGUF model", "give the model that it was made from, and convert that with coremltools"),
        (b"GGUF",),
    ),
    _Mark(
        Foreign("tflite", "a TensorFlow Lite model", "convert the TensorFlow model it was made from with coremltools"),
        (b"TFL3",),
        at=4,
    ),
    _Mark(
        Foreign("hdf5", "an HDF5 file (Keras?)", "convert the model with coremltools, to an .mlpackage"),
        (b"\x89HDF\r\n\x1a\n",),
    ),
    _Mark(
        Foreign("pickle", "a Python pickle, which is never opened", "save it as safetensors, or convert it"),
        tuple(b"\x80" + bytes([protocol, code]) for protocol in (2, 3, 4, 5) for code in b"}](cX\x8a\x95"),
    ),
    _Mark(
        Foreign("html", "a web page, as a failed download leaves it", "download the file itself"),
        (b"<!doctype html", b"<!DOCTYPE html", b"<!DOCTYPE HTML", b"<html", b"<HTML", b"<?xml"),
    ),
    _Mark(Foreign("png", "a PNG picture", "give the file that was meant"), (b"\x89PNG\r\n\x1a\n",)),
    _Mark(Foreign("jpeg", "a JPEG picture", "give the file that was meant"), (b"\xff\xd8\xff",)),
    _Mark(Foreign("gif", "a GIF picture", "save it as PNG"), (b"GIF87a", b"GIF89a")),
    _Mark(Foreign("tiff", "a TIFF picture", "save it as PNG"), (b"II*\0", b"MM\0*")),
    _Mark(Foreign("svg", "an SVG drawing", "save it as PNG"), (b"<svg",)),
    _Mark(Foreign("heif", "a HEIF or AVIF picture", "save it as PNG"), (b"ftypheic", b"ftypmif1", b"ftypavif"), at=4),
)

_ONNX = Foreign(
    "onnx",
    "an ONNX model",
    "convert the PyTorch or TensorFlow model that it was exported from, with coremltools to an .mlpackage",
)
_SAFETENSORS = Foreign(
    "safetensors", "a safetensors file: weights without a program", "convert the model with coremltools"
)
_TORCH = Foreign("torch", "a PyTorch checkpoint, which is never opened", "save it as safetensors, or convert it")
_ARRAYS = Foreign("npz", "an .npz of arrays", "give the file that was meant")
_ZIP = Foreign("zip", "a zip archive", "unzip it, and give the .mlpackage inside")
_EMPTY = Foreign("empty", "an empty file, as an interrupted download leaves it", "download it again")
_COMPILED = Foreign(
    "mlmodelc",
    "a compiled model (.mlmodelc): what a device runs, not what can be read",
    "give the .mlpackage it was compiled from",
)
_DIFFUSERS = Foreign(
    "diffusers",
    "a diffusers folder: the PyTorch model, not a package",
    "name it as folder:… where a model is asked for, or convert its parts",
)
_SAVED_MODEL = Foreign("saved_model", "a TensorFlow SavedModel", "convert it with coremltools, to an .mlpackage")
_CORE_AI = Foreign("aimodel", "a Core AI model (.aimodel)", "give the .mlpackage of the same model")


def recognise(path: Path, *, expected: str = "") -> Foreign | None:
    """What a file or folder is instead of what it is taken for; None where nothing is recognised.

    Args:
        expected: a kind that is as it should be here: `safetensors`, say.
    """
    try:
        found = _folder(path) if path.is_dir() else _file(path)
    except OSError:  # whoever opens it says why it cannot be read
        return None
    return None if found is None or found.kind == expected else found


def _file(path: Path) -> Foreign | None:
    if not path.is_file():
        return None
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if not head:
        return _EMPTY
    for mark in _MARKS:
        if any(head[mark.at :].startswith(start) for start in mark.starts):
            return mark.foreign
    for kind, holds in _OTHERS.items():
        if holds(head, path.stat().st_size):
            return kind
    return _zip(head) if head[:4] in (b"PK\x03\x04", b"PK\x05\x06") else None


def _zip(head: bytes) -> Foreign:
    """What kind of zip, by the name of its first entry."""
    length = int.from_bytes(head[26:28], "little")
    name = head[30 : 30 + length].decode("utf-8", "replace")
    if name.endswith((".npy",)):
        return _ARRAYS
    return _TORCH if name.endswith(("/data.pkl", "/version", "/byteorder")) else _ZIP


def _is_safetensors(head: bytes, size: int) -> bool:
    """A length of 8 bytes, then JSON of that length."""
    return head[8:9] == b"{" and 2 <= int.from_bytes(head[:8], "little") <= size - 8


def _is_onnx(head: bytes, size: int) -> bool:  # noqa: ARG001  one signature for all
    """ONNX's ModelProto: small field numbers only, the graph among them; a Core ML model's kind is numbered above 199.

    Both begin with a version and then a field 2, so that nothing but the walk over fields tells them apart.
    """
    seen = []
    for number in _fields(head):
        if not 1 <= number <= ONNX_LAST_FIELD:
            return False
        seen.append(number)
        if number == ONNX_GRAPH:
            return seen[0] == 1
    return False


def _fields(head: bytes) -> Iterator[int]:
    """The numbers of a protobuf message's top-level fields, as far as they begin in these bytes."""
    at = 0
    while at < len(head):
        tag, at = _varint(head, at)
        wire = tag & 7
        if wire not in (0, 1, 2, 5) or tag >> 3 == 0:
            yield 0
            return
        yield tag >> 3
        if wire == 0:
            _, at = _varint(head, at)
        elif wire == 2:
            length, at = _varint(head, at)
            at += length
        else:
            at += 8 if wire == 1 else 4


def _varint(head: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(head) and shift < 64:
        byte = head[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            break
    return value, at


_OTHERS: dict[Foreign, Callable[[bytes, int], bool]] = {_SAFETENSORS: _is_safetensors, _ONNX: _is_onnx}


def _folder(path: Path) -> Foreign | None:
    if path.suffix == ".mlmodelc" or any((path / name).is_file() for name in ("coremldata.bin", "model.mil")):
        return _COMPILED
    if path.suffix == ".aimodel":
        return _CORE_AI
    around = next((each.name for each in path.resolve().parents if each.suffix == ".mlpackage"), None)
    if around is not None and path.suffix != ".mlpackage":
        return Foreign("folder", "the inside of a package", f"give {around}")
    if (path / "model_index.json").is_file():
        return _DIFFUSERS
    if (path / "saved_model.pb").is_file():
        return _SAVED_MODEL
    inside = packages_inside(path)
    if inside:
        if path.suffix == ".mlpackage" and len(inside) == 1:
            hint = f"move {inside[0]} out of it, into its place"
            return Foreign("folder", "a folder around a package, not a package", hint)
        return Foreign("folder", "a folder of packages, not a package", f"inside are: {listed(inside)}: name one")
    compiled = sorted(item.name for item in path.glob("*.mlmodelc"))
    if compiled:
        return Foreign("mlmodelc", f"a folder of compiled models ({listed(compiled)})", _COMPILED.hint)
    archives = sorted(item.name for item in path.glob("*.zip"))
    if archives:
        return Foreign("zip", f"a folder of zip archives ({listed(archives)})", "unzip them first")
    return None


def listed(names: Sequence[str]) -> str:
    """Names in one line, the first few of many."""
    return ", ".join(names[:MAX_LISTED]) + (", …" if len(names) > MAX_LISTED else "")


def packages_inside(folder: Path) -> list[str]:
    """The .mlpackages in a folder, by their paths from there; those inside a package are not looked for."""
    found: list[str] = []
    level = [folder]
    for _ in range(NESTING):
        below = [item for each in level for item in sorted(each.iterdir()) if item.is_dir() and not item.is_symlink()]
        found += [item.relative_to(folder).as_posix() for item in below if item.suffix == ".mlpackage"]
        level = [item for item in below if item.suffix != ".mlpackage"]
    return found
