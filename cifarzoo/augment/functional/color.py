"""Colour operations with a factor for each image, equal in every value to torchvision.transforms.v2.functional.

Images are uint8, or float in [0, 1]; one channel or three. Factors are float64: what torchvision computes in double on
the host (1 - factor) is computed in double here.
"""

from __future__ import annotations

import torch
from torch import Tensor

_GRAY = (0.2989, 0.587, 0.114)  # ITU-R BT.601 luma


def _column(values: Tensor, images: Tensor) -> Tensor:
    """One value an image, to broadcast over (B, C, H, W) in the precision of the computation."""
    dtype = images.dtype if images.is_floating_point() else torch.float32
    return values.to(dtype)[:, None, None, None]  # (B, 1, 1, 1)


def _working(images: Tensor) -> Tensor:
    """A float copy to compute in."""
    return images.clone() if images.is_floating_point() else images.to(torch.float32)


def _finished(values: Tensor, images: Tensor) -> Tensor:
    """Clamped to the range of ``images`` and cast to their dtype, which truncates."""
    bound = 1.0 if images.is_floating_point() else 255.0
    return values.clamp_(0.0, bound).to(images.dtype)


def _luma(images: Tensor) -> Tensor:
    """Grey level as float: whole numbers for uint8 images. (B, 3, H, W) to (B, 1, H, W)."""
    red, green, blue = images[:, 0:1], images[:, 1:2], images[:, 2:3]  # 3 x (B, 1, H, W)
    gray = red.mul(_GRAY[0]).add_(green, alpha=_GRAY[1]).add_(blue, alpha=_GRAY[2])
    return gray if images.is_floating_point() else gray.floor_()


def _blend(images: Tensor, other: Tensor, factors: Tensor) -> Tensor:
    """Mix factor * images + (1 - factor) * other, with the one rounding of a fused multiply-add."""
    scaled = _working(images).mul_(_column(factors, images))
    return _finished(torch.addcmul(scaled, other, _column(1.0 - factors, images)), images)


def adjust_brightness(images: Tensor, factors: Tensor) -> Tensor:
    """Scale all values of each image. ``factors``: (B,) float64, at least 0; 1 changes nothing."""
    return _finished(_working(images).mul_(_column(factors, images)), images)


def adjust_contrast(images: Tensor, factors: Tensor) -> Tensor:
    """Blend each image with its mean grey level. ``factors``: (B,) float64, at least 0; 1 changes nothing."""
    gray = _luma(images) if images.shape[1] == 3 else _working(images)
    mean = gray.mean(dim=(1, 2, 3), keepdim=True)  # (B, 1, 1, 1)
    return _blend(images, mean, factors)


def adjust_saturation(images: Tensor, factors: Tensor) -> Tensor:
    """Blend each image with its grey version. ``factors``: (B,) float64, at least 0; 1 changes nothing."""
    if images.shape[1] == 1:
        return images.clone()
    return _blend(images, _luma(images), factors)


def adjust_hue(images: Tensor, shifts: Tensor) -> Tensor:
    """Turn the hue of each image. ``shifts``: (B,) float64 in [-0.5, 0.5], in turns."""
    if images.shape[1] == 1:
        return images.clone()
    is_float = images.is_floating_point()
    values = images if is_float else images.to(torch.float32).mul_(1.0 / 255.0)
    hue, saturation, value = _rgb_to_hsv(values)
    hue = hue.add_(_column(shifts, images)[:, 0]).remainder_(1.0)
    turned = _hsv_to_rgb(hue, saturation, value)
    return turned if is_float else turned.mul_(255.0 + 1.0 - 1e-3).to(images.dtype)


def _rgb_to_hsv(values: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(B, 3, H, W) in [0, 1] to hue, saturation and value, each (B, H, W) in [0, 1]."""
    red, green, _ = values.unbind(1)
    low, high = torch.aminmax(values, dim=1)
    flat = high == low
    span = high - low
    saturation = span / high.masked_fill(flat, 1.0)
    red_part, green_part, blue_part = ((high[:, None] - values) / span.masked_fill(flat, 1.0)[:, None]).unbind(1)
    red_leads = high == red
    green_leads = (high == green) & ~red_leads
    hue = torch.where(green_leads, red_part.add(2.0).sub_(blue_part), (green_part + 4.0).sub_(red_part))
    hue = torch.where(red_leads, blue_part - green_part, hue)
    return hue.mul_(1.0 / 6.0).add_(1.0).fmod_(1.0), saturation, high


def _hsv_to_rgb(hue: Tensor, saturation: Tensor, value: Tensor) -> Tensor:
    """The inverse of ``_rgb_to_hsv``: (B, 3, H, W)."""
    sixth = hue * 6.0
    sector = sixth.floor()
    fraction = sixth.sub_(sector)
    grayness = 1.0 - saturation
    fraction = fraction.mul_(saturation)
    falling = (1.0 - fraction).mul_(value).clamp_(0.0, 1.0)
    rising = fraction.add_(grayness).mul_(value).clamp_(0.0, 1.0)
    lowest = grayness.mul_(value).clamp_(0.0, 1.0)
    sector = sector.to(torch.int64).remainder_(6)
    levels = torch.stack((value, lowest, falling, rising), dim=1)  # (B, 4, H, W)
    # Which level each channel takes in each sixth of the colour circle.
    table = torch.tensor([[0, 2, 1, 1, 3, 0], [3, 0, 0, 2, 1, 1], [1, 1, 3, 0, 0, 2]], device=hue.device)
    return levels.gather(1, table[:, sector].movedim(0, 1))  # (B, 3, H, W)


_ADJUSTMENTS = (adjust_brightness, adjust_contrast, adjust_saturation, adjust_hue)


def jitter_color(images: Tensor, order: Tensor, factors: Tensor) -> Tensor:
    """Brightness, contrast, saturation and hue (0 to 3) in an order for each image.

    Args:
        images: (B, C, H, W) uint8, or float in [0, 1].
        order: (B, S) int64, which of the four comes at each step.
        factors: (B, 4) float64, the factor or shift of each.
    """
    images = images.clone()
    for step in range(order.shape[1]):
        for which, adjust in enumerate(_ADJUSTMENTS):
            rows = (order[:, step] == which).nonzero()[:, 0]
            if len(rows):
                images[rows] = adjust(images[rows], factors[rows, which])
    return images
