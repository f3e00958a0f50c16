"""Hue, turned without a comparison or a mask.

Those run value by value in torch, ten times slower than arithmetic: minima, maxima and large offsets stand in for them.
The results are torchvision's in every value.
"""

from __future__ import annotations

import torch
from torch import Tensor

from cifarzoo.augment.functional.lines import cut, each, to_lines

_BLOCK_PIXELS = 3 << 14  # 48 images of 32x32: the six or so planes in use fit in 1 MiB of cache
_FAR = 1e9  # moves a candidate out of reach where its weight, at least 2^-24, is not zero


def adjust_hue(images: Tensor, shifts: Tensor) -> Tensor:
    """Turn the hue of each image. ``shifts``: (B,) float64 in [-0.5, 0.5], in turns."""
    if images.shape[1] == 1:
        return images.clone()
    step = max(1, _BLOCK_PIXELS // (images.shape[2] * images.shape[3]))
    if images.device.type == "cpu" and len(images) > step:
        parts = [slice(first, first + step) for first in range(0, len(images), step)]
        return torch.cat([adjust_hue(images[rows], shifts[rows]) for rows in parts])
    lines = to_lines(images)
    if not images.is_floating_point():
        lines.mul_(1.0 / 255.0)
    hue, saturation, value = _rgb_to_hsv(lines)
    hue.add_(each(shifts, lines)[:, 0])
    sector, levels = _hsv_to_levels(hue.sub_(hue.floor()), saturation, value)
    if images.is_floating_point():
        return cut(_levels_to_rgb(sector, levels, far=8), images)
    # Whole numbers are half as long, and keep the order that the choice between levels rests on.
    whole = [level.mul_(255.0 + 1.0 - 1e-3).to(torch.int16) for level in levels]
    return cut(_levels_to_rgb(sector.to(torch.int16), whole, far=1024), images)


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


def _hsv_to_levels(hue: Tensor, saturation: Tensor, value: Tensor) -> tuple[Tensor, list[Tensor]]:
    """The sector of the colour circle, 0 to 6, and the four levels between which channels move, each (B, L).

    Highest, falling, rising and lowest; overwrites ``hue`` and ``saturation``.
    """
    sixth = hue.mul_(6.0)
    sector = sixth.floor()
    slope = sixth.sub_(sector).mul_(saturation)
    grayness = torch.sub(1.0, saturation, out=saturation)
    falling = torch.sub(1.0, slope).mul_(value)
    rising = slope.add_(grayness).mul_(value)
    return sector, [value, falling, rising, grayness.mul_(value)]


def _levels_to_rgb(sector: Tensor, levels: list[Tensor], *, far: int) -> Tensor:
    """What each channel shows: (B, 3, L); overwrites ``sector``.

    Along the six sectors a channel stays at its highest level, falls, stays at its lowest, stays, rises, stays. Away
    from their own sector both slopes are moved out of [lowest, highest] by multiples of ``far``, and clamped.
    """
    highest, falling, rising, lowest = levels
    place = sector.mul_(far)
    rgb = highest.new_empty(len(highest), 3, highest.shape[1])  # (B, 3, L)
    for channel, (fall_at, rise_at) in enumerate(((1, 4), (3, 0), (5, 2))):
        fall = (far * fall_at - place).add_(falling)
        rise = (place - far * rise_at).add_(rising)
        meet = torch.maximum if channel == 0 else torch.minimum
        level = meet(fall, rise, out=fall)
        torch.minimum(torch.maximum(level, lowest, out=level), highest, out=rgb[:, channel])
    return rgb
