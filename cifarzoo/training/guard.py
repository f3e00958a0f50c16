"""The update of a step, left out if its loss or gradient is not finite, without waiting for the device."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from cifarzoo.draws import permutation
from cifarzoo.errors import DivergedError


class Guard:
    """Applies gradients and masks those that are not finite: weights, optimiser and norms then stay as they were.

    Args:
        model: its buffers are put back with a masked update.
        optimizer: one that heeds ``found_inf`` (torch's fused ones do).
        clip_norm: longest gradient; None for any.
        device: where the model is.
    """

    def __init__(
        self, model: nn.Module, optimizer: torch.optim.Optimizer, *, clip_norm: float | None, device: torch.device
    ) -> None:
        self._optimizer, self._clip_norm = optimizer, clip_norm
        self._parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
        self._buffers = list(model.buffers())
        self._before = [buffer.clone() for buffer in self._buffers]
        self._masked = torch.zeros(2, dtype=torch.int64, device=device)  # how often, and the first step of these

    @torch.no_grad()
    def remember(self) -> None:
        """Note the norms' statistics before the forward pass changes them."""
        for before, buffer in zip(self._before, self._buffers, strict=True):
            before.copy_(buffer)

    def exchanged(self) -> list[Tensor]:
        """What processes that train together have to average after the backward pass: gradients, running statistics."""
        gradients = [parameter.grad for parameter in self._parameters if parameter.grad is not None]
        return [*gradients, *(buffer for buffer in self._buffers if buffer.is_floating_point())]

    @torch.no_grad()
    def update(self, loss: Tensor, *, step: int) -> Tensor:
        """Clip the gradients, take the optimiser's step if all is finite, and drop the gradients.

        Args:
            loss: scalar.
            step: number of the step, from 1.

        Returns:
            Scalar bool on the device: whether the update was made.
        """
        gradients = [parameter.grad for parameter in self._parameters if parameter.grad is not None]
        norm = nn.utils.get_total_norm(gradients)
        finite = torch.isfinite(loss) & torch.isfinite(norm)
        if self._clip_norm is not None:
            nn.utils.clip_grads_with_norm_(self._parameters, self._clip_norm, norm)
        self._optimizer.grad_scale = None  # type: ignore[attr-defined]  # torch's protocol of fused optimisers
        self._optimizer.found_inf = (~finite).float()  # type: ignore[attr-defined]
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        for before, buffer in zip(self._before, self._buffers, strict=True):
            buffer.copy_(torch.where(finite, buffer, before))
        first = torch.where((self._masked[0] == 0) & ~finite, step, self._masked[1])
        self._masked = torch.stack([self._masked[0] + (~finite), first])
        return finite

    def read(self) -> tuple[int, int]:
        """How many updates were masked since the last reading, and the number of the first; waits for the device."""
        count, first = self._masked.tolist()
        self._masked.zero_()
        return count, first


def diverged(step: int, *, lr: float, indices: list[int], last_good: str | None) -> DivergedError:
    """The error for a loss or gradient that is not finite.

    Args:
        step: its number, from 1.
        lr: learning rate of that step.
        indices: of the batch's images in the training set; the error keeps all of them as ``indices``.
        last_good: name of the newest checkpoint, if there is one.
    """
    shown = ", ".join(map(str, indices[:8])) + (", ..." if len(indices) > 8 else "")
    error = DivergedError(
        f"the loss or its gradient is not finite at step {step} with lr={lr:.4g}, on the images {shown}; lower lr, "
        f"raise warmup_epochs or set clip_norm, or on_nan='skip'; last good checkpoint: {last_good or 'none'}"
    )
    error.indices = indices  # type: ignore[attr-defined]
    return error


def batch_indices(step: int, *, seed: int, images: int, batch_size: int) -> list[int]:
    """Indices of the images of a training step (from 1): the order is a pure function of seed and epoch."""
    epoch, place = divmod(step - 1, images // batch_size)
    found: list[int] = permutation(seed, epoch, images)[place * batch_size : (place + 1) * batch_size].tolist()
    return found
