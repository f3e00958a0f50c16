"""Convolutions on a CPU as one matrix product of all patches, for maps of 2x2 pixels in fp32.

The patches of a small map are small too, and a matrix product of many rows keeps a processor busy; its own
convolutions look at one map at a time. There and back, 500 maps of 512 channels take 0.4 of the time.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

_FEW_PIXELS = 4  # of the output; Winograd's algorithm has the larger maps


def pays(images: Tensor, stride: int) -> bool:
    """Whether this is faster than torch's for images (B, C, H, W) as they are now."""
    pixels = -(-images.shape[2] // stride) * -(-images.shape[3] // stride)
    return images.device.type == "cpu" and images.dtype.itemsize > 2 and pixels <= _FEW_PIXELS


def convolve(images: Tensor, weight: Tensor, stride: int) -> Tensor:
    """What ``torch.nn.functional.conv2d`` gives with a padding of half the filter's side.

    Args:
        images: (B, C, H, W) float, fastest in channels_last order.
        weight: (K, C, side, side), of the same type, side odd.
        stride: px from one patch to the next.

    Returns:
        (B, K, H / stride, W / stride), rounded up, channels_last.
    """
    patches = _patches(images, weight.shape[2], stride)  # (B, H', W', side * side * C)
    rows = F.linear(patches, weight.permute(0, 2, 3, 1).flatten(1))  # (B, H', W', K)
    return rows.permute(0, 3, 1, 2)


def gradients_of(
    images: Tensor, weight: Tensor, stride: int, slopes: Tensor, wants_images: bool, wants_weight: bool
) -> tuple[Tensor | None, Tensor | None]:
    """From the gradient of the output, ``slopes`` (B, K, H', W'), to those of images, channels_last, and weight."""
    of_images = of_weight = None
    wanted, given, side, _ = weight.shape
    if wants_images and stride == 1:  # the same with filters turned round, from the output's channels to the input's
        of_images = convolve(slopes, weight.flip(2, 3).transpose(0, 1), 1)
    elif wants_images:
        of_images, _ = torchs_gradients_of(images, weight, stride, slopes, True, False)
    if wants_weight:
        patches = _patches(images, side, stride).flatten(0, 2)  # (B * H' * W', side * side * C)
        of_weight = slopes.permute(0, 2, 3, 1).flatten(0, 2).T @ patches  # (K, side * side * C)
        of_weight = of_weight.view(wanted, side, side, given).permute(0, 3, 1, 2)  # (K, C, side, side)
    return of_images, of_weight


def torchs_gradients_of(
    images: Tensor, weight: Tensor, stride: int, slopes: Tensor, wants_images: bool, wants_weight: bool
) -> tuple[Tensor | None, Tensor | None]:
    """The same as torch computes it, which can be differentiated again."""
    pads, wanted = [weight.shape[-1] // 2] * 2, [wants_images, wants_weight, False]
    plain = torch.ops.aten.convolution_backward.default
    found = plain(slopes, images, weight, None, [stride] * 2, pads, [1, 1], False, [0, 0], 1, wanted)
    return found[0], found[1]


def _patches(images: Tensor, side: int, stride: int) -> Tensor:
    """The patch around each pixel, zeros beyond the edge: (B, C, H, W) to (B, H', W', side * side * C)."""
    pad = side // 2
    maps = F.pad(images.permute(0, 2, 3, 1), (0, 0, pad, pad, pad, pad))  # (B, H + 2 pad, W + 2 pad, C)
    windows = maps.unfold(1, side, stride).unfold(2, side, stride)  # (B, H', W', C, side, side)
    return windows.permute(0, 1, 2, 4, 5, 3).flatten(3)  # (B, H', W', side * side * C)
