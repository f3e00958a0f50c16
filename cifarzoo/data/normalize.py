"""From bytes to normalised floats."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from cifarzoo.errors import SettingError

# Pixels that are gathered and normalised at a time: as float32 they still fit into the cache of one core.
PIECE_BYTES = 1 << 17


class Normalizer:
    """(pixel / 255 - mean) / std, computed in float32, written into memory that is there already.

    Args:
        mean: of pixel / 255, one number a channel.
        std: the standard deviation, likewise.
        device: where the images are.
        memory_format: of the output.
    """

    def __init__(
        self, mean: Sequence[float], std: Sequence[float], *, device: torch.device, memory_format: torch.memory_format
    ) -> None:
        deviation = torch.tensor(std, dtype=torch.float64)
        scale, shift = 1 / (255 * deviation), -torch.tensor(mean, dtype=torch.float64) / deviation  # (C,)
        self._scale, self._shift = (x.float().view(1, -1, 1, 1).to(device) for x in (scale, shift))  # (1, C, 1, 1)
        self._memory_format = memory_format

    def __call__(self, images: Tensor, out: Tensor) -> None:
        """Normalise (B, C, H, W) uint8 into ``out``, of the same shape and any floating dtype."""
        if images.dtype != torch.uint8:
            raise SettingError(f"images are {images.dtype}, not uint8; let the augmentation give what it was given")
        self._fit(images.shape)
        step = max(1, PIECE_BYTES // images[:1].numel()) if images.device.type == "cpu" else len(images)
        for first in range(0, len(images), step):
            self._piece(images[first : first + step], out[first : first + step])

    def _piece(self, images: Tensor, out: Tensor) -> None:
        work = out if out.dtype == torch.float32 else torch.empty_like(out, dtype=torch.float32)
        if images.is_contiguous(memory_format=self._memory_format):
            work.copy_(images)
        else:
            for channel in range(images.shape[1]):  # the copy of all at once goes pixel by pixel, which is slower
                work[:, channel].copy_(images[:, channel])
        torch.addcmul(self._shift, work, self._scale, out=work)
        if work is not out:
            out.copy_(work)

    def _fit(self, shape: torch.Size) -> None:
        """Spread scale and shift over an image, laid out like it, so that one vectorised pass covers every number."""
        if self._scale.shape[1:] != shape[1:]:
            self._scale, self._shift = (
                x[:, :, :1, :1].expand(1, *shape[1:]).contiguous(memory_format=self._memory_format)  # (1, C, H, W)
                for x in (self._scale, self._shift)
            )
