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
    rows, columns = (_weights(side, round(side * side_px / shorter), images) for side in (height, width))
    maps = rows @ images.permute(0, 2, 3, 1).flatten(2)  # (B, h, W * C)
    every_channel = torch.kron(columns.T.contiguous(), torch.eye(images.shape[1]).to(images))  # (W * C, w * C)
    maps = (maps.flatten(0, 1) @ every_channel).view(-1, len(rows), len(columns), images.shape[1])  # (B, h, w, C)
    is_channels_last = images.is_contiguous(memory_format=torch.channels_last)
    layout = torch.channels_last if is_channels_last else torch.contiguous_format
    return maps.permute(0, 3, 1, 2).contiguous(memory_format=layout)  # (B, C, h, w)


def _weights(side_px: int, wanted_px: int, like: Tensor) -> Tensor:
    """(wanted, side): how much each pixel of a row takes from those before. Products are quicker than interpolating."""
    rows = torch.eye(side_px)[None, None]  # (1, 1, side, side)
    return F.interpolate(rows, (wanted_px, side_px), mode="bilinear", antialias=True)[0, 0].to(like)


def windows(images: Tensor, side_px: int | None, draws: Draws) -> Tensor:
    """(B, C, side, side), a part of each of (B, C, H, W) at a random place of its own; unchanged for None."""
    if side_px is None:
        return images
    places = torch.tensor([side - side_px + 1 for side in images.shape[-2:]], device=images.device)  # (2,)
    return functional.crop(images, draws.integers("window", 0, places, 2), size=(side_px, side_px))
