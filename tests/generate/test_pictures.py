"""Picture files: what every kind of pixel becomes, what is said of it, and what is refused."""

from __future__ import annotations

import io
import os
import random
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from sdqa.errors import ImageError
from sdqa.generate import pictures
from sdqa.generate.pictures import read_picture
from sdqa.generate.sources import read_source

SIDE = 32


def ramp(height: int = SIDE, width: int = SIDE) -> np.ndarray:
    """uint8 (H, W, 3) with three different channels."""
    row, column = np.arange(width) * 255 // width, np.arange(height) * 255 // height
    image = np.zeros((height, width, 3), np.uint8)
    image[:, :, 0], image[:, :, 1], image[:, :, 2] = row, column[:, None], 255 - row
    return image


def saved(folder: Path, picture: Image.Image, name: str = "p.png", **options: object) -> Path:
    picture.save(folder / name, **options)
    return folder / name


def profile_bytes() -> bytes:
    """An RGB profile that is not sRGB: the red and blue primaries of sRGB's own profile, exchanged."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = struct.unpack(">I", data[128:132])[0]
    entries = {bytes(data[at : at + 4]): at for at in range(132, 132 + 12 * count, 12)}
    red, blue = (slice(entries[tag] + 4, entries[tag] + 12) for tag in (b"rXYZ", b"bXYZ"))
    data[red], data[blue] = data[blue], data[red]
    return bytes(data)


def test_a_plain_picture_is_taken_as_it_is(tmp_path: Path) -> None:
    found = read_picture(saved(tmp_path, Image.fromarray(ramp())), SIDE)
    np.testing.assert_array_equal(found.pixels, ramp())
    assert found.remarks == ()


def test_sixteen_bits_of_grey_are_scaled_and_not_cut_off(tmp_path: Path) -> None:
    values = np.linspace(0, 65535, SIDE * SIDE).reshape(SIDE, SIDE)
    found = read_picture(saved(tmp_path, Image.fromarray(values.astype(np.uint16))), SIDE)
    np.testing.assert_allclose(found.pixels[:, :, 1], values / 257, atol=1)
    assert found.remarks == ("is 16-bit grey: scaled to 8 bits",)


def test_a_declared_transparent_grey_of_sixteen_bits_is_composited(tmp_path: Path) -> None:
    values = np.full((SIDE, SIDE), 257 * 100, np.uint16)
    values[:8] = 999
    found = read_picture(saved(tmp_path, Image.fromarray(values), transparency=999), SIDE)
    assert (found.pixels[:8] == 255).all()
    assert (found.pixels[8:] == 100).all()


@pytest.mark.parametrize(
    ("background", "colour"), [("white", (255, 255, 255)), ("black", (0, 0, 0)), ("#102030", (16, 32, 48))]
)
def test_transparency_is_composited_on_the_background(
    tmp_path: Path, background: str, colour: tuple[int, int, int]
) -> None:
    alpha = np.full((SIDE, SIDE), 255, np.uint8)
    alpha[:8, :8], alpha[8:16, :8] = 0, 128
    hidden = ramp()
    hidden[:16, :8] = (255, 0, 255)
    whole = np.dstack([hidden, alpha])
    found = read_picture(saved(tmp_path, Image.fromarray(whole)), SIDE, background=background)
    assert tuple(found.pixels[3, 3]) == colour
    half = (np.array(colour) * 127 + np.array((255, 0, 255)) * 128) / 255
    np.testing.assert_allclose(found.pixels[12, 3], half, atol=1)
    np.testing.assert_array_equal(found.pixels[:, 8:], ramp()[:, 8:])
    assert found.remarks == (f"has transparency: composited on {background}",)


def with_alpha(mode: str) -> Image.Image:
    whole = Image.fromarray(np.dstack([ramp(), np.full((SIDE, SIDE), 255, np.uint8)]))
    whole.putpixel((0, 0), (9, 9, 9, 0))
    return whole.convert(mode)


def palette(*, transparent: bool) -> Image.Image:
    picture = Image.fromarray(ramp()).quantize(16)
    if transparent:
        picture.info["transparency"] = picture.getpixel((0, 0))
    return picture


@pytest.mark.parametrize(
    ("picture", "transparent"),
    [
        (lambda: with_alpha("RGBA"), True),
        (lambda: with_alpha("LA"), True),
        (lambda: palette(transparent=True), True),
        (lambda: palette(transparent=False), False),
        (lambda: Image.fromarray(ramp()).convert("L"), False),
        (lambda: Image.fromarray(ramp()).convert("1"), False),
        (lambda: Image.fromarray(np.dstack([ramp(), np.full((SIDE, SIDE), 255, np.uint8)])), False),
    ],
)
def test_every_mode_becomes_three_channels(
    tmp_path: Path, picture: Callable[[], Image.Image], transparent: bool
) -> None:
    found = read_picture(saved(tmp_path, picture()), SIDE)
    assert found.pixels.shape == (SIDE, SIDE, 3)
    assert (tuple(found.pixels[0, 0]) == (255, 255, 255)) == transparent
    assert found.remarks == (("has transparency: composited on white",) if transparent else ())


def test_cmyk_becomes_rgb_and_is_said(tmp_path: Path) -> None:
    path = saved(tmp_path, Image.fromarray(ramp()).convert("CMYK"), "p.jpg", quality=95)
    found = read_picture(path, SIDE)
    assert np.abs(found.pixels.astype(int) - ramp()).mean() < 12
    assert found.remarks == ("is CMYK without a profile: converted to RGB by Pillow's rule",)


def test_a_colour_profile_is_converted_to_srgb(tmp_path: Path) -> None:
    """The reference is Pillow's own whole-picture conversion."""
    picture = Image.fromarray(ramp())
    foreign = profile_bytes()
    expected = ImageCms.profileToProfile(
        picture, ImageCms.ImageCmsProfile(io.BytesIO(foreign)), ImageCms.createProfile("sRGB"), outputMode="RGB"
    )
    assert expected is not None
    found = read_picture(saved(tmp_path, picture, icc_profile=foreign), SIDE)
    np.testing.assert_array_equal(found.pixels, np.asarray(expected))
    assert np.abs(found.pixels.astype(int) - ramp()).max() > 50
    [remark] = found.remarks
    assert remark.startswith("has the colour profile ")
    assert remark.endswith(": converted to sRGB")


