"""Smaller pictures for a part of a run: the whole at a smaller scale, or a part at its own."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from cifarzoo.augment import functional
from cifarzoo.draws import Draws


def resized(images: Tensor, side_px: int | None) -> Tensor:
    """(B, C, H, W) float with the shorter side at ``side_px``, antialiased; unchanged for None or an equal side."""
    height, width = images.shape[-2:]
    shorter = min(height, width)
    if side_px is None or side_px == shorter:
        return images
    sides = (round(height * side_px / shorter), round(width * side_px / shorter))
    return F.interpolate(images, sides, mode="bilinear", antialias=True)  # (B, C, h, w)


def windows(images: Tensor, side_px: int | None, draws: Draws) -> Tensor:
    """(B, C, side, side), a part of each of (B, C, H, W) at a random place of its own; unchanged for None."""
    if side_px is None:
        return images
    places = torch.tensor([side - side_px + 1 for side in images.shape[-2:]], device=images.device)  # (2,)
    return functional.crop(images, draws.integers("window", 0, places, 2), size=(side_px, side_px))
