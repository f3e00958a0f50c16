"""Mean and std taken off inside a model."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


def normalizes(model: nn.Module) -> bool:
    """Whether a model takes mean and std off by itself."""
    return isinstance(getattr(model, "normalize", None), Normalize)


class Normalize(nn.Module):
    """(x - mean) / std for each channel: (B, C, H, W) float of pixel / 255 in, normalised out.

    The numbers are buffers that follow the model to a device, but are no part of its state dict.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean).view(1, -1, 1, 1), persistent=False)  # (1, C, 1, 1)
        self.register_buffer("std", torch.tensor(std).view(1, -1, 1, 1), persistent=False)  # (1, C, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same."""
        return (x - self.mean) / self.std
