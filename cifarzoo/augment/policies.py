"""Policies: which operations an image undergoes, and how strongly, is drawn for each image."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from cifarzoo.augment.checks import check_count, check_interpolation
from cifarzoo.augment.functional.policy import OPERATIONS, apply_operations
from cifarzoo.augment.op import Op, Parameters
from cifarzoo.draws import Draws

_SIGNED = torch.tensor(
    [
        name.startswith(("Shear", "Translate", "Rotate", "Brightness", "Color", "Contrast", "Sharp"))
        for name in OPERATIONS
    ]
)


@lru_cache(maxsize=64)
def magnitudes(
    bins: int,
    *,
    shear: float,
    translate_px: tuple[float, float],
    rotate_deg: float,
    enhance: float,
    bits: tuple[int, int],
) -> Tensor:
    """The table of a policy: (operations, bins) float64, from weak to strong.

    Args:
        bins: number of magnitudes.
        shear: the strongest slope.
        translate_px: the longest shifts along x and y.
        rotate_deg: the largest angle.
        enhance: the largest factor - 1 of brightness, colour, contrast and sharpness.
        bits: what posterize keeps at most, and how many fewer at its strongest.
    """
    strongest = {"Shear": shear, "TranslateX": translate_px[0], "TranslateY": translate_px[1], "Rotate": rotate_deg}
    table = torch.zeros(len(OPERATIONS), bins, dtype=torch.float64)
    for row, name in enumerate(OPERATIONS):
        if name == "Posterize":
            table[row] = (bits[0] - torch.arange(bins) / ((bins - 1) / bits[1])).round()
        elif name == "Solarize":
            table[row] = torch.linspace(1.0, 0.0, bins)
        elif _SIGNED[row]:
            table[row] = torch.linspace(0.0, strongest.get(name, strongest.get(name[:5], enhance)), bins)
    return table


def narrow_magnitudes(bins: int, height: int, width: int) -> Tensor:
    """The magnitudes of AutoAugment and RandAugment."""
    reach = (150.0 / 331.0 * width, 150.0 / 331.0 * height)
    return magnitudes(bins, shear=0.3, translate_px=reach, rotate_deg=30.0, enhance=0.9, bits=(8, 4))


def with_sign(which: Tensor, magnitude: Tensor, negative: Tensor) -> Tensor:
    """Magnitudes with the drawn sign, where the operation has two directions."""
    return torch.where(_SIGNED.to(which.device)[which] & negative, -magnitude, magnitude)


def run_in_turn(images: Tensor, which: Tensor, magnitude: Tensor, *, interpolation: str) -> Tensor:
    """Operations (B, N) with their magnitudes, one after the other."""
    for index in range(which.shape[1]):
        images = apply_operations(images, which[:, index], magnitude[:, index], interpolation=interpolation)
    return images


@dataclass(frozen=True, kw_only=True)
class TrivialAugment(Op):
    """One operation of fourteen, at one of 31 strengths (Müller and Hutter, TrivialAugment, 2021; the wide space).

    Attributes:
        bins: number of strengths.
        interpolation: of the warps, ``nearest`` or ``bilinear``.
    """

    bins: int = 31
    interpolation: str = "nearest"

    def __post_init__(self) -> None:
        check_count("bins", self.bins, least=2)
        check_interpolation(self.interpolation)

    def draw(self, draws: Draws, images: Tensor) -> Parameters:
        """See ``Op.draw``."""
        table = magnitudes(
            self.bins, shear=0.99, translate_px=(32.0, 32.0), rotate_deg=135.0, enhance=0.99, bits=(8, 6)
        ).to(draws.device)
        which = draws.integers("which", 0, OPERATIONS.index("Invert"))  # (B, 1), all but the last
        strength = table[which, draws.integers("bin", 0, self.bins)]
        return {"which": which, "magnitude": with_sign(which, strength, draws.uniform("sign") <= 0.5)}

    def apply(self, images: Tensor, parameters: Parameters) -> Tensor:
        """See ``Op.apply``."""
        return run_in_turn(images, parameters["which"], parameters["magnitude"], interpolation=self.interpolation)


@dataclass(frozen=True, kw_only=True)
class RandAugment(Op):
    """Several operations of fourteen, with replacement, at one strength (Cubuk et al., RandAugment, 2020).

    Attributes:
        num_ops: operations in a row.
        magnitude: the strength, a place among the ``bins``.
        bins: number of strengths.
        interpolation: of the warps, ``nearest`` or ``bilinear``.
    """

    num_ops: int = 2
    magnitude: int = 9
    bins: int = 31
    interpolation: str = "nearest"

    def __post_init__(self) -> None:
        check_count("num_ops", self.num_ops)
        check_count("bins", self.bins, least=2)
        check_count("magnitude", self.magnitude, most=self.bins - 1)
        check_interpolation(self.interpolation)

    def draw(self, draws: Draws, images: Tensor) -> Parameters:
        """See ``Op.draw``."""
        table = narrow_magnitudes(self.bins, images.shape[2], images.shape[3]).to(draws.device)
        which = draws.integers("which", 0, OPERATIONS.index("Invert"), self.num_ops)  # (B, operations)
        strength = table[which, self.magnitude]
        return {"which": which, "magnitude": with_sign(which, strength, draws.uniform("sign", self.num_ops) <= 0.5)}

    def apply(self, images: Tensor, parameters: Parameters) -> Tensor:
        """See ``Op.apply``."""
        return run_in_turn(images, parameters["which"], parameters["magnitude"], interpolation=self.interpolation)
