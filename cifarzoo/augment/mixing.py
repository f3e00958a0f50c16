"""Mixing of images and targets within a batch."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

from cifarzoo.augment import functional
from cifarzoo.augment.checks import check_choice, check_positive, check_probability
from cifarzoo.augment.distributions import beta
from cifarzoo.augment.op import MixOp, Parameters
from cifarzoo.draws import Draws


@dataclass(frozen=True, kw_only=True)
class _Mix(MixOp):
    """What mixup and CutMix share.

    Attributes:
        alpha: of the symmetric beta distribution of the image's own share.
        prob: of mixing at all.
        per_image: a share for each image; otherwise one for the batch.
        partner: ``shuffle``: a random circle through the batch, the same whatever its order, in which no image meets
            itself; ``roll``: the image before.
    """

    alpha: float = 1.0
    prob: float = 1.0
    per_image: bool = False
    partner: str = "shuffle"

    def __post_init__(self) -> None:
        check_positive("alpha", self.alpha)
        check_probability("prob", self.prob)
        check_choice("partner", self.partner, ("shuffle", "roll"))

    def draw(self, draws: Draws, images: Tensor) -> Parameters:
        """See ``MixOp.draw``."""
        circle = draws.bits("circle")[:, 0].argsort(stable=True)  # (B,)
        if self.partner == "roll":
            partner = torch.arange(len(draws), device=draws.device).roll(1)
        else:
            partner = torch.empty_like(circle).scatter_(0, circle, circle.roll(1))
        mixed = draws.uniform("mixed")[:, 0] < self.prob
        share = torch.where(mixed, beta(draws, "share", self.alpha), 1.0)
        if not self.per_image:
            share = share[circle[:1]].expand(len(draws))
        return {"partner": partner, **self._drawn(draws, images, share)}

    @abstractmethod
    def _drawn(self, draws: Draws, images: Tensor, share: Tensor) -> Parameters:
        """The other parameters, from the share (B,) float64 of each image in its mixture."""


@dataclass(frozen=True, kw_only=True)
class MixUp(_Mix):
    """Blends of two images and of their targets (Zhang et al., "mixup: Beyond Empirical Risk Minimization", 2018)."""

    def _drawn(self, draws: Draws, images: Tensor, share: Tensor) -> Parameters:
        return {"share": share}

    def apply(self, images: Tensor, targets: Tensor, parameters: Parameters) -> tuple[Tensor, Tensor]:
        """See ``MixOp.apply``."""
        return functional.mixup(images, targets, parameters["partner"], parameters["share"])


@dataclass(frozen=True, kw_only=True)
class CutMix(_Mix):
    """A box of another image pasted in, targets mixed by area (Yun et al., CutMix, 2019)."""

    def _drawn(self, draws: Draws, images: Tensor, share: Tensor) -> Parameters:
        sides = torch.tensor(images.shape[2:], device=draws.device)  # (2,)
        center = draws.integers("center", 0, sides, 2)  # (B, 2)
        if not self.per_image:
            center = center[draws.bits("circle")[:, 0].argsort(stable=True)[:1]].expand(len(draws), 2)
        half = (0.5 * (1.0 - share).sqrt()[:, None] * sides).to(torch.int64)  # (B, 2)
        boxes = torch.cat([(center - half).clamp_min(0), torch.minimum(center + half, sides)], dim=1)
        return {"boxes": boxes}

    def apply(self, images: Tensor, targets: Tensor, parameters: Parameters) -> tuple[Tensor, Tensor]:
        """See ``MixOp.apply``."""
        return functional.cutmix(images, targets, parameters["partner"], parameters["boxes"])
