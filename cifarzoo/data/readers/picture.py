"""One picture file to RGB pixels, exactly as Pillow gives them.

JPEG files are decoded by simplejpeg where it is installed: it takes a quarter of Pillow's time at 64x64 and gives the
same pixels. What it does not do, Pillow does.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from cifarzoo.errors import DataError

try:
    import simplejpeg  # type: ignore[import-untyped]  # it ships types, but no marker
except ImportError:  # there are processors without a wheel of it
    simplejpeg = None

FORMATS = ("JPEG", "PNG")  # of the official sets
ANY_FORMATS = (*FORMATS, "WEBP", "BMP", "GIF", "TIFF")  # of the user's own pictures
MAX_PIXELS = 64_000_000  # of a picture that is to be resized; about 0.25 GB while it is
_WHITE_8, _WHITE_16 = 2**8 - 1, 2**16 - 1
_SAME_IN_BOTH = ("Gray", "YCbCr", "RGB")  # colour spaces in which simplejpeg and Pillow agree


def decode_into(content: bytes, out: np.ndarray, *, formats: tuple[str, ...] = FORMATS) -> None:
    """Decode a picture that has the right size already.

    Args:
        content: the whole file.
        out: (H, W, 3) uint8, contiguous, to write to; grey, grey with alpha, palette, CMYK and 16-bit pictures become
            RGB.
        formats: what it may be.

    Raises:
        DataError: it is no picture, is damaged, has another size, or numbers of more than 16 bits.
    """
    if simplejpeg is not None and content[:2] == b"\xff\xd8" and _decode_jpeg(content, out):
        return
    with _opened(content, formats) as picture:
        _check_size(picture.height, picture.width, out)
        out[:] = np.asarray(_to_rgb(picture))


def size_of(content: bytes) -> tuple[int, int]:
    """The height and width of a picture, by its header; DataError where it is none."""
    with _opened(content, ANY_FORMATS) as picture:
        return picture.height, picture.width


def resize_into(content: bytes, out: np.ndarray) -> None:
    """Decode a picture of any size, turn it upright, cut the middle square out and resize that with antialiasing.

    Args:
        content: the whole file.
        out: (S, S, 3) uint8 to write to.

    Raises:
        DataError: it is no picture, is damaged, is larger than ``MAX_PIXELS``, or has numbers of more than 16 bits.
    """
    size = out.shape[0]
    with _opened(content, ANY_FORMATS) as picture:
        if picture.width * picture.height > MAX_PIXELS:
            raise DataError(f"has {picture.width}x{picture.height} pixels; the limit is {MAX_PIXELS} in all")
        # A JPEG of many times the size is decoded at a half, a quarter or an eighth of it, which costs less and, with
        # four pixels left for each one wanted, changes little.
        picture.draft("RGB", (4 * size, 4 * size))
        out[:] = np.asarray(squared(picture, size))


def squared(picture: Image.Image, size: int) -> Image.Image:
    """The middle square of a picture, upright, in RGB, resized to ``size`` px with antialiasing.

    Raises:
        DataError: it has no pixels, numbers of more than 16 bits, or a mode of which Pillow makes no RGB.
    """
    if 0 in picture.size:
        raise DataError("has no pixels")
    upright = _to_rgb(ImageOps.exif_transpose(picture))
    side = min(upright.size)
    left, top = (upright.width - side) // 2, (upright.height - side) // 2
    box = (left, top, left + side, top + side)
    if side != size:
        return upright.resize((size, size), Image.Resampling.BILINEAR, box=box)
    return upright.crop(box)


def _decode_jpeg(content: bytes, out: np.ndarray) -> bool:
    """Decode with simplejpeg; False where Pillow must do it."""
    try:
        height, width, colours, _ = simplejpeg.decode_jpeg_header(content)
    except ValueError:
        return False
    _check_size(height, width, out)
    if colours not in _SAME_IN_BOTH:
        return False
    try:
        simplejpeg.decode_jpeg(content, buffer=out)
    except ValueError as error:
        # Pillow would fill what is missing with grey and say nothing.
        if str(error).startswith(("Corrupt JPEG data", "Premature end")):
            raise DataError(f"is damaged: {error}") from None
        return False
    return True


def _check_size(height: int, width: int, out: np.ndarray) -> None:
    """Raise DataError unless the picture has the size of its place."""
    if (height, width) != out.shape[:2]:
        raise DataError(f"is {width}x{height}, not {out.shape[1]}x{out.shape[0]} pixels")


@contextlib.contextmanager
def _opened(content: bytes, formats: tuple[str, ...]) -> Iterator[Image.Image]:
    """A picture opened by Pillow; whatever Pillow raises here or in the block becomes a DataError."""
    try:
        with Image.open(io.BytesIO(content), formats=formats) as picture:
            yield picture
    except DataError:
        raise
    except UnidentifiedImageError:
        raise DataError(f"is no picture of the kinds {', '.join(formats)}") from None
    except Exception as error:  # Pillow's plugins raise anything on damaged files
        raise DataError(f"cannot be decoded ({type(error).__name__}: {error})") from None


def _to_rgb(picture: Image.Image) -> Image.Image:
    """Pillow's own conversion, but for what it clips instead of scaling: grey of 16 bits, and of more."""
    if picture.mode == "F":
        raise DataError("holds floats; save it with 8 or 16 bits")
    if picture.mode == "I" or picture.mode.startswith("I;16"):
        return Image.fromarray(_to_bytes(np.asarray(picture, dtype=np.int64), picture.mode)).convert("RGB")
    if "transparency" in picture.info:
        picture = picture.convert("RGBA")  # straight to RGB it would warn, with the same pixels
    try:
        return picture.convert("RGB")
    except ValueError:
        raise DataError(f"is of mode {picture.mode!r}, which Pillow does not convert; save it as RGB") from None


def _to_bytes(levels: np.ndarray, mode: str) -> np.ndarray:
    """Levels of grey as uint8; of 32 bits, which may hold 8 or 16, those that are used decide."""
    if levels.min() < 0 or levels.max() > _WHITE_16:
        raise DataError(f"holds levels of {levels.min()} ... {levels.max()}; save it with 8 or 16 bits")
    holds_8 = mode == "I" and levels.max() <= _WHITE_8
    return (levels if holds_8 else levels >> 8).astype(np.uint8)
