"""Contact sheets: what a pipeline does to pictures, at a glance."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from cifarzoo.augment.pipeline import Pipeline
from cifarzoo.draws import Draws

_GAP_PX = 4
_WHITE = 255


def contact_sheet(pipeline: Pipeline, images: Tensor, *, versions: int = 4, seed: int = 0, zoom: int = 1) -> Tensor:
    """Originals above, versions below: each column is one image.

    Args:
        pipeline: what makes the versions, each in an epoch of its own.
        images: (B, 3, H, W) uint8.
        versions: rows below the originals.
        seed: of the draws.
        zoom: px of the sheet for one of an image.

    Returns:
        (3, height, width) uint8.
    """
    indices = torch.arange(len(images))
    rows = [images, *(pipeline(images, draws=Draws(seed, epoch, indices)) for epoch in range(versions))]
    return torch.cat([_row(row, zoom=zoom, gap=3 if place == 0 else 1) for place, row in enumerate(rows)], dim=1)


def _row(images: Tensor, *, zoom: int, gap: int) -> Tensor:
    """Images (B, 3, H, W) side by side, with white to their right and below: (3, height, width)."""
    large = images.repeat_interleave(zoom, dim=2).repeat_interleave(zoom, dim=3)
    padded = F.pad(large, (0, _GAP_PX, 0, gap * _GAP_PX), value=_WHITE)
    return torch.cat(padded.unbind(0), dim=2)


def drawn_pictures(size: int) -> Tensor:
    """(6, 3, size, size) uint8: shapes in colours on shaded grounds, to show an augmentation without a data set."""
    steps = torch.linspace(-1.0, 1.0, size)
    y, x = torch.meshgrid(steps, steps, indexing="ij")  # (H, W)
    radius, turn = (x**2 + y**2).sqrt(), torch.atan2(y, x) / math.pi
    shapes = (
        ((y > -0.2 + 0.9 * x.abs()) & (y < 0.1)) | ((x.abs() < 0.45) & (y >= 0.1) & (y < 0.75)),  # a house
        ((x - 0.2) ** 2 + (y + 0.2) ** 2) < 0.3,  # a sun
        (radius < 0.8) & (radius > 0.45) & (turn > -0.6),  # an open ring
        (radius < 0.35 + 0.35 * torch.cos(5 * math.pi * turn)),  # a flower
        ((6 * (x + y)).sin() > 0.3) & (radius < 0.85),  # a striped ball
        (x - 0.4 * (3 * y).sin()).abs() < 0.2,  # a river
    )
    colors = ((0.8, 0.3, 0.2), (1.0, 0.85, 0.2), (0.25, 0.5, 0.9), (0.85, 0.3, 0.6), (0.95, 0.95, 0.9), (0.2, 0.6, 0.8))
    grounds = (
        (0.5, 0.7, 0.95),
        (0.2, 0.3, 0.55),
        (0.9, 0.85, 0.7),
        (0.3, 0.55, 0.25),
        (0.6, 0.2, 0.2),
        (0.7, 0.65, 0.4),
    )
    pictures = []
    for shape, color, ground in zip(shapes, colors, grounds, strict=True):
        shade = 0.85 + 0.15 * (x - y) * 0.5 + 0.06 * torch.cos(9 * x * y + 3 * x)
        front, back = (torch.tensor(values)[:, None, None] for values in (color, ground))
        pictures.append(torch.where(shape, front * (1.1 - 0.25 * radius), back * shade))  # (3, H, W)
    return torch.stack(pictures).clamp(0.0, 1.0).mul(255).round().to(torch.uint8)
