"""Images as lines of floats to compute in, with a factor for each image."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from cifarzoo.augment.functional.layout import full_scale, laid_out_like

_VECTOR = 16  # float32 numbers in the widest vector


def as_float(images: Tensor) -> Tensor:
    """A contiguous copy (B, C, H, W) in the precision of the computation."""
    dtype = images.dtype if images.is_floating_point() else torch.float32
    return images.to(dtype, memory_format=torch.contiguous_format, copy=True)


def to_uint8(values: Tensor) -> Tensor:
    """Floats in [0, 256) truncated; the direct cast goes value by value, this one by vectors."""
    return values.to(torch.int16).to(torch.uint8)


def to_lines(images: Tensor) -> Tensor:
    """A float copy (B, C, L): a line a channel, of H W values, filled up to a whole number of vectors.

    Torch rounds a multiply-add once in vectors and twice in what is left over at the end of a line. With nothing left
    over a value depends on its own image only, wherever a batch is split.
    """
    return as_lines(as_float(images))


def as_lines(values: Tensor) -> Tensor:
    """The same of contiguous floats, without a copy where lines are whole already."""
    values = values.flatten(2)  # (B, C, H W)
    spare = -values.shape[2] % _VECTOR
    return F.pad(values, (0, spare)) if spare else values


def from_lines(lines: Tensor, images: Tensor) -> Tensor:
    """Lines clamped to the range of ``images`` and cut to their shape, dtype and layout; overwrites the lines."""
    lines.clamp_(0.0, full_scale(images))
    return cut(lines if images.is_floating_point() else lines.to(torch.int16), images)


def cut(lines: Tensor, images: Tensor) -> Tensor:
    """Lines of values in the range of ``images`` in their shape, dtype and layout."""
    values = lines[..., : images.shape[2] * images.shape[3]].reshape(images.shape)  # (B, C, H, W)
    return laid_out_like(values.to(images.dtype), images)


def each(factors: Tensor, lines: Tensor) -> Tensor:
    """One factor an image in the precision of the lines: (B, 1, 1)."""
    return factors.to(lines.dtype)[:, None, None]


def spread(factors: Tensor, lines: Tensor) -> Tensor:
    """One factor an image written out to (B, 1, L): addcmul is vectorised for whole lines only."""
    return each(factors, lines).expand(-1, 1, lines.shape[2]).contiguous()
