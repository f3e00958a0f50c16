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
    flipped, others = images.flip(-1), (~mask).nonzero()[:, 0]
    put(flipped, others, take(images, others))
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

    The images are copied into wider rows with what surrounds them left and right. A row of a window then is one stretch
    of memory, wherever it begins, so a single gather of stretches cuts out all windows; what lies above and below are
    rows as well: those that the edge reflects, or one that is zero.

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
    count, depth, height, width, unit = pixels.shape
    length = (width + 2 * padding_px) * unit  # of a row, in values
    rows = images.new_zeros(count, depth, height + 1, width + 2 * padding_px, unit)  # the last row stays zero
    _fill(rows[:, :, :height], pixels, padding_px, mode)
    lines = _lines(height, padding_px, mode, images.device) * length  # (H + 2 padding,)
    starts = lines.unfold(0, size[0], 1).index_select(0, corner_px[:, 0])  # (B, height)
    starts = starts + corner_px[:, 1:] * unit
    first = torch.arange(count * depth, device=images.device) * ((height + 1) * length)
    starts = starts[:, None] + first.view(count, depth, 1)  # (B, P, height)
    stretches = rows.as_strided((max(0, rows.numel() - size[1] * unit + 1), size[1] * unit), (1, 1))
    window = stretches.index_select(0, starts.flatten()).view(count, depth, *size, unit)
    return from_planes(window, channels_last=is_channels_last(images))


def _fill(rows: Tensor, pixels: Tensor, padding_px: int, mode: str) -> None:
    """Write images (B, P, H, W, U), and what they reflect left and right, into wider rows, which are zero."""
    width = pixels.shape[3]
    rows[:, :, :, padding_px : padding_px + width] = pixels
    if mode == "reflect" and padding_px:
        rows[:, :, :, :padding_px] = pixels[:, :, :, 1 : padding_px + 1].flip(3)
        rows[:, :, :, padding_px + width :] = pixels[:, :, :, width - 1 - padding_px : width - 1].flip(3)


def _lines(height: int, padding_px: int, mode: str, device: torch.device) -> Tensor:
    """The row of an image that each row of the padded image shows; ``height`` for one that is zero."""
    lines = torch.arange(-padding_px, height + padding_px, device=device)
    if mode == "reflect":
        return (height - 1) - ((height - 1) - lines.abs()).abs()
    return lines.masked_fill_((lines < 0) | (lines >= height), height)
