"""The step from pixels to what a network takes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from cifarzoo.augment.functional.layout import is_channels_last


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


def normalize_into(images: Tensor, mean: Sequence[float], std: Sequence[float], *, out: Tensor) -> None:
    """Write (pixel / 255 - mean) / std into ``out``, as pixel * scale + shift with one rounding, in float32.

    Args:
        images: (B, C, H, W) uint8.
        mean: of pixel / 255, one number a channel.
        std: likewise, above 0.
        out: (B, C, H, W) of any floating dtype, contiguous or channels_last.
    """
    deviation = torch.tensor(std, dtype=torch.float64)  # (C,)
    scale, shift = 1.0 / (255.0 * deviation), -torch.tensor(mean, dtype=torch.float64) / deviation
    scale, shift = (numbers.to(images.device, torch.float32)[:, None, None] for numbers in (scale, shift))  # (C, 1, 1)
    values = images.to(torch.float32)
    if is_channels_last(out):
        values = _to_channels_last(values).permute(0, 2, 3, 1)  # (B, H, W, C)
        out, scale, shift = out.permute(0, 2, 3, 1), scale.permute(1, 2, 0), shift.permute(1, 2, 0)  # (1, 1, C)
    # Along one line an image everything is vectorised; along three channels nothing would be.
    line = values.reshape(len(values), -1)  # (B, H W C) or (B, C H W)
    scale_line, shift_line = (numbers.expand(values.shape[1:]).reshape(1, -1) for numbers in (scale, shift))
    if out.dtype == torch.float32:
        torch.addcmul(shift_line, line, scale_line, out=out.view(line.shape))
    else:
        out.view(line.shape).copy_(torch.addcmul(shift_line, line, scale_line))


def _to_channels_last(values: Tensor) -> Tensor:
    """(B, C, H, W) float32 to channels_last: as a shuffle of numbers it is twice as fast as torch's own copy."""
    if is_channels_last(values):
        return values
    count, channels, height, width = values.shape
    size = channels * height * width
    numbers = values.contiguous().as_strided((count, size, 1, 1), (size, 1, size, size))
    shuffled = F.channel_shuffle(numbers, channels)  # (B, H W C, 1, 1)
    return shuffled.reshape(count, height, width, channels).permute(0, 3, 1, 2)  # (B, C, H, W)
