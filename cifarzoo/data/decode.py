"""One compressed picture to RGB pixels, exactly as Pillow gives them."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, UnidentifiedImageError

from cifarzoo.errors import DataError

FORMATS = ("JPEG", "PNG")


def decode(content: bytes, *, size_px: tuple[int, int]) -> np.ndarray:
    """Decode a picture.

    Args:
        content: a whole JPEG or PNG file.
        size_px: the height and width it must have.

    Returns:
        (H, W, 3) uint8; grey, grey with alpha, palette, CMYK and 16-bit pictures become RGB.

    Raises:
        DataError: it is no picture, is damaged or has another size.
    """
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as picture:
            if picture.size != (size_px[1], size_px[0]):
                raise DataError(f"is {picture.size[0]}x{picture.size[1]}, not {size_px[1]}x{size_px[0]} pixels")
            return np.asarray(_to_rgb(picture))
    except DataError:
        raise
    except UnidentifiedImageError:
        raise DataError(f"is no {' or '.join(FORMATS)} picture") from None
    except Exception as error:  # Pillow's plugins raise anything on damaged files
        raise DataError(f"cannot be decoded ({type(error).__name__}: {error})") from None


def _to_rgb(picture: Image.Image) -> Image.Image:
    """Pillow's own conversion, but for 16 bits, which it clips instead of scaling."""
    if picture.mode == "I" or picture.mode.startswith("I;16"):
        levels = np.asarray(picture, dtype=np.int64)
        return Image.fromarray((levels >> 8).clip(0, 255).astype(np.uint8)).convert("RGB")
    if "transparency" in picture.info:
        picture = picture.convert("RGBA")  # straight to RGB it would warn, with the same pixels
    return picture.convert("RGB")
