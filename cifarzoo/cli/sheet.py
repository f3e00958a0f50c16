"""Contact sheets: many small images in one picture."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

_GAP_PX = 2
_WHITE = 255
_LEAST_SIDE_PX = 64  # smaller images are enlarged, each pixel to a square


def draw_rows(targets: Tensor, *, rows: int, columns: int, seed: int) -> tuple[Tensor, list[int]]:
    """Draw images of some classes.

    Args:
        targets: (N,) int64.
        rows: so many classes at most, spread evenly over those that have images.
        columns: so many images of each; a class with fewer repeats them.
        seed: which.

    Returns:
        (rows, columns) int64, indices; and each row's class.
    """
    labels = targets.bincount().nonzero()[:, 0]
    places = torch.linspace(0, len(labels) - 1, min(rows, len(labels))).round().to(torch.int64)
    generator = torch.Generator().manual_seed(seed)
    chosen = []
    for label in labels[places]:
        members = (targets == label).nonzero()[:, 0]
        order = torch.randperm(len(members), generator=generator)
        chosen.append(members[order[torch.arange(columns) % len(members)]])
    return torch.stack(chosen), labels[places].tolist()


def draw_sheet(images: Tensor, *, columns: int) -> Tensor:
    """Put images side by side.

    Args:
        images: (N, 1 or 3, H, W) uint8, row by row.
        columns: images in a row.

    Returns:
        (3, height, width) uint8.
    """
    scale = -(-_LEAST_SIDE_PX // images.shape[-1])
    large = images.expand(-1, 3, -1, -1).repeat_interleave(scale, dim=2).repeat_interleave(scale, dim=3)
    framed = F.pad(large, (_GAP_PX, 0, _GAP_PX, 0), value=_WHITE)  # (N, 3, H, W)
    count, channels, height, width = framed.shape
    grid = framed.view(count // columns, columns, channels, height, width)  # (rows, columns, 3, H, W)
    return grid.permute(2, 0, 3, 1, 4).reshape(channels, -1, columns * width)  # (3, rows H, columns W)
