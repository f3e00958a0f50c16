"""The training loss, and running sums of what a pass over the data gives."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from cifarzoo.errors import DivergedError


def cross_entropy(logits: Tensor, targets: Tensor, label_smoothing: float = 0.0) -> Tensor:
    """Mean cross-entropy in nats, computed in float32.

    Args:
        logits: (B, K) of any float type.
        targets: (B,) int64 classes, or (B, K) float rows that sum to 1.
        label_smoothing: share of each target spread evenly over the classes (Szegedy et al., 2016).

    Returns:
        A scalar.
    """
    return F.cross_entropy(logits.float(), targets, label_smoothing=label_smoothing)


class Meter:
    """Sums of loss and of right answers, kept on the device until they are read.

    The only wait for the device is in ``read``, so that a step costs none.
    """

    def __init__(self, device: torch.device | str) -> None:
        self.sums = torch.zeros(2, device=device)  # loss, right answers
        self.images = 0

    def reset(self) -> None:
        """Start again from nothing."""
        self.sums.zero_()
        self.images = 0

    @torch.no_grad()
    def add(self, loss: Tensor, logits: Tensor, targets: Tensor) -> None:
        """Count a batch: its mean loss, and how often the largest logit is at the largest target."""
        classes = targets if targets.ndim == 1 else targets.argmax(1)  # (B,)
        right = (logits.argmax(1) == classes).sum()
        self.sums += torch.stack([loss.detach() * len(logits), right])
        self.images += len(logits)

    def read(self) -> tuple[float, float]:
        """Mean loss and accuracy in percent of what was counted; NaN where nothing was."""
        loss, right = (self.sums / self.images if self.images else self.sums * torch.nan).tolist()
        return loss, 100 * right


def check_finite(loss: float, *, step: int, lr: float) -> None:
    """Raise DivergedError for a loss that is not a finite number."""
    if not math.isfinite(loss):
        raise DivergedError(f"the loss is {loss} at step {step} with lr={lr:.4g}; lower lr, or raise warmup_epochs")
