"""The training loss, and running sums of what a pass over the data gives."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager

import torch
import torch.nn.functional as F
from torch import Tensor


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


def backward(
    forward: Callable[[Tensor], Tensor],
    images: Tensor,
    targets: Tensor,
    *,
    parts: int,
    label_smoothing: float,
    autocast: Callable[[], AbstractContextManager[object]],
) -> tuple[Tensor, Tensor]:
    """Add the gradient of a batch's mean loss to the parameters, part after part.

    Args:
        forward: (B, C, H, W) to (B, K).
        images: (B, C, H, W) float, normalised.
        targets: (B,) int64 or (B, K) float.
        parts: how many pieces, as equal as they can be, the batch is cut into; no more than it has images. The gradient
            is that of the whole, but for batch norm.
        label_smoothing: see ``cross_entropy``.
        autocast: makes the context of the forward pass.

    Returns:
        The mean loss, a scalar, and the logits (B, K), both without gradient.
    """
    losses, outputs = [], []
    parts = min(parts, len(images))
    for some, wanted in zip(images.tensor_split(parts), targets.tensor_split(parts), strict=True):
        with autocast():
            logits = forward(some)  # (B / parts, K)
        loss = cross_entropy(logits, wanted, label_smoothing) * (len(some) / len(images))
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        losses.append(loss.detach())
        outputs.append(logits.detach())
    return torch.stack(losses).sum(), torch.cat(outputs)  # scalar, (B, K)


@torch.no_grad()
def batch_sums(loss: Tensor, logits: Tensor, targets: Tensor) -> Tensor:
    """Loss, right answers and images of a batch.

    Args:
        loss: scalar, the mean of the batch.
        logits: (B, K).
        targets: (B,) int64 or (B, K) float; an answer is right if the largest logit is at the largest target.

    Returns:
        (3,) float32.
    """
    classes = targets if targets.ndim == 1 else targets.argmax(1)  # (B,)
    right = (logits.argmax(1) == classes).sum()
    return torch.stack([loss * len(logits), right, torch.full_like(right, len(logits))]).float()


class Meter:
    """Sums of loss and of right answers, kept on the device until they are read.

    The only wait for the device is in ``read``, so that a step costs none.
    """

    def __init__(self, device: torch.device | str) -> None:
        exact = torch.float32 if torch.device(device).type == "mps" else torch.float64
        self.sums = torch.zeros(3, device=device, dtype=exact)
        """Loss, right answers and images, of the batches that counted."""

    def reset(self) -> None:
        """Start again from nothing."""
        self.sums.zero_()

    @torch.no_grad()
    def add(self, sums: Tensor, *, counted: Tensor | bool = True) -> None:
        """Count a batch.

        Args:
            sums: (3,), see ``batch_sums``.
            counted: scalar bool; the batch is left out if it is False.
        """
        found = sums.to(self.sums.dtype)
        self.sums += torch.where(torch.as_tensor(counted, device=found.device), found, 0)

    def read(self) -> tuple[float, float]:
        """Mean loss and accuracy in percent of what was counted; NaN where nothing was."""
        loss, right, count = self.sums.tolist()
        return (loss / count, 100 * right / count) if count else (math.nan, math.nan)
