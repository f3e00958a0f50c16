"""Operations that move pixels."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from cifarzoo.augment import functional
from cifarzoo.augment.checks import (
    check_choice,
    check_count,
    check_interpolation,
    check_probability,
    check_range,
    check_strength,
)
from cifarzoo.augment.functional.layout import full_scale
from cifarzoo.augment.op import Op, Parameters
from cifarzoo.draws import Draws
from cifarzoo.errors import SettingError

_EDGES = ("zero", "reflect")


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
class AlternatingFlip(Op):
    """Mirror half of the images in epoch 0, the other half in epoch 1, and so on (Jordan, airbench, 2024)."""

    def draw(self, draws: Draws, images: Tensor) -> Parameters:
        """See ``Op.draw``."""
        first = draws.lasting().uniform("flip")[:, 0] < 0.5
        return {"mask": first ^ bool(draws.epoch % 2)}

    def apply(self, images: Tensor, parameters: Parameters) -> Tensor:
        """See ``Op.apply``."""
        return functional.flip_horizontal(images, parameters["mask"])


@dataclass(frozen=True, kw_only=True)
class RandomCrop(Op):
    """Pad every side, then cut a window of the original size, or of ``size_px``, at a random place."""

    padding_px: int
    mode: str = "zero"
    size_px: int | None = None

    def __post_init__(self) -> None:
        check_count("padding_px", self.padding_px)
        check_choice("mode", self.mode, _EDGES)
        if self.size_px is not None:
            check_count("size_px", self.size_px, least=1)

    @property
    def resizes(self) -> bool:  # type: ignore[override]  # a class attribute elsewhere; here it depends on a field
        """Whether the window has a size of its own."""
        return self.size_px is not None

    def draw(self, draws: Draws, images: Tensor) -> Parameters:
        """See ``Op.draw``."""
        height, width = self._window(images)
        spare = torch.tensor([images.shape[2] - height, images.shape[3] - width], device=draws.device)
        if int(spare.min()) < -2 * self.padding_px:
            raise SettingError(
                f"size_px (={self.size_px}) must not exceed the padded image, "
                f"{images.shape[2]}x{images.shape[3]} with padding_px={self.padding_px}; lower it"
            )
        return {"corner_px": draws.integers("corner", 0, spare + (2 * self.padding_px + 1), 2)}

    def apply(self, images: Tensor, parameters: Parameters) -> Tensor:
        """See ``Op.apply``."""
        size, corner_px = self._window(images), parameters["corner_px"]
        return functional.crop(images, corner_px, size=size, padding_px=self.padding_px, mode=self.mode)

    def _window(self, images: Tensor) -> tuple[int, int]:
        return (self.size_px or images.shape[2], self.size_px or images.shape[3])


@dataclass(frozen=True, kw_only=True)
class RandomTranslate(Op):
    """Move by whole pixels, up to ``max_px`` in each direction."""

    max_px: int
    mode: str = "reflect"

    def __post_init__(self) -> None:
        check_count("max_px", self.max_px)
        check_choice("mode", self.mode, _EDGES)

    def draw(self, draws: Draws, images: Tensor) -> Parameters:
        """See ``Op.draw``."""
        return {"shift_px": draws.integers("shift", -self.max_px, self.max_px + 1, 2)}

    def apply(self, images: Tensor, parameters: Parameters) -> Tensor:
        """See ``Op.apply``."""
        return functional.translate(images, parameters["shift_px"], max_px=self.max_px, mode=self.mode)


@dataclass(frozen=True, kw_only=True)
class RandomAffine(Op):
    """Rotate, move, scale and shear about the middle of the image, as torchvision's RandomAffine does.

    Attributes:
        angle_deg: rotation is uniform up to this, either way.
        translate_frac: shift along x and y, in whole pixels, up to these parts of the width and the height.
        scale: limits of the scale.
        shear_deg: shear along x and along y, uniform up to these, either way.
        interpolation: ``nearest`` or ``bilinear``.
        fill_frac: value of what comes from outside, as a part of the full scale; None: 0, and bilinear edges fade
            once, where torchvision's fill weights them twice.
    """

    angle_deg: float = 0.0
    translate_frac: tuple[float, float] = (0.0, 0.0)
    scale: tuple[float, float] = (1.0, 1.0)
    shear_deg: tuple[float, float] = (0.0, 0.0)
    interpolation: str = "nearest"
    fill_frac: float | None = 0.0

    def __post_init__(self) -> None:
        check_strength("angle_deg", self.angle_deg)
        for part in self.translate_frac:
            check_strength("translate_frac", part, limit=1.0)
        check_range("scale", self.scale, low=0.0)
        for angle in self.shear_deg:
            check_strength("shear_deg", angle, limit=89.0)
        check_interpolation(self.interpolation)
        check_strength("fill_frac", self.fill_frac or 0.0, limit=1.0)

    def draw(self, draws: Draws, images: Tensor) -> Parameters:
        """See ``Op.draw``."""
        width, height = images.shape[3], images.shape[2]
        reach = (self.angle_deg, self.translate_frac[0] * width, self.translate_frac[1] * height, *self.shear_deg)
        unit = draws.uniform("affine", 6)  # (B, 6)
        values = (2.0 * unit[:, :5] - 1.0) * torch.tensor(reach, dtype=unit.dtype, device=draws.device)
        return {
            "angle_deg": values[:, 0],
            "translate_px": values[:, 1:3].round(),
            "shear_deg": values[:, 3:5],
            "scale": self.scale[0] + unit[:, 5] * (self.scale[1] - self.scale[0]),
        }

    def apply(self, images: Tensor, parameters: Parameters) -> Tensor:
        """See ``Op.apply``."""
        matrices = functional.inverse_affine_matrices(
            parameters["angle_deg"], parameters["translate_px"], parameters["scale"], parameters["shear_deg"]
        )
        fill = None if self.fill_frac is None else self.fill_frac * full_scale(images)
        return functional.warp_affine(images, matrices, interpolation=self.interpolation, fill=fill)
