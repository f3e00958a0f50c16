"""A sequence of operations on whole batches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from cifarzoo.augment.op import Op
from cifarzoo.draws import Draws
from cifarzoo.errors import SettingError

BatchFunction = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Pipeline:
    """Operations in order; print it to see them with their strengths.

    Attributes:
        ops: operations; any callable from a batch to a batch may stand among them, with draws of its own.
        mixing: operations that mix images with their partners in the batch, run after normalisation.
    """

    ops: tuple[Op | BatchFunction, ...] = ()
    mixing: tuple[Op, ...] = ()

    def __post_init__(self) -> None:
        for op in (*self.ops, *self.mixing):
            if not callable(op) and not isinstance(op, Op):
                raise SettingError(f"{op!r} is no operation; give an Op or a callable from a batch to a batch")

    def __call__(
        self, images: Tensor, *, draws: Draws | None = None, generator: torch.Generator | None = None
    ) -> Tensor:
        """Augment a batch; the result for an image does not depend on the others.

        Args:
            images: (B, C, H, W) uint8, or float in [0, 1]; never written to.
            draws: the random numbers, one row an image.
            generator: what keys them otherwise; torch's global one by default.

        Returns:
            (B, C, H, W) of the same dtype.
        """
        if not self.ops:
            return images
        if draws is None:
            draws = Draws.from_generator(len(images), generator=generator, device=images.device)
        for position, op in enumerate(self.ops):
            images = op.apply(images, op.draw(draws.fork(position), images)) if isinstance(op, Op) else op(images)
        return images

    @property
    def mixes(self) -> bool:
        """Whether ``mix`` does anything."""
        return bool(self.mixing)

    def mix(
        self,
        images: Tensor,
        targets: Tensor,
        *,
        num_classes: int,
        draws: Draws | None = None,
        generator: torch.Generator | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Mix images with their partners in the batch, and their targets likewise.

        Args:
            images: (B, C, H, W) float, normalised.
            targets: (B,) int64.
            num_classes: K.
            draws: the random numbers, one row an image.
            generator: what keys them otherwise.

        Returns:
            Images (B, C, H, W) and targets (B, K) float32, rows sum to 1.
        """
        soft = torch.nn.functional.one_hot(targets, num_classes).to(torch.float32)  # (B, K)
        return images, soft
