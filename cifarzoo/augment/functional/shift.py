"""Flips and integer shifts: pixels move, none changes."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def flip_horizontal(images: Tensor, mask: Tensor) -> Tensor:
    """Mirror some of the images left to right.

    Args:
        images: (B, C, H, W), any dtype.
        mask: (B,) bool, which ones.
    """
    flipped = images.clone()
    rows = mask.nonzero()[:, 0]
    flipped[rows] = images[rows].flip(-1)
    return flipped


def crop(
    images: Tensor, corner_px: Tensor, *, size: tuple[int, int], padding_px: int = 0, mode: str = "zero"
) -> Tensor:
    """Cut a window out of each image, which is padded first.

    Args:
        images: (B, C, H, W), any dtype.
        corner_px: (B, 2) int64, top and left of the window in the padded image.
        size: height and width of the window in px.
        padding_px: px added on every side.
        mode: what they hold: ``zero``, or ``reflect`` (the edge is not repeated).

    Returns:
        (B, C, height, width).
    """
    height, width = size
    if padding_px:
        rows = torch.arange(-padding_px, images.shape[2] + padding_px, device=images.device)
        columns = torch.arange(-padding_px, images.shape[3] + padding_px, device=images.device)
        if mode == "reflect":
            rows = (images.shape[2] - 1) - ((images.shape[2] - 1) - rows.abs()).abs()
            columns = (images.shape[3] - 1) - ((images.shape[3] - 1) - columns.abs()).abs()
            images = images[:, :, rows][:, :, :, columns]  # (B, C, H + 2 padding, W + 2 padding)
        else:
            images = F.pad(images, [padding_px] * 4)  # (B, C, H + 2 padding, W + 2 padding)
    windows = images.unfold(2, height, 1).unfold(3, width, 1)  # (B, C, tops, lefts, height, width)
    image = torch.arange(len(images), device=images.device)
    return windows[image, :, corner_px[:, 0], corner_px[:, 1]]  # (B, C, height, width)
