"""Operations on the distribution of values, equal in every value to torchvision.transforms.v2.functional.

Images are uint8, or float in [0, 1]. What depends on the values alone is done in integer arithmetic.
"""

from __future__ import annotations

import torch
from torch import Tensor

from cifarzoo.augment.functional.blocks import in_blocks
from cifarzoo.augment.functional.layout import full_scale, laid_out_like
from cifarzoo.augment.functional.lines import as_float, as_lines, from_lines, spread, to_lines, to_uint8


def invert(images: Tensor) -> Tensor:
    """The negative of each image."""
    return 1.0 - images if images.is_floating_point() else images.bitwise_not()


def posterize(images: Tensor, bits: Tensor) -> Tensor:
    """Keep the highest bits of each value. ``bits``: (B,) int64, from 0 to 8."""
    if images.is_floating_point():
        levels = (2.0**bits).to(images.dtype)[:, None, None, None]  # (B, 1, 1, 1)
        return (images * levels).floor_().clamp_(min=0.0).minimum(levels - 1.0).mul_(1.0 / levels)
    kept = (256 - (1 << (8 - bits))).to(torch.uint8)  # 256 wraps to 0 with no bits
    return images & kept[:, None, None, None]


def solarize(images: Tensor, thresholds: Tensor) -> Tensor:
    """Invert the values from a threshold on. ``thresholds``: (B,) float64 in the range of the images."""
    limits = thresholds.to(torch.float32)[:, None, None, None]  # (B, 1, 1, 1)
    if images.is_floating_point():
        return torch.where(images >= limits, 1.0 - images, images)
    below = images.to(torch.int16).sub_(limits.ceil().to(torch.int16)).bitwise_right_shift_(15)  # -1 where below
    return images ^ below.to(torch.uint8).bitwise_not_()


def autocontrast(images: Tensor) -> Tensor:
    """Stretch each channel of each image to the full range; a channel of one value stays."""
    low = images.amin(dim=(2, 3))[..., None]  # (B, C, 1)
    high = images.amax(dim=(2, 3))[..., None]  # (B, C, 1)
    lines = to_lines(images)
    low, high = low.to(lines.dtype), high.to(lines.dtype)
    flat = high == low
    span = ((high - low) * (1.0 / full_scale(images))).masked_fill_(flat, 1.0)
    return from_lines(lines.sub_(low.masked_fill_(flat, 0.0)).div_(span), images)


def equalize(images: Tensor) -> Tensor:
    """Spread the histogram of each channel of each image, by Pillow's table."""
    if images.is_floating_point():
        levels = equalize(to_uint8(images.mul(255.0 + 1.0 - 1e-3)))
        return levels.to(images.dtype).mul_(1.0 / 255.0)
    count = images.shape[2] * images.shape[3]
    values = images.contiguous().view(-1, count).to(torch.int64)  # (B C, pixels)
    histogram = torch.zeros(len(values), 256, dtype=torch.int32, device=images.device)
    histogram.scatter_add_(1, values, torch.ones_like(histogram[:1, :1]).expand_as(values))
    until = histogram.cumsum(1, dtype=torch.int32)  # (B C, 256), pixels up to and with each level
    brightest = histogram.gather(1, until.argmax(1, keepdim=True))  # (B C, 1), pixels of the highest level there is
    step = (count - brightest) // 255  # (B C, 1)
    before = until - histogram
    table = ((before + step // 2) // step.clamp_min(1)).clamp_(0, 255)
    table = torch.where(step > 0, table, torch.arange(256, dtype=torch.int32, device=images.device))
    equalized = table.to(torch.uint8).gather(1, values)  # (B C, pixels)
    return laid_out_like(equalized.view(images.shape), images)


@in_blocks
def adjust_sharpness(images: Tensor, factors: Tensor) -> Tensor:
    """Blend each image with its blurred version; the border stays. ``factors``: (B,) float64; 1 changes nothing."""
    height, width = images.shape[2:]
    if height <= 2 or width <= 2:
        return images.clone()
    values = as_float(images)  # (B, C, H, W)
    # All rows of all images as one: what is wrong where they meet is border, which is not used.
    line = (values if images.is_floating_point() else values.to(torch.int16)).view(-1)  # whole numbers are half as long
    triples = (line[:-2] + line[1:-1]).add_(line[2:])
    total = (triples[: -2 * width] + triples[width:-width]).add_(triples[2 * width :])
    total.add_(line[width + 1 : -width - 1], alpha=4)
    blurred = torch.zeros_like(values)
    torch.mul(total, 1.0 / 13.0, out=blurred.view(-1)[width + 1 : -width - 1])
    if not images.is_floating_point():
        blurred.round_()
    change, lines = as_lines(blurred.sub_(values)), as_lines(values)
    sharpened = from_lines(lines.addcmul_(change, spread(1.0 - factors, lines)), images)
    result, inside = images.clone(), (..., slice(1, -1), slice(1, -1))
    result[inside] = sharpened[inside]
    return result
