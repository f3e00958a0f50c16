"""AutoAugment's policy for CIFAR-10, and AugMix."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from cifarzoo.augment.checks import check_count, check_interpolation, check_positive
from cifarzoo.augment.distributions import dirichlet
from cifarzoo.augment.functional.lines import to_uint8
from cifarzoo.augment.functional.policy import OPERATIONS
from cifarzoo.augment.op import Op, Parameters
from cifarzoo.augment.policies import magnitudes, narrow_magnitudes, run_in_turn, with_sign
from cifarzoo.draws import Draws

# The 25 sub-policies found on CIFAR-10 (Cubuk et al., 2019, table 7): operation, probability, strength of ten.
CIFAR10_POLICY = (
    (("Invert", 0.1, 0), ("Contrast", 0.2, 6)),
    (("Rotate", 0.7, 2), ("TranslateX", 0.3, 9)),
    (("Sharpness", 0.8, 1), ("Sharpness", 0.9, 3)),
    (("ShearY", 0.5, 8), ("TranslateY", 0.7, 9)),
    (("AutoContrast", 0.5, 0), ("Equalize", 0.9, 0)),
    (("ShearY", 0.2, 7), ("Posterize", 0.3, 7)),
    (("Color", 0.4, 3), ("Brightness", 0.6, 7)),
    (("Sharpness", 0.3, 9), ("Brightness", 0.7, 9)),
    (("Equalize", 0.6, 0), ("Equalize", 0.5, 0)),
    (("Contrast", 0.6, 7), ("Sharpness", 0.6, 5)),
    (("Color", 0.7, 7), ("TranslateX", 0.5, 8)),
    (("Equalize", 0.3, 0), ("AutoContrast", 0.4, 0)),
    (("TranslateY", 0.4, 3), ("Sharpness", 0.2, 6)),
    (("Brightness", 0.9, 6), ("Color", 0.2, 8)),
    (("Solarize", 0.5, 2), ("Invert", 0.0, 0)),
    (("Equalize", 0.2, 0), ("AutoContrast", 0.6, 0)),
    (("Equalize", 0.2, 0), ("Equalize", 0.6, 0)),
    (("Color", 0.9, 9), ("Equalize", 0.6, 0)),
    (("AutoContrast", 0.8, 0), ("Solarize", 0.2, 8)),
    (("Brightness", 0.1, 3), ("Color", 0.7, 0)),
    (("Solarize", 0.4, 5), ("AutoContrast", 0.9, 0)),
    (("TranslateY", 0.9, 9), ("TranslateY", 0.7, 9)),
    (("AutoContrast", 0.9, 0), ("Solarize", 0.8, 3)),
    (("Equalize", 0.8, 0), ("Invert", 0.1, 0)),
    (("TranslateY", 0.7, 9), ("AutoContrast", 0.9, 0)),
)
_BINS = 10


@dataclass(frozen=True, kw_only=True)
class AutoAugment(Op):
    """One of 25 pairs of operations found for CIFAR-10 (Cubuk et al., AutoAugment, 2019).

    Attributes:
        interpolation: of the warps, ``nearest`` or ``bilinear``.
    """

    interpolation: str = "nearest"

    def __post_init__(self) -> None:
        check_interpolation(self.interpolation)

    def draw(self, draws: Draws, images: Tensor) -> Parameters:
        """See ``Op.draw``."""
        device = draws.device
        table = narrow_magnitudes(_BINS, images.shape[2], images.shape[3]).to(device)
        rules = [[[OPERATIONS.index(name), prob, place] for name, prob, place in pair] for pair in CIFAR10_POLICY]
        policy = draws.integers("policy", 0, len(rules))[:, 0]
        rule = torch.tensor(rules, dtype=torch.float64, device=device)[policy]  # (B, 2, 3)
        which, prob, place = rule[..., 0].to(torch.int64), rule[..., 1], rule[..., 2].to(torch.int64)
        magnitude = with_sign(which, table[which, place], draws.uniform("sign", 2) <= 0.5)
        runs = draws.uniform("runs", 2) < prob  # (B, 2)
        return {"which": which * runs, "magnitude": magnitude * runs}

    def apply(self, images: Tensor, parameters: Parameters) -> Tensor:
        """See ``Op.apply``."""
        return run_in_turn(images, parameters["which"], parameters["magnitude"], interpolation=self.interpolation)


@dataclass(frozen=True, kw_only=True)
class AugMix(Op):
    """The image blended with several chains of operations on it (Hendrycks et al., AugMix, 2020).

    Attributes:
        severity: strengths of the first so many of ten.
        width: number of chains.
        depth: operations in a chain; 0 draws 1 to 3 for each.
        alpha: of the Dirichlet distributions of the shares.
        interpolation: of the warps, ``nearest`` or ``bilinear``.
    """

    severity: int = 3
    width: int = 3
    depth: int = 0
    alpha: float = 1.0
    interpolation: str = "bilinear"

    def __post_init__(self) -> None:
        check_count("severity", self.severity, least=1, most=_BINS)
        check_count("width", self.width, least=1)
        check_count("depth", self.depth)
        check_positive("alpha", self.alpha)
        check_interpolation(self.interpolation)

    def draw(self, draws: Draws, images: Tensor) -> Parameters:
        """See ``Op.draw``."""
        reach = (images.shape[3] / 3.0, images.shape[2] / 3.0)
        table = magnitudes(_BINS, shear=0.3, translate_px=reach, rotate_deg=30.0, enhance=0.9, bits=(4, 4))
        longest = self.depth or 3
        steps = self.width * longest
        which = draws.integers("which", 1, OPERATIONS.index("Invert"), steps)  # (B, steps), without Identity
        strength = table.to(draws.device)[which, draws.integers("bin", 0, self.severity, steps)]
        magnitude = with_sign(which, strength, draws.uniform("sign", steps) <= 0.5)
        lengths = draws.integers("depth", 1, longest + 1, self.width) if not self.depth else longest
        runs = torch.arange(longest, device=draws.device) < torch.as_tensor(lengths, device=draws.device)[..., None]
        shape = (len(draws), self.width, longest)
        shares = dirichlet(draws, "blend", self.alpha, 2)  # (B, 2): the image, all chains
        chains = dirichlet(draws, "chains", self.alpha, self.width) * shares[:, 1:]  # (B, width)
        return {
            "which": which.view(shape) * runs,
            "magnitude": magnitude.view(shape),
            "shares": torch.cat([shares[:, :1], chains], dim=1),  # (B, 1 + width), rows sum to 1
        }

    def apply(self, images: Tensor, parameters: Parameters) -> Tensor:
        """See ``Op.apply``."""
        dtype = images.dtype if images.is_floating_point() else torch.float32
        shares = parameters["shares"].to(dtype)[:, :, None, None, None].unbind(1)  # (1 + width) x (B, 1, 1, 1)
        blend = images.to(dtype) * shares[0]
        for chain in range(self.width):
            which, magnitude = parameters["which"][:, chain], parameters["magnitude"][:, chain]
            changed = run_in_turn(images, which, magnitude, interpolation=self.interpolation)
            blend += changed.to(dtype) * shares[chain + 1]
        return blend if images.is_floating_point() else to_uint8(blend)
