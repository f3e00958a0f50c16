"""Operations that move pixels."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from cifarzoo.augment import functional
from cifarzoo.augment.checks import check_probability, check_strength
from cifarzoo.augment.op import Op, Parameters
from cifarzoo.draws import Draws
from cifarzoo.errors import SettingError


@dataclass(frozen=True, kw_only=True)
class RandomFlip(Op):
    """Mirror left to right with a probability."""

    prob: float = 0.5

    def __post_init__(self) -> None:
        check_probability("prob", self.prob)

    def draw(self, draws: Draws, images: Tensor) -> Parameters:
        """See ``Op.draw``."""
        return {"mask": draws.uniform("flip")[:, 0] < self.prob}

    def apply(self, images: Tensor, parameters: Parameters) -> Tensor:
        """See ``Op.apply``."""
        return functional.flip_horizontal(images, parameters["mask"])


@dataclass(frozen=True, kw_only=True)
class RandomCrop(Op):
    """Pad every side, then cut a window of the original size at a random place."""

    padding_px: int
    mode: str = "zero"

    def __post_init__(self) -> None:
        check_strength("padding_px", self.padding_px)
        if self.mode not in ("zero", "reflect"):
            raise SettingError(f"mode (={self.mode!r}) must say how to pad; choose 'zero' or 'reflect'")

    def draw(self, draws: Draws, images: Tensor) -> Parameters:
        """See ``Op.draw``."""
        return {"corner_px": draws.integers("corner", 0, 2 * self.padding_px + 1, 2)}

    def apply(self, images: Tensor, parameters: Parameters) -> Tensor:
        """See ``Op.apply``."""
        size = (images.shape[2], images.shape[3])
        corner_px = parameters["corner_px"]
        return functional.crop(images, corner_px, size=size, padding_px=self.padding_px, mode=self.mode)
