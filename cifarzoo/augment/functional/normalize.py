"""The step from pixels to what a network takes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def normalize(images: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """(pixel / 255 - mean) / std for each channel, in torchvision's order of rounding.

    Args:
        images: (B, C, H, W) uint8, or float in [0, 1].
        mean: of pixel / 255, one number a channel.
        std: likewise, above 0.

    Returns:
        (B, C, H, W) float.
    """
    values = images.clone() if images.is_floating_point() else images.to(torch.float32).mul_(1.0 / 255.0)
    for channel, (center, spread) in enumerate(zip(mean, std, strict=True)):
        values[:, channel].sub_(center).div_(spread)
    return values
