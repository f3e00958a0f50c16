"""Flips and integer shifts: pixels move, none changes."""

from __future__ import annotations

import torch
from torch import Tensor

from cifarzoo.augment.functional.layout import from_planes, is_channels_last, planes, put, take


def flip_horizontal(images: Tensor, mask: Tensor) -> Tensor:
    """Mirror some of the images left to right.

    Args:
        images: (B, C, H, W), any dtype.
        mask: (B,) bool, which ones.
    """
    flipped = images.clone()
    rows = mask.nonzero()[:, 0]
    put(flipped, rows, take(images, rows).flip(-1))
    return flipped


def translate(images: Tensor, shift_px: Tensor, *, max_px: int, mode: str = "zero") -> Tensor:
    """Move each image by whole pixels.

    Args:
        images: (B, C, H, W), any dtype.
        shift_px: (B, 2) int64, down and right, from -max_px to max_px.
        max_px: the longest shift.
        mode: what comes in from the edge, see ``crop``.
    """
    size = (images.shape[2], images.shape[3])
    return crop(images, max_px - shift_px, size=size, padding_px=max_px, mode=mode)


def crop(
    images: Tensor, corner_px: Tensor, *, size: tuple[int, int], padding_px: int = 0, mode: str = "zero"
) -> Tensor:
    """Cut a window out of each image, which is padded first.

    In a padded image whose rows keep their length, a window of any corner begins at one offset in memory and its rows
    lie at the same distances: so each window is one copy of contiguous memory, and the rows are shortened afterwards.

    Args:
        images: (B, C, H, W), any dtype.
        corner_px: (B, 2) int64, top and left of the window in the padded image.
        size: height and width of the window in px.
        padding_px: px added on every side.
        mode: what they hold: ``zero``, or ``reflect`` (the edge is not repeated; padding_px below H and W).

    Returns:
        (B, C, height, width).
    """
    pixels = planes(images)  # (B, P, H, W, U)
    count, depth, _, _, unit = pixels.shape
    rows, columns = images.shape[2] + 2 * padding_px, images.shape[3] + 2 * padding_px
    length = depth * rows * columns * unit  # of a padded image
    slack = (2 * padding_px + images.shape[2] - size[0]) * columns * unit + columns * unit
    # The slack after the last image is copied by its window, but shown to no one.
    memory = images.new_zeros(count * length + slack)
    padded = memory[: count * length].view(count, depth, rows, columns, unit)
    _fill_padded(padded, pixels, padding_px, mode)
    starts = torch.arange(count, device=images.device) * length
    starts = starts + (corner_px[:, 0] * columns + corner_px[:, 1]) * unit  # (B,)
    every_window = memory.as_strided((max(0, len(memory) - length + 1), length), (1, 1))
    windows = every_window.index_select(0, starts).view(count, depth, rows, columns, unit)
    return from_planes(windows[:, :, : size[0], : size[1]], channels_last=is_channels_last(images))


def _fill_padded(padded: Tensor, pixels: Tensor, padding_px: int, mode: str) -> None:
    """Write images (B, P, H, W, U) and what surrounds them into ``padded``, which is zero."""
    height, width = pixels.shape[2:4]
    inside = slice(padding_px, padding_px + height), slice(padding_px, padding_px + width)
    padded[:, :, inside[0], inside[1]] = pixels
    if mode == "reflect" and padding_px:
        before, after = slice(1, padding_px + 1), slice(-padding_px - 1, -1)
        padded[:, :, inside[0], :padding_px] = pixels[:, :, :, before].flip(3)
        padded[:, :, inside[0], -padding_px:] = pixels[:, :, :, after].flip(3)
        middle = padded[:, :, inside[0]]  # (B, P, H, W + 2 padding, U)
        padded[:, :, :padding_px] = middle[:, :, before].flip(2)
        padded[:, :, -padding_px:] = middle[:, :, after].flip(2)