def test_srgb_by_its_values_changes_nothing(tmp_path: Path) -> None:
    own = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    found = read_picture(saved(tmp_path, Image.fromarray(ramp()), icc_profile=own), SIDE)
    np.testing.assert_array_equal(found.pixels, ramp())
    assert found.remarks == ()


def test_a_profile_that_cannot_be_used_is_left_out_and_said(tmp_path: Path) -> None:
    found = read_picture(saved(tmp_path, Image.fromarray(ramp()), icc_profile=b"nonsense" * 40), SIDE)
    np.testing.assert_array_equal(found.pixels, ramp())
    assert "cannot be used: left out" in found.remarks[0]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_turned_upright(tmp_path: Path, orientation: int) -> None:
    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,  # what undoes the turn that the camera made
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = Image.fromarray(ramp())
    if orientation in turns:
        stored = stored.transpose(turns[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation
    found = read_picture(saved(tmp_path, stored, exif=exif), SIDE)
    np.testing.assert_array_equal(found.pixels, ramp())
    assert len(found.remarks) == (orientation != 1)


@pytest.mark.parametrize(("name", "options"), [("p.png", {}), ("p.webp", {"lossless": True})])
def test_of_an_animation_the_first_frame_is_taken(tmp_path: Path, name: str, options: dict[str, object]) -> None:
    frames = [Image.fromarray(ramp()), Image.fromarray(255 - ramp()), Image.fromarray(ramp()[::-1])]
    path = saved(tmp_path, frames[0], name, save_all=True, append_images=frames[1:], **options)
    found = read_picture(path, SIDE)
    np.testing.assert_array_equal(found.pixels, ramp())
    assert found.remarks[0] == "has 3 frames: the first is taken"


@pytest.mark.parametrize(
    ("height", "width", "size", "said"),
    [
        (48, 64, 32, "of 64×48 is cropped to 48×48 and resized to 32×32"),
        (64, 48, 48, "of 48×64 is cropped to 48×48"),
        (8, 8, 32, "of 8×8 is enlarged to 32×32"),
        (8, 80, 32, "of 80×8 is cropped to 8×8 (10% of it) and enlarged to 32×32"),
        (64, 64, 32, "of 64×64 is resized to 32×32"),
    ],
)
def test_cropping_and_resizing_are_said(tmp_path: Path, height: int, width: int, size: int, said: str) -> None:
    found = read_picture(saved(tmp_path, Image.fromarray(ramp(height, width))), size)
    assert found.pixels.shape == (size, size, 3)
    assert found.remarks == (said,)


def test_without_a_size_the_square_keeps_its_own(tmp_path: Path) -> None:
    assert read_picture(saved(tmp_path, Image.fromarray(ramp(48, 64))), None).pixels.shape == (48, 48, 3)


def constant(folder: Path) -> Path:
    return saved(folder, Image.new("RGB", (SIDE, SIDE), (7, 8, 9)))


def transparent(folder: Path) -> Path:
    return saved(folder, Image.fromarray(np.dstack([ramp(), np.zeros((SIDE, SIDE), np.uint8)])))


def truncated(folder: Path, name: str = "p.png") -> Path:
    noise = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    path = saved(folder, Image.fromarray(noise), name)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


def bomb(folder: Path) -> Path:
    """A PNG that says it is 60000 pixels a side."""
    header = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    (folder / "p.png").write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    return folder / "p.png"


def other(folder: Path) -> Path:
    return saved(folder, Image.fromarray(ramp()), "p.bmp")


def pointer(folder: Path) -> Path:
    (folder / "p.png").write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    return folder / "p.png"


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (constant, r"nothing but the colour \(7, 8, 9\)"),
        (transparent, r"nothing but the colour \(255, 255, 255\)"),
        (truncated, "cannot be read"),
        (lambda folder: truncated(folder, "p.jpg"), "cannot be read"),
        (lambda folder: truncated(folder, "p.webp"), "cannot be read"),
        (bomb, r"larger than 64000000 pixels|cannot be read: Image size"),
        (other, "cannot be read"),
        (pointer, "Git LFS pointer"),
        (lambda folder: folder / "absent.png", "cannot be read"),
    ],
)
def test_what_is_refused_names_the_file(tmp_path: Path, make: Callable[[Path], Path], said: str) -> None:
    path = make(tmp_path)
    with pytest.raises(ImageError, match=said) as caught:
        read_picture(path, SIDE)
    assert caught.value.where == str(path)
    assert caught.value.hint


