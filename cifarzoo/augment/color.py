"""Operations that change colours."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from cifarzoo.augment import functional
from cifarzoo.augment.checks import check_strength
from cifarzoo.augment.op import Op, Parameters
from cifarzoo.draws import Draws


@dataclass(frozen=True, kw_only=True)
class ColorJitter(Op):
    """Brightness, contrast, saturation and hue in random order, as torchvision defines them.

    The factor of each of the first three is uniform in [max(0, 1 - strength), 1 + strength]; the hue turns by up to
    ``hue`` of the colour circle (at most 0.5) either way. A strength of 0 leaves the step out.
    """

    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    hue: float = 0.0

    def __post_init__(self) -> None:
        for name in ("brightness", "contrast", "saturation"):
            check_strength(name, getattr(self, name))
        check_strength("hue", self.hue, limit=0.5)

    def draw(self, draws: Draws, images: Tensor) -> Parameters:
        """See ``Op.draw``."""
        strengths = (self.brightness, self.contrast, self.saturation, self.hue)
        low = torch.tensor([*(max(0.0, 1.0 - s) for s in strengths[:3]), -self.hue], dtype=torch.float64)
        high = torch.tensor([*(1.0 + s for s in strengths[:3]), self.hue], dtype=torch.float64)
        low, high = low.to(draws.device), high.to(draws.device)
        order = draws.permutations("order", 4)  # (B, 4)
        active = torch.tensor([s > 0 for s in strengths], device=draws.device)
        order = order[active[order]].view(len(draws), sum(s > 0 for s in strengths))  # (B, steps)
        return {"order": order, "factors": low + draws.uniform("factors", 4) * (high - low)}

    def apply(self, images: Tensor, parameters: Parameters) -> Tensor:
        """See ``Op.apply``."""
        return functional.jitter_color(images, parameters["order"], parameters["factors"])
