"""Hue, turned without a comparison or a mask.

Those run value by value in torch, ten times slower than arithmetic: minima, maxima and large offsets stand in for them.
The results are torchvision's in every value.
"""

from __future__ import annotations

import torch
from torch import Tensor

from cifarzoo.augment.functional.lines import each, from_lines, to_lines

_FAR = 1e9  # moves a candidate out of reach where its weight, at least 2^-24, is not zero


def adjust_hue(images: Tensor, shifts: Tensor) -> Tensor:
    """Turn the hue of each image. ``shifts``: (B,) float64 in [-0.5, 0.5], in turns."""
    if images.shape[1] == 1:
        return images.clone()
    lines = to_lines(images)
    if not images.is_floating_point():
        lines.mul_(1.0 / 255.0)
    hue, saturation, value = _rgb_to_hsv(lines)
    hue.add_(each(shifts, lines)[:, 0])
    turned = _hsv_to_rgb(hue.sub_(hue.floor()), saturation, value)
    return from_lines(turned if images.is_floating_point() else turned.mul_(255.0 + 1.0 - 1e-3), images)


def _rgb_to_hsv(lines: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(B, 3, L) in [0, 1] to hue, saturation and value, each (B, L) in [0, 1]; overwrites the lines."""
    red, green, blue = lines.unbind(1)  # 3 x (B, L)
    high = torch.maximum(red, green)
    low = torch.minimum(red, green)
    torch.maximum(high, blue, out=high)
    span = high - torch.minimum(low, blue, out=low)
    tiny = torch.finfo(lines.dtype).tiny  # where pixels are grey all dividends are 0, so any divisor will do
    saturation = span / high.clamp_min(tiny)
    # How far each channel is below the leading one, which has 0.
    torch.sub(high[:, None], lines, out=lines).div_(span.clamp_min_(tiny)[:, None])
    # The first channel that leads decides, and has the least candidate of those that may stand.
    hue = (blue - green).add_(red, alpha=_FAR)
    torch.minimum(hue, red.add(2.0).sub_(blue).add_(green, alpha=_FAR), out=hue)
    torch.minimum(hue, green.add_(4.0).sub_(red).add_(blue, alpha=_FAR), out=hue)
    return hue.mul_(1.0 / 6.0).add_(1.0).frac_(), saturation, high


def _hsv_to_rgb(hue: Tensor, saturation: Tensor, value: Tensor) -> Tensor:
    """The inverse of ``_rgb_to_hsv``: (B, 3, L); overwrites ``hue`` and ``saturation``.

    Along the six sectors of the colour circle a channel stays at its highest level, falls, stays at its lowest, stays,
    rises, stays. With ``sector`` as a number both slopes are moved out of [lowest, highest] elsewhere, and clamped.
    """
    sixth = hue.mul_(6.0)
    sector = sixth.floor()
    slope = sixth.sub_(sector).mul_(saturation)
    grayness = torch.sub(1.0, saturation, out=saturation)
    falling = torch.sub(1.0, slope).mul_(value)
    rising = slope.add_(grayness).mul_(value)
    lowest = grayness.mul_(value)
    far = sector.mul_(8.0)
    rgb = value.new_empty(len(value), 3, value.shape[1])  # (B, 3, L)
    for channel, (fall_at, rise_at) in enumerate(((1.0, 4.0), (3.0, 0.0), (5.0, 2.0))):
        fall = torch.sub(8.0 * fall_at, far).add_(falling)
        rise = torch.sub(far, 8.0 * rise_at).add_(rising)
        meet = torch.maximum if channel == 0 else torch.minimum
        level = meet(fall, rise, out=fall)
        torch.minimum(torch.maximum(level, lowest, out=level), value, out=rgb[:, channel])
    return rgb
