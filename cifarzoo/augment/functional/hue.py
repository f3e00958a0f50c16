"""Hue, turned without a mask; the results are torchvision's in every value.

Masks run value by value in torch, ten times slower than arithmetic. On bytes, comparisons whose result is a byte stand
in for them; on floats minima, maxima and large offsets do.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from cifarzoo.augment.functional.blocks import in_blocks
from cifarzoo.augment.functional.layout import laid_out_like
from cifarzoo.augment.functional.lines import cut, each, to_lines

_FAR = 1e9  # moves a candidate out of reach where its weight, at least 2^-24, is not zero
_TINY = torch.finfo(torch.float32).tiny  # a divisor where pixels are grey: all dividends are 0 there
# In which sixths of the colour circle a channel has the highest level, and in which the middle one: red, green, blue.
_PLACES = (((0, 5), (1, 4)), ((1, 2), (0, 3)), ((3, 4), (2, 5)))


@in_blocks
def adjust_hue(images: Tensor, shifts: Tensor) -> Tensor:
    """Turn the hue of each image. ``shifts``: (B,) float64 in [-0.5, 0.5], in turns."""
    if images.shape[1] == 1:
        return images.clone()
    return _turn_floats(images, shifts) if images.is_floating_point() else _turn_bytes(images, shifts)


def _turn_bytes(images: Tensor, shifts: Tensor) -> Tensor:
    """A turned pixel keeps its highest and its lowest level: only the middle one is computed, in floats."""
    pixels = images.contiguous().flatten(2)  # (B, 3, L)
    red, green, blue = pixels.unbind(1)  # 3 x (B, L)
    larger, smaller = torch.maximum(red, green), torch.minimum(red, green)
    highest, lowest = torch.maximum(larger, blue), torch.minimum(smaller, blue)
    middle = torch.maximum(smaller, torch.minimum(larger, blue))
    sixth, middle = _turned(_sixth(red, green, blue), highest, middle, lowest, shifts)
    within = [_as_byte(torch.eq, sixth, number) for number in range(7)]
    within[0].add_(within[6])  # a hue that was rounded up to a whole turn
    above, between = highest - lowest, middle - lowest
    turned = torch.empty_like(pixels)
    for channel, ((first, second), (third, fourth)) in enumerate(_PLACES):
        level = torch.addcmul(lowest, within[first] + within[second], above, out=turned[:, channel])
        level.addcmul_(within[third] + within[fourth], between)
    return laid_out_like(turned.view(images.shape), images)


def _as_byte(compare: Callable[..., Tensor], first: Tensor, second: Tensor | int) -> Tensor:
    """The result of a comparison as 0 or 1: with room for bytes, torch compares by vectors."""
    result: Tensor = compare(first, second, out=torch.empty_like(first, memory_format=torch.contiguous_format))
    return result


def _sixth(red: Tensor, green: Tensor, blue: Tensor) -> Tensor:
    """Which sixth of the colour circle a pixel lies in, 0 to 5; along the odd ones the middle level falls.

    Red to yellow is 1, magenta to red 0, so that the hue is 1 - d and d - 1 there, d the middle level's distance from
    the highest. Of the 8 outcomes of the comparisons 6 can occur.
    """
    red_green, red_blue, green_blue = (_as_byte(torch.ge, *pair) for pair in ((red, green), (red, blue), (green, blue)))
    red_leads = red_green & red_blue
    without_red = red_green.sub_(red_blue).sub_(green_blue).add_(4)
    return without_red.add_(red_leads.mul_(green_blue.sub_(2)), alpha=2)  # below 0 bytes wrap, and come back


def _turned(sixth: Tensor, highest: Tensor, middle: Tensor, lowest: Tensor, shifts: Tensor) -> tuple[Tensor, Tensor]:
    """The sixth (0 to 6) and the middle level after the turn, all (B, L) bytes, in torchvision's order of rounding."""
    value, center, low = (level.to(torch.float32).mul_(1.0 / 255.0) for level in (highest, middle, lowest))
    falls = sixth & 1
    offset = (sixth ^ falls.neg()).add_(falls).view(torch.int8).to(torch.float32)  # the sixth, negative where odd
    span = torch.sub(value, low, out=low)
    saturation = span / value.clamp_min(_TINY)
    hue = torch.sub(value, center, out=center).div_(span.clamp_min_(_TINY))
    hue.add_(offset).abs_().sub_((falls ^ 1).to(torch.float32)).mul_(1.0 / 6.0).add_(1.0).frac_()
    hue.add_(each(shifts, hue)[:, 0])
    place = hue.sub_(hue.floor()).mul_(6.0)
    floor = place.floor()
    slope = place.sub_(floor).mul_(saturation)
    falling = torch.sub(1.0, slope, out=offset).mul_(value)
    rising = slope.add_(torch.sub(1.0, saturation, out=saturation)).mul_(value)
    levels = (falling.mul_(255.0 + 1.0 - 1e-3), rising.mul_(255.0 + 1.0 - 1e-3), floor)
    fallen, risen, sixth = (level.to(torch.int16).to(torch.uint8) for level in levels)
    odd = (sixth & 1).neg_()
    return sixth, fallen.bitwise_xor_(risen).bitwise_and_(odd).bitwise_xor_(risen)


def _turn_floats(images: Tensor, shifts: Tensor) -> Tensor:
    lines = to_lines(images)
    hue, saturation, value = _rgb_to_hsv(lines)
    hue.add_(each(shifts, lines)[:, 0])
    return cut(_levels_to_rgb(*_hsv_to_levels(hue.sub_(hue.floor()), saturation, value)), images)


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


def _levels_to_rgb(sector: Tensor, levels: list[Tensor]) -> Tensor:
    """What each channel shows: (B, 3, L); overwrites ``sector``.

    Along the six sectors a channel stays at its highest level, falls, stays at its lowest, stays, rises, stays. Away
    from their own sector both slopes are moved out of [lowest, highest], and clamped.
    """
    highest, falling, rising, lowest = levels
    far = 8
    place = sector.mul_(far)
    rgb = highest.new_empty(len(highest), 3, highest.shape[1])  # (B, 3, L)
    for channel, (fall_at, rise_at) in enumerate(((1, 4), (3, 0), (5, 2))):
        fall = (far * fall_at - place).add_(falling)
        rise = (place - far * rise_at).add_(rising)
        meet = torch.maximum if channel == 0 else torch.minimum
        level = meet(fall, rise, out=fall)
        torch.minimum(torch.maximum(level, lowest, out=level), highest, out=rgb[:, channel])
    return rgb
