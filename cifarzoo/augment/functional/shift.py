"""Flips and integer shifts: pixels move, none changes."""

from __future__ import annotations

from functools import lru_cache

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
    rows = images.new_empty(count, depth, height + 1, width + 2 * padding_px, unit)
    _fill(rows, pixels, padding_px, mode)
    starts = _starts(height, size[0], depth, length, padding_px, mode, images.device)  # (tops, P * height)
    starts = starts.index_select(0, corner_px[:, 0])  # (B, P * height)
    starts += corner_px[:, 1:] * unit
    starts += torch.arange(0, rows.numel(), depth * (height + 1) * length, device=images.device)[:, None]
    stretches = rows.as_strided((max(0, rows.numel() - size[1] * unit + 1), size[1] * unit), (1, 1))
    window = stretches.index_select(0, starts.flatten()).view(count, depth, *size, unit)
    return from_planes(window, channels_last=is_channels_last(images))


def _fill(rows: Tensor, pixels: Tensor, padding_px: int, mode: str) -> None:
    """Write images (B, P, H, W, U) into wider rows, between zeros or what they reflect; the row below is for zeros."""
    height, width = pixels.shape[2:4]
    if mode == "zero":
        rows.zero_()
    rows = rows[:, :, :height]
    rows[:, :, :, padding_px : padding_px + width] = pixels
    if mode == "reflect" and padding_px:
        mirrored = pixels.flip(3)  # as a whole: quicker than its edges
        rows[:, :, :, :padding_px] = mirrored[:, :, :, width - 1 - padding_px : width - 1]
        rows[:, :, :, padding_px + width :] = mirrored[:, :, :, 1 : padding_px + 1]


@lru_cache(maxsize=8)
def _starts(
    height: int, window: int, depth: int, length: int, padding_px: int, mode: str, device: torch.device
) -> Tensor:
    """For each top of a window, where its rows begin in the rows of an image, (tops, P * window), at the left edge."""
    lines = torch.arange(-padding_px, height + padding_px, device=device)  # of the padded image
    if mode == "reflect":
        lines = (height - 1) - ((height - 1) - lines.abs()).abs()
    else:
        lines = lines.masked_fill((lines < 0) | (lines >= height), height)
    windows = (lines * length).unfold(0, window, 1)  # (tops, window)
    first = torch.arange(depth, device=device)[:, None] * ((height + 1) * length)  # (P, 1)
    return (windows[:, None] + first).flatten(1)
