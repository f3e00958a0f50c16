"""Resizing with antialiasing, in the fixed-point arithmetic that torch and Pillow use for uint8."""

from __future__ import annotations

import torch
from torch import Tensor

from cifarzoo.augment.functional.layout import laid_out_like
from cifarzoo.augment.functional.lines import to_uint8

_WEIGHT_LIMIT = 1 << 15  # weights are signed 16-bit numbers
_MAX_BITS = 22
# Values that are computed at a time, 16 images of 64x64: as float64 they fit into the cache of one core.
_PIECE_VALUES = 3 << 16


def resize(images: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize a whole batch, bilinear with antialiasing.

    Args:
        images: (B, C, H, W) uint8, or float.
        size: height and width in px.
    """
    if size == (images.shape[2], images.shape[3]):
        return images
    corners = torch.zeros(len(images), 2, dtype=torch.int64, device=images.device)
    sides = torch.tensor(images.shape[2:], device=images.device).expand(len(images), 2)
    return resized_crop(images, torch.cat([corners, sides], dim=1), size=size)


def resized_crop(images: Tensor, boxes: Tensor, *, size: tuple[int, int]) -> Tensor:
    """Cut a box out of each image and resize it, bilinear with antialiasing.

    Args:
        images: (B, C, H, W) uint8, or float.
        boxes: (B, 4) int64 px, top, left, height, width; inside the image.
        size: height and width of the result in px.

    Returns:
        (B, C, height, width); equal to torchvision's resized_crop on each image alone.
    """
    if images.is_floating_point():
        across, down = (weights.to(images.dtype)[:, None] for weights in _both_weights(images, boxes, size))
        return laid_out_like(down @ (images @ across.transpose(2, 3)), images)  # (B, C, height, width)
    step = max(1, _PIECE_VALUES // max(1, images[:1].numel())) if images.device.type == "cpu" else max(1, len(images))
    pieces = zip(torch.split(images, step), torch.split(boxes, step), strict=True)
    return laid_out_like(torch.cat([_resized_bytes(piece, where, size) for piece, where in pieces]), images)


def _resized_bytes(images: Tensor, boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """Boxes of uint8 images, resized."""
    across, down = _both_weights(images, boxes, size)
    across, across_bits = _fixed_point(across)
    down, down_bits = _fixed_point(down)
    values = images.to(torch.float64)  # whole numbers below 2^53: sums are exact, in any order
    rows = _shifted(values @ across.transpose(1, 2)[:, None], across_bits)  # (B, C, H, width)
    return to_uint8(_shifted(down[:, None] @ rows, down_bits))  # (B, C, height, width)


def _both_weights(images: Tensor, boxes: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Weights across, (B, width, W), and down, (B, height, H)."""
    top, left, height, width = boxes.unbind(1)
    return _weights(left, width, images.shape[3], size[1]), _weights(top, height, images.shape[2], size[0])


def _weights(start: Tensor, length: Tensor, source: int, target: int) -> Tensor:
    """Weights (B, target, source) float64 of each source pixel in each pixel of the result; rows sum to 1."""
    scale = (length.to(torch.float64) / target)[:, None, None]  # (B, 1, 1)
    support = scale.clamp_min(1.0)
    target_pixel = torch.arange(target, device=start.device)[:, None]  # (target, 1)
    center = scale * (target_pixel + 0.5)  # (B, target, 1)
    pixel = torch.arange(source, device=start.device) - start[:, None, None]  # (B, 1, source), counted in the box
    first = (center - support + 0.5).clamp_min(0.0).floor()  # (B, target, 1)
    last = (center + support + 0.5).floor().minimum(length[:, None, None])  # (B, target, 1), exclusive
    weights = (1.0 - ((pixel - center + 0.5) * (1.0 / support)).abs()).clamp_min(0.0)  # (B, target, source)
    weights = weights * ((pixel >= first) & (pixel < last))
    return weights / weights.sum(2, keepdim=True)


def _fixed_point(weights: Tensor) -> tuple[Tensor, Tensor]:
    """Whole-number weights (B, target, source) and the bits (B, 1, 1, 1) by which they are scaled up."""
    largest = weights.amax(dim=(1, 2))[:, None]  # (B, 1)
    scaled = (0.5 + largest * 2.0 ** torch.arange(1, _MAX_BITS + 1, device=weights.device)).floor()  # (B, bits)
    bits = (scaled < _WEIGHT_LIMIT).sum(1)[:, None, None]  # (B, 1, 1)
    return (0.5 + weights * 2.0**bits).floor(), bits[:, None]


def _shifted(sums: Tensor, bits: Tensor) -> Tensor:
    """Sums of weighted values scaled back and rounded to 0 ... 255, as whole numbers."""
    return sums.mul_(0.5**bits).add_(0.5).floor_().clamp_(0.0, 255.0)
