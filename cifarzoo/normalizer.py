"""From bytes to normalised floats."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from cifarzoo.errors import SettingError

# Pixels that are normalised at a time: as float32 they still fit into the cache of one core, and the calls are few.
_PIECE_BYTES = 3 << 17


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
        self._numbers = tuple(x.float().view(1, -1, 1, 1).to(device) for x in (scale, shift))  # 2 x (1, C, 1, 1)
        self._memory_format = memory_format

    def __call__(self, images: Tensor, out: Tensor) -> None:
        """Normalise (B, C, H, W) uint8 into ``out``, of the same shape and any floating dtype."""
        if images.dtype != torch.uint8:
            raise SettingError(f"images are {images.dtype}, not uint8; let the augmentation give what it was given")
        scale, shift = self._spread(images.shape)
        step = max(1, _PIECE_BYTES // max(1, images[:1].numel())) if images.device.type == "cpu" else len(images)
        spare = out if out.dtype == torch.float32 else torch.empty_like(out[:step], dtype=torch.float32)
        for piece, target in zip(torch.split(images, step), torch.split(out, step), strict=True):
            work = target if spare is out else spare[: len(piece)]
            if piece.is_contiguous(memory_format=self._memory_format):
                work.copy_(piece)
            else:
                for channel in range(piece.shape[1]):  # the copy of all at once goes pixel by pixel, which is slower
                    work[:, channel].copy_(piece[:, channel])
            torch.addcmul(shift, work, scale, out=work)
            if work is not target:
                target.copy_(work)

    def _spread(self, shape: torch.Size) -> tuple[Tensor, ...]:
        """Scale and shift of every number of an image, laid out like it, so that one vectorised pass covers them."""
        numbers = self._numbers
        if numbers[0].shape[1:] != shape[1:]:
            spread = (x[:, :, :1, :1].expand(1, *shape[1:]) for x in numbers)
            numbers = tuple(x.contiguous(memory_format=self._memory_format) for x in spread)  # 2 x (1, C, H, W)
            self._numbers = numbers  # in one step, since two threads may be here
        return numbers
