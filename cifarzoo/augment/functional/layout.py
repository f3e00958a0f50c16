"""How a batch lies in memory: NCHW or channels_last, and it stays that way."""

from __future__ import annotations

import torch
from torch import Tensor


def is_channels_last(images: Tensor) -> bool:
    """Whether (B, C, H, W) is stored as (B, H, W, C)."""
    return images.is_contiguous(memory_format=torch.channels_last) and not images.is_contiguous()


def planes(images: Tensor) -> Tensor:
    """A view of either layout as (B, P, H, W, U): P planes of pixels of U values that lie together."""
    if is_channels_last(images):
        return images.permute(0, 2, 3, 1)[:, None]  # (B, 1, H, W, C)
    return images[..., None]  # (B, C, H, W, 1)


def with_planes(pixels: Tensor, *, channels_last: bool) -> Tensor:
    """The inverse of ``planes``, compact in memory: (B, C, H, W)."""
    if channels_last:
        return pixels[:, 0].contiguous().permute(0, 3, 1, 2)  # (B, C, H, W)
    return pixels[..., 0].contiguous()  # (B, C, H, W)
