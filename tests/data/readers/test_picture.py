"""Pictures: pixels exactly as Pillow gives them; whatever is no picture of the right size is refused."""

from __future__ import annotations

import contextlib
import io
import struct
import zlib

import numpy as np
import pytest
from data_fakes import encode, peak_bytes, pixels
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from cifarzoo.data.readers import picture
from cifarzoo.errors import CifarZooError, DataError

IMAGE = pixels(1, 64)[0]  # (3, 64, 64)
NOISE = np.random.default_rng(0).integers(0, 256, (3, 64, 64), dtype=np.uint8)


def decode(content: bytes, height: int = 64, width: int = 64) -> np.ndarray:
    out = np.zeros((height, width, 3), dtype=np.uint8)
    picture.decode_into(content, out)
    return out


def resize(content: bytes, size: int) -> np.ndarray:
    out = np.zeros((size, size, 3), dtype=np.uint8)
    picture.resize_into(content, out)
    return out


def oracle(content: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(content)) as opened:
        return np.asarray(opened.convert("RGB"))


@pytest.fixture(params=["simplejpeg", "Pillow"], autouse=True)
def _decoder(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything holds with and without the faster decoder."""
    if request.param == "Pillow":
        monkeypatch.setattr(picture, "simplejpeg", None)
    elif picture.simplejpeg is None:
        pytest.skip("simplejpeg is not installed")


@pytest.mark.parametrize("image", [IMAGE, NOISE], ids=["smooth", "noise"])
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK", "YCbCr"])
@pytest.mark.parametrize(
    "options", [{}, {"progressive": True}, {"subsampling": 0}, {"subsampling": 1}, {"quality": 30}]
)
def test_jpeg_equals_pillow(image: np.ndarray, mode: str, options: dict[str, object]) -> None:
    content = encode(image, "JPEG", mode, **options)
    np.testing.assert_array_equal(decode(content), oracle(content))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_png_equals_pillow(mode: str) -> None:
    content = encode(NOISE, "PNG", mode)
    np.testing.assert_array_equal(decode(content), oracle(content))


def test_grey_of_16_bits_is_scaled() -> None:
    levels = np.linspace(0, 65535, 64 * 64).astype(np.uint16).reshape(64, 64)
    buffer = io.BytesIO()
    Image.fromarray(levels).save(buffer, "PNG")
    np.testing.assert_array_equal(decode(buffer.getvalue()), np.repeat((levels >> 8)[..., None], 3, axis=2))


def tiff(levels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(levels).save(buffer, "TIFF")
    return buffer.getvalue()


def test_grey_of_32_bits_is_scaled_where_it_needs_more_than_8() -> None:
    levels = np.linspace(0, 65535, 64 * 64).astype(np.int32).reshape(64, 64)
    for stored in (levels, levels >> 8):
        np.testing.assert_array_equal(resize(tiff(stored), 64), np.repeat((levels >> 8)[..., None], 3, axis=2))


@pytest.mark.parametrize(
    "levels, fault",
    [
        (np.full((9, 9), 0.5, np.float32), "holds floats; save it with 8 or 16 bits"),
        (np.full((9, 9), 1 << 16, np.int32), r"holds levels of 65536 \.\.\. 65536; save it with 8 or 16 bits"),
        (np.full((9, 9), -1, np.int32), r"holds levels of -1 \.\.\. -1"),
    ],
)
def test_numbers_that_are_no_levels_of_grey_are_refused(levels: np.ndarray, fault: str) -> None:
    with pytest.raises(DataError, match=fault):
        resize(tiff(levels), 8)


def test_colour_of_16_bits_is_scaled() -> None:
    """Pillow writes no such files, so this one is put together by hand."""
    levels = np.arange(64 * 64 * 3, dtype=np.uint16).reshape(64, 64, 3) * 5

    def chunk(kind: bytes, content: bytes) -> bytes:
        checksum = struct.pack(">L", zlib.crc32(kind + content))
        return struct.pack(">L", len(content)) + kind + content + checksum

    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in levels)
    header = struct.pack(">LLBBBBB", 64, 64, 16, 2, 0, 0, 0)
    content = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    np.testing.assert_array_equal(decode(content), levels >> 8)


@pytest.mark.parametrize("transparency", [0, bytes(range(16))])
def test_palettes_with_transparency(transparency: object) -> None:
    buffer = io.BytesIO()
    palette = Image.fromarray(NOISE.transpose(1, 2, 0)).quantize(16)
    palette.save(buffer, "PNG", transparency=transparency)
    np.testing.assert_array_equal(decode(buffer.getvalue()), np.asarray(palette.convert("RGB")))


def test_the_kind_is_told_by_the_content() -> None:
    for kind in ("JPEG", "PNG"):
        content = encode(IMAGE, kind)
        np.testing.assert_array_equal(decode(content), oracle(content))
    for kind in ("BMP", "GIF", "TIFF"):
        with pytest.raises(DataError, match="is no picture of the kinds JPEG, PNG"):
            decode(encode(IMAGE, kind))


def test_another_size_is_refused() -> None:
    for kind in ("JPEG", "PNG"):
        with pytest.raises(DataError, match="is 64x64, not 32x48 pixels"):
            decode(encode(IMAGE, kind), 48, 32)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_huge_picture_is_refused_before_it_is_decoded(kind: str) -> None:
    content = bytearray(encode(IMAGE, kind))
    if kind == "PNG":
        content[16:24] = struct.pack(">LL", 50_000, 50_000)
        content[29:33] = struct.pack(">L", zlib.crc32(content[12:29]))
    else:
        place = content.index(b"\xff\xc0")
        content[place + 5 : place + 9] = struct.pack(">HH", 50_000, 50_000)
    for call in (decode, lambda x: resize(x, 8)):
        with pytest.raises(DataError, match=r"50000x50000|exceeds limit"):
            call(bytes(content))
        assert peak_bytes(lambda: call(bytes(content))) < 1 << 20  # noqa: B023  # called at once


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_truncated_picture_is_never_filled_with_grey(kind: str) -> None:
    content = encode(NOISE, kind)
    for size in range(0, len(content) - 20, 211):
        with pytest.raises(DataError):
            decode(content[:size])


def test_damaged_jpeg_is_refused_where_it_shows() -> None:
    if picture.simplejpeg is None:
        pytest.skip("Pillow says nothing of damage")
    content = encode(NOISE, "JPEG")
    cut_short = content[: len(content) // 2] + b"\xff\xd9"  # ends as it should, but too early
    with pytest.raises(DataError, match="is damaged: "):
        decode(cut_short)


@given(st.binary(max_size=300), st.sampled_from([b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"BM"]))
def test_any_bytes_load_or_are_refused(tail: bytes, head: bytes) -> None:
    for call in (decode, lambda content: resize(content, 8), picture.size_of):
        with contextlib.suppress(CifarZooError):
            call(head + tail)


@given(st.data(), st.sampled_from(["JPEG", "PNG", "GIF", "WEBP", "BMP"]))
def test_flipped_bytes_load_or_are_refused(data: st.DataObject, kind: str) -> None:
    content = bytearray(encode(IMAGE, kind))
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=4)):
        content[place] = data.draw(st.integers(0, 255))
    for call in (decode, lambda x: resize(x, 8)):
        with contextlib.suppress(CifarZooError):
            call(bytes(content))


def test_resize_is_exact_where_the_size_fits() -> None:
    content = encode(NOISE, "PNG")
    np.testing.assert_array_equal(resize(content, 64), oracle(content))


@pytest.mark.parametrize(("width", "height"), [(128, 64), (64, 200), (201, 64)])
def test_the_middle_square_is_cut_out(width: int, height: int) -> None:
    wide = np.random.default_rng(1).integers(0, 256, (3, height, width), dtype=np.uint8)
    left, top = (width - 64) // 2, (height - 64) // 2
    content = encode(wide, "PNG")
    np.testing.assert_array_equal(resize(content, 64), wide.transpose(1, 2, 0)[top : top + 64, left : left + 64])


def test_resize_is_antialiased() -> None:
    """A chequerboard of single pixels becomes grey, as no picking of pixels would make it."""
    board = np.indices((256, 256)).sum(axis=0) % 2 * 255
    content = encode(np.repeat(board[None].astype(np.uint8), 3, axis=0), "PNG")
    assert np.abs(resize(content, 32).astype(int) - 127).max() <= 2


def test_large_jpeg_is_close_to_resizing_it_whole() -> None:
    image = pixels(1, 1600, seed=3)[0]
    content = encode(image, "JPEG", quality=95)
    whole = Image.fromarray(oracle(content)).resize((64, 64), Image.Resampling.BILINEAR)
    assert np.abs(resize(content, 64).astype(int) - np.asarray(whole).astype(int)).max() <= 3


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_respected(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encode(IMAGE, "PNG", exif=exif)
    upright = IMAGE.transpose(1, 2, 0)
    turned = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright, -1),
        7: upright.transpose(1, 0, 2)[::-1, ::-1],
        8: np.rot90(upright, 1),
    }
    np.testing.assert_array_equal(resize(content, 64), turned[orientation])


def test_exif_orientation_of_16_bits_is_respected() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    grey = IMAGE[0]
    picture = Image.fromarray(grey.astype(np.uint16) << 8)
    content = io.BytesIO()
    picture.save(content, "PNG", exif=exif)
    found = resize(content.getvalue(), 64)
    np.testing.assert_array_equal(found, np.rot90(grey, -1)[..., None].repeat(3, -1))


def test_a_picture_of_one_pixel_by_65500() -> None:
    assert resize(encode(np.zeros((3, 65500, 1), np.uint8), "JPEG"), 64).shape == (64, 64, 3)


def test_limit_on_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture, "MAX_PIXELS", 64 * 64 - 1)
    with pytest.raises(DataError, match="has 64x64 pixels; the limit is 4095"):
        resize(encode(IMAGE, "PNG"), 8)


def test_size_of() -> None:
    assert picture.size_of(encode(np.zeros((3, 20, 30), np.uint8), "PNG")) == (20, 30)
