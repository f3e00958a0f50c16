"""Operations on a random box of each image: cropped and resized, cut out, or erased."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from cifarzoo.augment import functional
from cifarzoo.augment.checks import check_count, check_probability, check_range, check_strength
from cifarzoo.augment.functional.layout import full_scale
from cifarzoo.augment.op import Op, Parameters
from cifarzoo.draws import Draws

_TRIES = 10


def _random_shapes(
    draws: Draws, area: int, scale: tuple[float, float], ratio: tuple[float, float]
) -> tuple[Tensor, Tensor]:
    """Two sides, sqrt(A r) and sqrt(A / r), each (B, tries) int64 px: A a part of the area, r uniform in its log."""
    areas = area * draws.uniform("area", _TRIES, low=scale[0], high=scale[1])
    ratios = draws.uniform("ratio", _TRIES, low=math.log(ratio[0]), high=math.log(ratio[1])).exp()
    return (areas * ratios).sqrt().round().to(torch.int64), (areas / ratios).sqrt().round().to(torch.int64)


def _first_fit(sides: Tensor, fits: Tensor) -> tuple[Tensor, Tensor]:
    """The first try that fits, (B,), and whether there is one."""
    first = fits.to(torch.uint8).argmax(1, keepdim=True)  # (B, 1)
    return sides.gather(1, first)[:, 0], fits.any(1)


@dataclass(frozen=True, kw_only=True)
class Resize(Op):
    """Resize to a square, bilinear with antialiasing: for training on small pictures first."""

    resizes: ClassVar[bool] = True
    size_px: int

    def __post_init__(self) -> None:
        check_count("size_px", self.size_px, least=1)

    def draw(self, draws: Draws, images: Tensor) -> Parameters:
        """Nothing is random here."""
        return {}

    def apply(self, images: Tensor, parameters: Parameters) -> Tensor:
        """See ``Op.apply``."""
        return functional.resize(images, (self.size_px, self.size_px))


@dataclass(frozen=True, kw_only=True)
class RandomResizedCrop(Op):
    """Cut a box of random area and shape and resize it (Szegedy et al., 2015), as torchvision does.

    Attributes:
        size_px: side of the result; None keeps the size of the images.
        scale: limits of the box's area, as a part of the image.
        ratio: limits of width / height.
    """

    resizes: ClassVar[bool] = True
    size_px: int | None = None
    scale: tuple[float, float] = (0.08, 1.0)
    ratio: tuple[float, float] = (3 / 4, 4 / 3)

    def __post_init__(self) -> None:
        if self.size_px is not None:
            check_count("size_px", self.size_px, least=1)
        check_range("scale", self.scale, low=0.0, high=1.0)
        check_range("ratio", self.ratio, low=0.0)

    def draw(self, draws: Draws, images: Tensor) -> Parameters:
        """See ``Op.draw``."""
        rows, columns = images.shape[2:]
        widths, heights = _random_shapes(draws, rows * columns, self.scale, self.ratio)
        fits = (widths > 0) & (widths <= columns) & (heights > 0) & (heights <= rows)
        (width, fitting), (height, _) = _first_fit(widths, fits), _first_fit(heights, fits)
        # Where no try fits: the largest box of a legal shape, in the middle.
        whole = columns / rows
        fallback_width = columns if whole <= self.ratio[1] else round(rows * self.ratio[1])
        fallback_height = rows if whole >= self.ratio[0] else round(columns / self.ratio[0])
        width = torch.where(fitting, width, fallback_width)
        height = torch.where(fitting, height, fallback_height)
        spare = torch.stack((rows - height, columns - width), dim=1)  # (B, 2)
        corner = torch.where(fitting[:, None], draws.integers("corner", 0, spare + 1, 2), spare // 2)
        return {"boxes": torch.cat([corner, height[:, None], width[:, None]], dim=1)}

    def apply(self, images: Tensor, parameters: Parameters) -> Tensor:
        """See ``Op.apply``."""
        size = (self.size_px or images.shape[2], self.size_px or images.shape[3])
        return functional.resized_crop(images, parameters["boxes"], size=size)


@dataclass(frozen=True, kw_only=True)
class Cutout(Op):
    """Blank a square around a random pixel, cut off at the edges (DeVries and Taylor, 2017).

    Attributes:
        size_px: side of the square.
        fill_frac: what it holds, as a part of the full scale.
    """

    size_px: int
    fill_frac: float = 0.0

    def __post_init__(self) -> None:
        check_count("size_px", self.size_px)
        check_strength("fill_frac", self.fill_frac, limit=1.0)

    def draw(self, draws: Draws, images: Tensor) -> Parameters:
        """See ``Op.draw``."""
        sides = torch.tensor(images.shape[2:], device=draws.device)  # (2,)
        first = draws.integers("center", 0, sides, 2) - self.size_px // 2  # (B, 2)
        last = torch.minimum(first + self.size_px, sides)
        return {"boxes": torch.cat([first.clamp_min(0), last], dim=1)}

    def apply(self, images: Tensor, parameters: Parameters) -> Tensor:
        """See ``Op.apply``."""
        return functional.erase(images, parameters["boxes"], fill=self.fill_frac * full_scale(images))


@dataclass(frozen=True, kw_only=True)
class RandomErasing(Op):
    """Blank a box of random area and shape, with a probability (Zhong et al., 2020), as torchvision does.

    Attributes:
        prob: of erasing.
        scale: limits of the box's area, as a part of the image.
        ratio: limits of height / width.
        fill_frac: what it holds, as a part of the full scale.
    """

    prob: float = 0.5
    scale: tuple[float, float] = (0.02, 0.33)
    ratio: tuple[float, float] = (0.3, 3.3)
    fill_frac: float = 0.0

    def __post_init__(self) -> None:
        check_probability("prob", self.prob)
        check_range("scale", self.scale, low=0.0, high=1.0)
        check_range("ratio", self.ratio, low=0.0)
        check_strength("fill_frac", self.fill_frac, limit=1.0)

    def draw(self, draws: Draws, images: Tensor) -> Parameters:
        """See ``Op.draw``."""
        rows, columns = images.shape[2:]
        heights, widths = _random_shapes(draws, rows * columns, self.scale, self.ratio)
        fits = (heights < rows) & (widths < columns)
        (height, fitting), (width, _) = _first_fit(heights, fits), _first_fit(widths, fits)
        erased = fitting & (draws.uniform("erase")[:, 0] < self.prob)
        sides = torch.stack((height, width), dim=1) * erased[:, None]  # (B, 2), 0 where nothing is erased
        spare = torch.tensor([rows, columns], device=draws.device) - sides
        corner = draws.integers("corner", 0, spare + 1, 2)
        return {"boxes": torch.cat([corner, corner + sides], dim=1)}

    def apply(self, images: Tensor, parameters: Parameters) -> Tensor:
        """See ``Op.apply``."""
        return functional.erase(images, parameters["boxes"], fill=self.fill_frac * full_scale(images))
