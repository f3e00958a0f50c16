"""Images mixed with a partner, and their targets likewise."""

from __future__ import annotations

import torch
from torch import Tensor

from cifarzoo.augment.functional.erase import paste


def _blend(values: Tensor, partner: Tensor, share: Tensor) -> Tensor:
    """Share * values + (1 - share) * values[partner], the share (B,) float64 an image."""
    share = share.view(-1, *[1] * (values.ndim - 1))  # (B, 1, ...)
    return values[partner].mul_((1.0 - share).to(values.dtype)).add_(values * share.to(values.dtype))


def mixup(images: Tensor, targets: Tensor, partner: Tensor, share: Tensor) -> tuple[Tensor, Tensor]:
    """Blend images with their partners (Zhang et al., "mixup: Beyond Empirical Risk Minimization", 2018).

    Args:
        images: (B, C, H, W) float, any range.
        targets: (B, K) float, rows sum to 1.
        partner: (B,) int64, the index of the other image.
        share: (B,) float64 in [0, 1], of the image itself.

    Returns:
        New images (B, C, H, W) and targets (B, K).
    """
    return _blend(images, partner, share), _blend(targets, partner, share)


def cutmix(images: Tensor, targets: Tensor, partner: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor]:
    """Paste a box of the partner, and mix the targets by area (Yun et al., "CutMix", 2019).

    Args:
        images: (B, C, H, W) float, any range.
        targets: (B, K) float, rows sum to 1.
        partner: (B,) int64, the index of the other image.
        boxes: (B, 4) int64 px, top, left, bottom, right inside the image; bottom and right exclusive.

    Returns:
        New images (B, C, H, W) and targets (B, K).
    """
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    share = 1.0 - area.to(torch.float64) / (images.shape[2] * images.shape[3])
    return paste(images, images[partner], boxes), _blend(targets, partner, share)
