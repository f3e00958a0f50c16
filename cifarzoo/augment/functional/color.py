"""Colour operations with a factor for each image, equal in every value to torchvision.transforms.v2.functional.

Images are uint8, or float in [0, 1]; one channel or three. Factors are float64: what torchvision computes in double on
the host (1 - factor) is computed in double here. Comparisons, masks and a direct cast from float to uint8 run value by
value in torch, ten times slower than arithmetic: so minima, maxima and large offsets stand in for them below.
"""

from __future__ import annotations

import torch
from torch import Tensor

from cifarzoo.augment.functional.layout import full_scale, laid_out_like, put, take

_GRAY = (0.2989, 0.587, 0.114)  # ITU-R BT.601 luma
_FAR = 1e9  # moves a candidate out of reach where its weight, at least 2^-24, is not zero


def working(images: Tensor) -> Tensor:
    """A float copy to compute in."""
    return images.clone() if images.is_floating_point() else images.to(torch.float32)


def finished(values: Tensor, images: Tensor) -> Tensor:
    """Clamped to the range of ``images`` and cast to their dtype, which truncates; overwrites ``values``."""
    values.clamp_(0.0, full_scale(images))
    return values if images.is_floating_point() else values.to(torch.int16).to(torch.uint8)


def _each(factors: Tensor, values: Tensor) -> Tensor:
    """One factor an image, (B, 1, 1, 1), in the precision of ``values``."""
    return factors.to(values.dtype)[:, None, None, None]


def plane(factors: Tensor, values: Tensor) -> Tensor:
    """One factor an image, written out to (B, 1, H, W): addcmul is vectorised for whole rows only."""
    return _each(factors, values).expand(-1, 1, *values.shape[2:]).contiguous()


def _luma(values: Tensor, *, whole: bool) -> Tensor:
    """Grey level (B, 1, H, W) of float values (B, 3, H, W); ``whole``: rounded down to whole numbers."""
    gray = values[:, 0:1].mul(_GRAY[0]).add_(values[:, 1:2], alpha=_GRAY[1]).add_(values[:, 2:3], alpha=_GRAY[2])
    return gray.floor_() if whole else gray


def _blend(values: Tensor, other: Tensor, factors: Tensor, images: Tensor) -> Tensor:
    """Mix factor * values + (1 - factor) * other, with the one rounding of a fused multiply-add."""
    values.mul_(_each(factors, values)).addcmul_(other, plane(1.0 - factors, values))
    return finished(values, images)


def adjust_brightness(images: Tensor, factors: Tensor) -> Tensor:
    """Scale all values of each image. ``factors``: (B,) float64, at least 0; 1 changes nothing."""
    values = working(images)
    return finished(values.mul_(_each(factors, values)), images)


def adjust_contrast(images: Tensor, factors: Tensor) -> Tensor:
    """Blend each image with its mean grey level. ``factors``: (B,) float64, at least 0; 1 changes nothing."""
    values = working(images)
    gray = _luma(values, whole=not images.is_floating_point()) if images.shape[1] == 3 else values
    return _blend(values, plane(gray.mean(dim=(1, 2, 3)), values), factors, images)


def adjust_saturation(images: Tensor, factors: Tensor) -> Tensor:
    """Blend each image with its grey version. ``factors``: (B,) float64, at least 0; 1 changes nothing."""
    if images.shape[1] == 1:
        return images.clone()
    values = working(images)
    return _blend(values, _luma(values, whole=not images.is_floating_point()), factors, images)


def grayscale(images: Tensor) -> Tensor:
    """Each image in grey, with the channels it had."""
    if images.shape[1] == 1:
        return images.clone()
    gray = _luma(working(images), whole=False).to(images.dtype)  # (B, 1, H, W)
    return laid_out_like(gray.expand_as(images), images)


