"""Verbs run on a few images at a time, so that their planes of floats stay in a core's cache."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

import torch
from torch import Tensor

from cifarzoo.augment.functional.layout import laid_out_like

_BLOCK_PIXELS = 1 << 16  # 64 images of 32x32, or 16 of 64x64: their floats take 768 KiB

Verb = Callable[[Tensor, Tensor], Tensor]


def in_blocks(verb: Verb) -> Verb:
    """Split a verb of images (B, C, H, W) and a number for each (B,); on a GPU it runs at once."""

    @wraps(verb)
    def split(images: Tensor, factors: Tensor, /) -> Tensor:
        step = max(1, _BLOCK_PIXELS // max(1, images.shape[2] * images.shape[3]))
        if images.device.type != "cpu" or len(images) <= step:
            return verb(images, factors)
        blocks = [slice(first, first + step) for first in range(0, len(images), step)]
        return laid_out_like(torch.cat([verb(images[rows], factors[rows]) for rows in blocks]), images)

    return split
