"""Operations that some of the images undergo, with one strength for all of them."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

from cifarzoo.augment import functional
from cifarzoo.augment.checks import check_count, check_probability, check_strength
from cifarzoo.augment.functional.layout import full_scale, put, take
from cifarzoo.augment.op import Op, Parameters
from cifarzoo.draws import Draws


@dataclass(frozen=True, kw_only=True)
class _Chosen(Op):
    """An operation with a probability; a subclass says what becomes of the chosen images."""

    prob: float = 0.5

    def __post_init__(self) -> None:
        check_probability("prob", self.prob)

    def draw(self, draws: Draws, images: Tensor) -> Parameters:
        """See ``Op.draw``."""
        return {"mask": draws.uniform("chosen")[:, 0] < self.prob}

    def apply(self, images: Tensor, parameters: Parameters) -> Tensor:
        """See ``Op.apply``."""
        rows = parameters["mask"].nonzero()[:, 0]
        changed = images.clone()
        if len(rows):
            put(changed, rows, self._changed(take(images, rows)))
        return changed

    @abstractmethod
    def _changed(self, images: Tensor) -> Tensor:
        """What becomes of the chosen images, in the same layout."""


def _for_each(images: Tensor, value: float) -> Tensor:
    """One strength an image, all the same: (B,) float64."""
    return torch.full((len(images),), value, dtype=torch.float64, device=images.device)


@dataclass(frozen=True, kw_only=True)
class RandomGrayscale(_Chosen):
    """Grey, with as many channels as before, with a probability."""

    def _changed(self, images: Tensor) -> Tensor:
        return functional.grayscale(images)


@dataclass(frozen=True, kw_only=True)
class RandomInvert(_Chosen):
    """The negative, with a probability."""

    def _changed(self, images: Tensor) -> Tensor:
        return functional.invert(images)


@dataclass(frozen=True, kw_only=True)
class RandomPosterize(_Chosen):
    """Only the highest ``bits`` of each value, with a probability."""

    bits: int

    def __post_init__(self) -> None:
        super().__post_init__()
        check_count("bits", self.bits, most=8)

    def _changed(self, images: Tensor) -> Tensor:
        return functional.posterize(images, _for_each(images, self.bits).to(torch.int64))


@dataclass(frozen=True, kw_only=True)
class RandomSolarize(_Chosen):
    """Values from ``threshold_frac`` of the full scale on inverted, with a probability."""

    threshold_frac: float

    def __post_init__(self) -> None:
        super().__post_init__()
        check_strength("threshold_frac", self.threshold_frac, limit=1.0)

    def _changed(self, images: Tensor) -> Tensor:
        return functional.solarize(images, _for_each(images, self.threshold_frac * full_scale(images)))


@dataclass(frozen=True, kw_only=True)
class RandomSharpness(_Chosen):
    """Sharper by a ``factor`` above 1, blurred by one below 1, with a probability."""

    factor: float

    def __post_init__(self) -> None:
        super().__post_init__()
        check_strength("factor", self.factor)

    def _changed(self, images: Tensor) -> Tensor:
        return functional.adjust_sharpness(images, _for_each(images, self.factor))


@dataclass(frozen=True, kw_only=True)
class RandomAutocontrast(_Chosen):
    """Each channel stretched to the full range, with a probability."""

    def _changed(self, images: Tensor) -> Tensor:
        return functional.autocontrast(images)


@dataclass(frozen=True, kw_only=True)
class RandomEqualize(_Chosen):
    """Each channel's histogram spread, with a probability."""

    def _changed(self, images: Tensor) -> Tensor:
        return functional.equalize(images)