def adjust_hue(images: Tensor, shifts: Tensor) -> Tensor:
    """Turn the hue of each image. ``shifts``: (B,) float64 in [-0.5, 0.5], in turns."""
    if images.shape[1] == 1:
        return images.clone()
    values = working(images)
    if not images.is_floating_point():
        values.mul_(1.0 / 255.0)
    hue, saturation, value = _rgb_to_hsv(values)
    hue.add_(_each(shifts, values)[:, 0])
    turned = _hsv_to_rgb(hue.sub_(hue.floor()), saturation, value)
    if not images.is_floating_point():
        turned = turned.mul_(255.0 + 1.0 - 1e-3).to(torch.int16).to(torch.uint8)
    return laid_out_like(turned, images)


def _rgb_to_hsv(values: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(B, 3, H, W) in [0, 1] to hue, saturation and value, each (B, H, W) in [0, 1]; overwrites ``values``."""
    red, green, blue = values.unbind(1)  # 3 x (B, H, W)
    high = torch.maximum(red, green)
    low = torch.minimum(red, green)
    torch.maximum(high, blue, out=high)
    span = high - torch.minimum(low, blue, out=low)
    tiny = torch.finfo(values.dtype).tiny  # where pixels are grey all dividends are 0, so any divisor will do
    saturation = span / high.clamp_min(tiny)
    # How far each channel is below the leading one, which has 0.
    torch.sub(high[:, None], values, out=values).div_(span.clamp_min_(tiny)[:, None])
    # The first channel that leads decides, and has the least candidate of those that may stand.
    hue = (blue - green).add_(red, alpha=_FAR)
    torch.minimum(hue, red.add(2.0).sub_(blue).add_(green, alpha=_FAR), out=hue)
    torch.minimum(hue, green.add_(4.0).sub_(red).add_(blue, alpha=_FAR), out=hue)
    return hue.mul_(1.0 / 6.0).add_(1.0).frac_(), saturation, high


def _hsv_to_rgb(hue: Tensor, saturation: Tensor, value: Tensor) -> Tensor:
    """The inverse of ``_rgb_to_hsv``: (B, 3, H, W); overwrites ``hue`` and ``saturation``.

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
    rgb = value.new_empty(len(value), 3, *value.shape[1:])  # (B, 3, H, W)
    for channel, (fall_at, rise_at) in enumerate(((1.0, 4.0), (3.0, 0.0), (5.0, 2.0))):
        fall = torch.sub(8.0 * fall_at, far).add_(falling)
        rise = torch.sub(far, 8.0 * rise_at).add_(rising)
        meet = torch.maximum if channel == 0 else torch.minimum
        level = meet(fall, rise, out=fall)
        torch.minimum(torch.maximum(level, lowest, out=level), value, out=rgb[:, channel])
    return rgb


_ADJUSTMENTS = (adjust_brightness, adjust_contrast, adjust_saturation, adjust_hue)
# Each of the 24 orders of the four is a subsequence of this: the dearest, hue, needs two calls for a batch, not four.
_SCHEDULE = (0, 1, 2, 3, 0, 1, 2, 0, 3, 1, 0, 2)


def jitter_color(images: Tensor, order: Tensor, factors: Tensor) -> Tensor:
    """Brightness, contrast, saturation and hue (0 to 3) in an order for each image.

    Args:
        images: (B, C, H, W) uint8, or float in [0, 1].
        order: (B, S) int64, which of the four comes at each step, none twice.
        factors: (B, 4) float64, the factor or shift of each.
    """
    images = images.clone()
    order = torch.cat([order, torch.full_like(order[:, :1], -1)], dim=1)  # (B, S + 1), -1: done
    done = torch.zeros_like(order[:, :1])  # (B, 1)
    for which in _SCHEDULE:
        due = order.gather(1, done)[:, 0] == which
        rows = due.nonzero()[:, 0]
        if len(rows):
            put(images, rows, _ADJUSTMENTS[which](take(images, rows), factors[rows, which]))
            done[rows] += 1
    return images
