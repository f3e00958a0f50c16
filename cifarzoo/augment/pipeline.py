"""A sequence of operations on whole batches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional as F

from cifarzoo.augment.op import MixOp, Op, Parameters
from cifarzoo.augment.pieces import in_pieces
from cifarzoo.draws import Draws
from cifarzoo.errors import SettingError
from cifarzoo.normalizer import Normalizer

BatchFunction = Callable[[Tensor], Tensor]
_Drawn = list[tuple[Op, Parameters]]


@dataclass(frozen=True)
class Pipeline:
    """Operations in order; print it to see them with their strengths.

    Attributes:
        ops: operations; any callable from a batch to a batch may stand among them, with draws of its own.
        mixing: operations that mix images with their partners in the batch, run after normalisation.
    """

    ops: tuple[Op | BatchFunction, ...] = ()
    mixing: tuple[MixOp, ...] = ()

    def __post_init__(self) -> None:
        for op in self.ops:
            if not isinstance(op, Op) and (isinstance(op, type | MixOp) or not callable(op)):
                raise SettingError(f"ops hold {op!r}; give operations, or callables from a batch to a batch")
        for mix in self.mixing:
            if not isinstance(mix, MixOp):
                raise SettingError(f"mixing holds {mix!r}; give operations that mix, such as MixUp()")

    def __repr__(self) -> str:
        lines = [*map(repr, self.ops), *(f"mixing {mix!r}" for mix in self.mixing)]
        return "Pipeline(" + "".join(f"\n    {line}," for line in lines) + ("\n)" if lines else ")")

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
        images, drawn = self._all_but_the_last_run(images, _keyed(draws, generator, images))
        return _run(images, drawn) if drawn else images

    def finish(
        self,
        images: Tensor,
        *,
        mean: Sequence[float],
        std: Sequence[float],
        dtype: torch.dtype = torch.float32,
        memory_format: torch.memory_format = torch.contiguous_format,
        draws: Draws | None = None,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Augment and normalise in one go, while each piece of the batch is in the cache.

        Args:
            images: (B, C, H, W) uint8; never written to.
            mean: of pixel / 255, one number a channel.
            std: likewise.
            dtype: of the result; it is computed in float32.
            memory_format: of the result.
            draws: the random numbers, one row an image.
            generator: what keys them otherwise; torch's global one by default.

        Returns:
            (B, C, H, W) of ``dtype``: what a ``Loader`` with this pipeline hands out.
        """
        images, drawn = self._all_but_the_last_run(images, _keyed(draws, generator, images))
        if drawn and drawn[-1][0].resizes:
            images, drawn = _run(images, drawn), []
        with torch.inference_mode(False):  # memory made in that mode only threads in that mode may write to
            result = torch.empty(images.shape, dtype=dtype, device=images.device, memory_format=memory_format)
            normalize = _normalizer(tuple(mean), tuple(std), images.device, memory_format)

        def finished(rows: slice) -> None:
            normalize(_apply(images[rows], drawn, rows), out=result[rows])

        in_pieces(finished, images)
        return result

    def _all_but_the_last_run(self, images: Tensor, draws: Draws) -> tuple[Tensor, _Drawn]:
        """Run what comes before the last run of operations between which the size stays; and that run, drawn."""
        drawn: _Drawn = []
        for position, op in enumerate(self.ops):
            if drawn and (not isinstance(op, Op) or drawn[-1][0].resizes):
                images, drawn = _run(images, drawn), []
            if isinstance(op, Op):
                drawn.append((op, op.draw(draws.fork(position), images)))
            else:
                images = op(images)
        return images, drawn

    @property
    def mixes(self) -> bool:
        """Whether ``mix`` does anything but encode targets."""
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
            generator: what keys them otherwise; torch's global one by default.

        Returns:
            Images (B, C, H, W) and targets (B, K) float32, rows sum to 1.
        """
        draws = _keyed(draws, generator, images)
        soft = F.one_hot(targets, num_classes).to(torch.float32)  # (B, K)
        for position, op in enumerate(self.mixing):
            images, soft = op.apply(images, soft, op.draw(draws.fork(f"mix{position}"), images))
        return images, soft


@lru_cache(maxsize=8)
def _normalizer(
    mean: tuple[float, ...], std: tuple[float, ...], device: torch.device, memory_format: torch.memory_format
) -> Normalizer:
    """The normaliser of the batches before, which has its numbers laid out already."""
    return Normalizer(mean, std, device=device, memory_format=memory_format)


def _keyed(draws: Draws | None, generator: torch.Generator | None, images: Tensor) -> Draws:
    """The draws given, or new ones."""
    if draws is not None:
        return draws
    return Draws.from_generator(len(images), generator=generator, device=images.device)


def _run(images: Tensor, drawn: _Drawn) -> Tensor:
    """Operations on a batch, piece by piece."""
    pieces = in_pieces(lambda rows: _apply(images[rows], drawn, rows), images)
    return pieces[0] if len(pieces) == 1 else torch.cat(pieces)


def _apply(images: Tensor, drawn: _Drawn, rows: slice) -> Tensor:
    """Operations on some rows of a batch, with those rows of what was drawn for all of it."""
    for op, parameters in drawn:
        images = op.apply(images, {name: values[rows] for name, values in parameters.items()})
    return images