def test_files_have_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "MAX_BYTES", 10)
    with pytest.raises(ImageError, match="larger than 10 bytes"):
        read_picture(saved(tmp_path, Image.fromarray(ramp())), SIDE)


@pytest.mark.parametrize("name", ["p.png", "p.jpg", "p.webp"])
def test_damage_is_a_picture_or_one_error(tmp_path: Path, name: str) -> None:
    """Bytes are flipped at random, in the profile and the EXIF data too."""
    exif = Image.Exif()
    exif[0x0112] = 6
    whole = saved(tmp_path, Image.fromarray(ramp()), name, exif=exif, icc_profile=profile_bytes()).read_bytes()
    dice = random.Random(0)
    refused = 0
    for _ in range(150):
        data = bytearray(whole)
        for _ in range(dice.randint(1, 8)):
            data[dice.randrange(len(data))] = dice.randrange(256)
        (tmp_path / name).write_bytes(data)
        try:
            assert read_picture(tmp_path / name, SIDE).pixels.shape == (SIDE, SIDE, 3)
        except ImageError:
            refused += 1
    assert 0 < refused < 150 or name == "p.png"  # each of its chunks has a checksum


@pytest.mark.parametrize(
    ("content", "words", "hint"),
    [
        (b"GIF89a" + bytes(20), "it is a GIF picture", "save it as PNG"),
        (b"<svg/>", "it is an SVG drawing", "save it as PNG"),
        (bytes(3) + b"\x18ftypheic" + bytes(20), "it is a HEIF or AVIF picture", "save it as PNG"),
        (b"anything", "it is none of PNG, JPEG, WEBP", "give a PNG"),
    ],
)
def test_what_is_no_picture_that_is_read_is_named(tmp_path: Path, content: bytes, words: str, hint: str) -> None:
    path = tmp_path / "p.png"
    path.write_bytes(content)
    with pytest.raises(ImageError, match=words) as caught:
        read_picture(path, 32)
    assert hint in caught.value.hint
    assert str(caught.value).count(str(path)) == 1


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "folder.png").mkdir()
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "circle.png").symlink_to("circle.png")
    for name, words in (
        ("folder", "a folder, not a file"),
        ("pipe", "a device or pipe"),
        ("circle", "Too many levels"),
    ):
        with pytest.raises(ImageError, match=words):
            read_source(f"file:{name}.png", 32, tmp_path)
