"""How a batch lies in memory: NCHW or channels_last, and it stays that way."""

from __future__ import annotations

import torch
from torch import Tensor


def full_scale(images: Tensor) -> float:
    """The largest value there is: 255 of uint8, 1 of float."""
    return 1.0 if images.is_floating_point() else 255.0


def is_channels_last(images: Tensor) -> bool:
    """Whether (B, C, H, W) is stored as (B, H, W, C)."""
    return images.is_contiguous(memory_format=torch.channels_last) and not images.is_contiguous()


def laid_out_like(images: Tensor, model: Tensor) -> Tensor:
    """The same images in the layout of ``model``."""
    return images.contiguous(memory_format=torch.channels_last if is_channels_last(model) else torch.contiguous_format)


def planes(images: Tensor) -> Tensor:
    """A view of either layout as (B, P, H, W, U): P planes of pixels of U values that lie together."""
    if is_channels_last(images):
        return images.permute(0, 2, 3, 1)[:, None]  # (B, 1, H, W, C)
    return images[..., None]  # (B, C, H, W, 1)


def from_planes(pixels: Tensor, *, channels_last: bool) -> Tensor:
    """The inverse of ``planes``, compact in memory: (B, C, H, W)."""
    if channels_last:
        return pixels[:, 0].contiguous().permute(0, 3, 1, 2)  # (B, C, H, W)
    return pixels[..., 0].contiguous()  # (B, C, H, W)


def take(images: Tensor, rows: Tensor) -> Tensor:
    """The images of some rows: what ``images[rows]`` gives, by whole copies where that goes value by value."""
    taken, (channels, height, width) = _flat(images).index_select(0, rows), images.shape[1:]  # (R, C * H * W)
    if is_channels_last(images):
        return taken.view(-1, height, width, channels).permute(0, 3, 1, 2)  # (R, C, H, W)
    return taken.view(-1, channels, height, width)  # (R, C, H, W)


def put(images: Tensor, rows: Tensor, values: Tensor) -> None:
    """Write images into some rows: what ``images[rows] = values`` does, in the widest words that fit."""
    target, source = _flat(images), _flat(laid_out_like(values, images))
    if target.data_ptr() != images.data_ptr():  # neither layout: its images do not lie in one piece each
        images[rows] = values
        return
    if target.shape[1] * target.element_size() % 8 == 0 and target.storage_offset() * target.element_size() % 8 == 0:
        target, source = target.view(torch.int64), source.view(torch.int64)
    target.index_copy_(0, rows, source)


def _flat(images: Tensor) -> Tensor:
    """A view of either layout as (B, C * H * W), in the order of memory."""
    return (images.permute(0, 2, 3, 1) if is_channels_last(images) else images).flatten(1)
