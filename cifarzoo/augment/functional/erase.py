"""Boxes in images: erased, or pasted from another image."""

from __future__ import annotations

import torch
from torch import Tensor


def box_mask(boxes: Tensor, *, height: int, width: int) -> Tensor:
    """Where the boxes are.

    Args:
        boxes: (B, 4) int64 px, top, left, bottom, right; bottom and right exclusive.
        height: of the images.
        width: of the images.

    Returns:
        (B, 1, H, W) bool.
    """
    top, left, bottom, right = boxes[:, :, None].unbind(1)  # 4 x (B, 1)
    row, column = torch.arange(height, device=boxes.device), torch.arange(width, device=boxes.device)
    rows = (row >= top) & (row < bottom)  # (B, H)
    columns = (column >= left) & (column < right)  # (B, W)
    return (rows[:, :, None] & columns[:, None]).unsqueeze(1)  # (B, 1, H, W)


def paste(images: Tensor, others: Tensor, boxes: Tensor) -> Tensor:
    """Each image, with what another shows in the box.

    Args:
        images: (B, C, H, W), any dtype.
        others: what broadcasts to (B, C, H, W), of the same dtype.
        boxes: (B, 4) int64 px, top, left, bottom, right; bottom and right exclusive.
    """
    mask = box_mask(boxes, height=images.shape[2], width=images.shape[3])
    if images.dtype != torch.uint8:
        return torch.where(mask, others, images)
    bits = mask.view(torch.uint8).neg()  # 0 or 255; torch.where goes byte by byte
    return images ^ ((images ^ others) & bits)


def erase(images: Tensor, boxes: Tensor, *, fill: float = 0.0) -> Tensor:
    """Each image with one value in the box, see ``paste``; ``fill`` is in the range of the images."""
    value = torch.tensor(fill, device=images.device).to(images.dtype)
    return paste(images, value, boxes)
