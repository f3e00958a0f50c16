"""A user's picture files as the pixels that ``predict`` takes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from cifarzoo.errors import DataError


def read_picture(path: Path) -> Tensor:
    """Read a picture.

    It is turned as its EXIF orientation says, becomes RGB whatever its mode, and keeps its middle square only.

    Returns:
        (3, S, S) uint8.

    Raises:
        DataError: there is no such file, or it is no picture that Pillow can read.
    """
    try:
        with Image.open(path) as picture:
            square = _middle_square(_to_rgb(ImageOps.exif_transpose(picture)))
            pixels = np.array(square)  # (S, S, 3)
    except FileNotFoundError:
        raise DataError(f"{path} is not there; name a picture file") from None
    except UnidentifiedImageError:
        raise DataError(f"{path} is no picture; name a file in a format that Pillow reads") from None
    except Exception as error:  # Pillow's plugins raise anything on damaged files
        raise DataError(f"{path} cannot be read as a picture ({type(error).__name__}: {error})") from None
    return torch.from_numpy(pixels).permute(2, 0, 1)  # (3, S, S)


def _to_rgb(picture: Image.Image) -> Image.Image:
    """RGB on white where the picture is transparent; 16 bits are scaled, which Pillow would clip."""
    if picture.mode == "I" or picture.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(picture, dtype=np.int64) >> 8).clip(0, 255).astype(np.uint8)).convert("RGB")
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")
    return picture.convert("RGB")


def _middle_square(picture: Image.Image) -> Image.Image:
    """The largest square in the middle."""
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    return picture.crop((left, top, left + side, top + side))
