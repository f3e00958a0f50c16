"""The weights of the epoch that did best on images that were held out of the training set."""

from __future__ import annotations

import torch
from torch import nn


class Selection:
    """Keeps a copy of a model's best weights; without ``enabled`` it keeps and does nothing.

    Args:
        model: the raw module, on its device.
        enabled: whether there is a held out set to select on.
    """

    def __init__(self, model: nn.Module, *, enabled: bool) -> None:
        self._live = list(model.state_dict().values()) if enabled else []
        self.kept = [tensor.clone() for tensor in self._live]
        """The best weights, in the order of the model's state."""
        self.top1 = -1.0
        """Their accuracy on the held out set, in percent; -1 before the first."""
        self.epoch: int | None = None
        """The epoch they are of, from 1."""

    @torch.no_grad()
    def offer(self, top1: float, *, epoch: int) -> None:
        """Keep the model's weights of now if they are better than all before; of equals the first stays."""
        if top1 > self.top1:
            self.top1, self.epoch = top1, epoch
            for kept, tensor in zip(self.kept, self._live, strict=True):
                kept.copy_(tensor)

    @torch.no_grad()
    def finish(self) -> None:
        """Leave the model with the best weights."""
        if self.top1 >= 0:
            for kept, tensor in zip(self.kept, self._live, strict=True):
                tensor.copy_(kept)
