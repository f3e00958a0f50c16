"""A user's picture files as the pixels that ``predict`` takes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from cifarzoo.data.readers.picture import resize_into
from cifarzoo.errors import DataError


def read_picture(path: Path, size: int) -> Tensor:
    """Read a picture as ``data.ImageFolder`` does: turned upright, RGB, its middle square resized.

    Args:
        path: of the file.
        size: side in px.

    Returns:
        (3, size, size) uint8.

    Raises:
        DataError: there is no such file, or it is no picture that can be read.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from None
    pixels = np.empty((size, size, 3), dtype=np.uint8)
    try:
        resize_into(content, pixels)
    except DataError as error:
        raise DataError(f"{path} {error}") from None
    return torch.from_numpy(pixels).permute(2, 0, 1)  # (3, size, size)
