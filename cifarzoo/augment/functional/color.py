"""Colour operations with a factor for each image, equal in every value to torchvision.transforms.v2.functional.

Images are uint8, or float in [0, 1]; one channel or three. Factors are float64: what torchvision computes in double on
the host (1 - factor) is computed in double here. Where H W is no multiple of 16, torchvision's own rounding differs in
the last values of an image, and from those by 1 of 255 at most.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import permutations

import torch
from torch import Tensor
from torch.nn import functional as F

from cifarzoo.augment.functional.blocks import in_blocks
from cifarzoo.augment.functional.hue import adjust_hue
from cifarzoo.augment.functional.layout import put, take
from cifarzoo.augment.functional.lines import each, from_lines, spread, to_lines

_GRAY = (0.2989, 0.587, 0.114)  # ITU-R BT.601 luma


def _luma(lines: Tensor, *, whole: bool) -> Tensor:
    """Grey level (B, 1, L) of (B, 3, L); ``whole``: rounded down to whole numbers."""
    gray = lines[:, 0:1].mul(_GRAY[0]).add_(lines[:, 1:2], alpha=_GRAY[1]).add_(lines[:, 2:3], alpha=_GRAY[2])
    return gray.floor_() if whole else gray


def _blend(lines: Tensor, other: Tensor, factors: Tensor) -> Tensor:
    """Mix factor * lines + (1 - factor) * other, rounded once; overwrites the lines."""
    return lines.mul_(each(factors, lines)).addcmul_(other, spread(1.0 - factors, lines))


@in_blocks
def adjust_brightness(images: Tensor, factors: Tensor) -> Tensor:
    """Scale all values of each image. ``factors``: (B,) float64, at least 0; 1 changes nothing."""
    lines = to_lines(images)
    return from_lines(lines.mul_(each(factors, lines)), images)


@in_blocks
def adjust_contrast(images: Tensor, factors: Tensor) -> Tensor:
    """Blend each image with its mean grey level. ``factors``: (B,) float64, at least 0; 1 changes nothing."""
    lines = to_lines(images)
    gray = _luma(lines, whole=not images.is_floating_point()) if images.shape[1] == 3 else lines
    mean = gray[..., : images.shape[2] * images.shape[3]].mean(dim=(1, 2))  # (B,)
    return from_lines(_blend(lines, spread(mean, lines), factors), images)


@in_blocks
def adjust_saturation(images: Tensor, factors: Tensor) -> Tensor:
    """Blend each image with its grey version. ``factors``: (B,) float64, at least 0; 1 changes nothing."""
    if images.shape[1] == 1:
        return images.clone()
    lines = to_lines(images)
    return from_lines(_blend(lines, _luma(lines, whole=not images.is_floating_point()), factors), images)


def grayscale(images: Tensor) -> Tensor:
    """Each image in grey, with the channels it had."""
    if images.shape[1] == 1:
        return images.clone()
    return from_lines(_luma(to_lines(images), whole=False).repeat(1, 3, 1), images)


_ADJUSTMENTS = (adjust_brightness, adjust_contrast, adjust_saturation, adjust_hue)
# Each of the 24 orders of the four is a subsequence of this: the dearest, hue, needs two calls for a batch, not four.
_SCHEDULE = (0, 1, 2, 3, 0, 1, 2, 0, 3, 1, 0, 2)
_NOTHING = len(_ADJUSTMENTS)


@lru_cache(maxsize=1)
def _turns() -> Tensor:
    """For each order, read as a number of four digits in base 5, at which places of the schedule it has its steps."""
    turns = torch.zeros((_NOTHING + 1) ** len(_ADJUSTMENTS), len(_SCHEDULE), dtype=torch.bool)
    for steps in range(len(_ADJUSTMENTS) + 1):
        for order in permutations(range(len(_ADJUSTMENTS)), steps):
            padded = torch.tensor([[*order, *[_NOTHING] * (len(_ADJUSTMENTS) - steps)]])
            place = -1
            for step in order:
                place = _SCHEDULE.index(step, place + 1)
                turns[_code(padded), place] = True
    return turns


def _code(order: Tensor) -> Tensor:
    """Orders (B, 4) as numbers (B,)."""
    number = order[:, 0]
    for digit in order[:, 1:].unbind(1):
        number = number * (_NOTHING + 1) + digit
    return number


def jitter_color(images: Tensor, order: Tensor, factors: Tensor) -> Tensor:
    """Brightness, contrast, saturation and hue (0 to 3) in an order for each image.

    Args:
        images: (B, C, H, W) uint8, or float in [0, 1].
        order: (B, S) int64, which of the four comes at each step, none twice.
        factors: (B, 4) float64, the factor or shift of each.
    """
    images = images.clone()
    padded = F.pad(order, (0, len(_ADJUSTMENTS) - order.shape[1]), value=_NOTHING)  # (B, 4)
    turns = _turns().to(order.device)[_code(padded)]  # (B, places of the schedule)
    for which, due in zip(_SCHEDULE, turns.unbind(1), strict=True):
        rows = due.nonzero()[:, 0]
        if len(rows):
            put(images, rows, _ADJUSTMENTS[which](take(images, rows), factors[rows, which]))
    return images
