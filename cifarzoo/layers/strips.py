"""Convolutions in bf16 on AMX with several small maps side by side in one wide map, a strip.

AMX multiplies 32 pixels of a row at a time, and the gradient of the filters takes them from one row of one map: maps 7
pixels wide leave it idle for three quarters of the time. Side by side, with zeros between that are the padding of both
neighbours, 500 maps of 7x7 pixels and 256 channels take half of the time, 500 of 4x4 and 512 a sixth. The convolution
itself and the gradient of the images gain on the smallest maps only.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from cifarzoo.layers.patches import torchs_gradients_of
from cifarzoo.processor import cpu_features

_NARROW = 11  # px of the output: wider maps fill a row well enough
_NARROWEST = 5  # px of the output: the convolution and the gradient of the images gain too
_FEW_CHANNELS = 64  # fewer do not earn what moving the maps costs
_ROW = 32  # px that are multiplied at a time
_HAS_AMX = "amx_bf16" in cpu_features()


def pays(images: Tensor, weight: Tensor, stride: int) -> bool:
    """Whether this is faster than torch's for images (B, C, H, W) and filters as they are now."""
    return (
        images.device.type == "cpu"
        and images.dtype == torch.bfloat16
        and _width_after(images, stride) <= _NARROW
        and min(weight.shape[:2]) >= _FEW_CHANNELS
        and _HAS_AMX
    )


def convolve(images: Tensor, weight: Tensor, stride: int) -> Tensor:
    """What ``patches.convolve`` gives, from the same: (B, C, H, W) to (B, K, H / stride, W / stride), channels_last."""
    pad, width = weight.shape[2] // 2, _width_after(images, stride)
    if width > _NARROWEST:
        found = F.conv2d(images, weight, stride=stride, padding=pad)
        return found.contiguous(memory_format=torch.channels_last)
    count, pitch = _layout(images, weight, stride)
    found = F.conv2d(_side_by_side(images, count, pitch * stride), weight, stride=stride, padding=pad)
    return _apart(found, count, len(images), width)


def gradients_of(
    images: Tensor, weight: Tensor, stride: int, slopes: Tensor, wants_images: bool, wants_weight: bool
) -> tuple[Tensor | None, Tensor | None]:
    """From the gradient of the output, ``slopes`` (B, K, H', W'), to those of images and weight, both channels_last."""
    is_narrowest = slopes.shape[3] <= _NARROWEST
    of_images = None
    if wants_images and not is_narrowest:
        of_images, _ = torchs_gradients_of(images, weight, stride, slopes, True, False)
    wants_images = wants_images and is_narrowest
    if not wants_images and not wants_weight:
        return of_images, None
    count, pitch = _layout(images, weight, stride)
    strips, slopes = _side_by_side(images, count, pitch * stride), _side_by_side(slopes, count, pitch)
    of_strips, of_weight = torchs_gradients_of(strips, weight, stride, slopes, wants_images, wants_weight)
    if of_strips is not None:
        of_images = _apart(of_strips, count, len(images), images.shape[3])
    return of_images, None if of_weight is None else of_weight.contiguous(memory_format=torch.channels_last)


def _width_after(images: Tensor, stride: int) -> int:
    return -(-images.shape[3] // stride)


def _layout(images: Tensor, weight: Tensor, stride: int) -> tuple[int, int]:
    """How many maps stand in a strip, and how many px of the output there are from one to the next."""
    pitch = -(-(images.shape[3] + weight.shape[3] // 2) // stride)
    row = 2 * _ROW if _width_after(images, stride) <= _NARROWEST else _ROW
    return max(1, row // pitch), pitch


def _side_by_side(maps: Tensor, count: int, pitch: int) -> Tensor:
    """(B, C, H, W) to (B / count, C, H, count * pitch), rounded up, zeros behind each map and for those missing."""
    batch, channels, height, width = maps.shape
    full, rest = divmod(batch, count)
    strips = maps.new_empty(full + (rest > 0), height, count, pitch, channels)
    pixels = maps.permute(0, 2, 3, 1)  # (B, H, W, C)
    strips[..., width:, :] = 0
    whole = pixels[: full * count].view(full, count, height, width, channels)
    strips[:full, ..., :width, :] = whole.transpose(1, 2)
    if rest:
        strips[full, :, :rest, :width] = pixels[full * count :].transpose(0, 1)
        strips[full, :, rest:] = 0
    return strips.flatten(2, 3).permute(0, 3, 1, 2)


def _apart(strips: Tensor, count: int, batch: int, width: int) -> Tensor:
    """Back: (B / count, C, H, count * pitch) to (B, C, H, W), channels_last."""
    rows, channels, height, length = strips.shape
    pixels = strips.permute(0, 2, 3, 1).view(rows, height, count, length // count, channels)
    maps = pixels[..., :width, :].transpose(1, 2).flatten(0, 1)  # (B / count * count, H, W, C)
    return maps[:batch].contiguous().permute(0, 3, 1, 2)
