"""A first layer that makes the patches of the pictures uncorrelated, computed from pictures instead of trained."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from cifarzoo.errors import SettingError

_PATCHES = 5_000_000  # numbers in the patches that are looked at together
_COLOURS = 3


class WhiteningConv2d(nn.Conv2d):
    """A convolution without padding whose filters are the whitened principal components of its patches.

    Each component is there with both signs, so that an activation behind it loses nothing. The filters have no
    gradient, the bias has. Until ``fit`` is called the filters are orthonormal at random.

    Source: Page, "How to train your ResNet 8: bag of tricks", 2019; in this form Jordan, "94 % on CIFAR-10 in 3.29
    seconds", 2024.

    Args:
        in_channels: channels of the input.
        kernel_size: side of a patch in px.
        stride: px from one patch to the next.
        eps: added to the variance of each component, so that noise is not blown up; pixels have a variance near 1.

    Attributes:
        fitted: whether the filters are those of data: ``fit`` or the loading of weights sets it.
    """

    def __init__(self, *, in_channels: int, kernel_size: int = 2, stride: int = 1, eps: float = 5e-4) -> None:
        # As many filters for any number of channels: weights of colour pictures can be carried over to grey ones.
        super().__init__(in_channels, 2 * _COLOURS * kernel_size**2, kernel_size, stride)
        self.weight.requires_grad_(False)
        self.eps, self.fitted = eps, False

    def reset_parameters(self) -> None:
        """Draw the filters anew, the bias to 0."""
        self.fitted = False
        size = self.weight[0].numel()
        with torch.no_grad():
            self._set_components(torch.linalg.qr(torch.randn(size, size))[0].T)
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    @torch.no_grad()
    def fit(self, images: Tensor) -> None:
        """Take the filters from pictures.

        Args:
            images: (B, C, H, W) float, normalised.

        Raises:
            SettingError: other channels than the layer's, or pictures smaller than a patch.
        """
        side = self.kernel_size[0]
        if images.ndim != 4 or images.shape[1] != self.in_channels or min(images.shape[2:]) < side:
            raise SettingError(
                f"images (shape {tuple(images.shape)}) must be (B, {self.in_channels}, H, W) with H and W of at least "
                f"{side}; give those that the model is trained on"
            )
        size, count = self.weight[0].numel(), 0
        moments = images.new_zeros(size, size, dtype=torch.float64)
        per_image = size * (images.shape[2] - side + 1) * (images.shape[3] - side + 1)
        for some in images.split(max(1, _PATCHES // per_image)):  # type: ignore[no-untyped-call]  # torch leaves it
            patches = some.unfold(2, side, 1).unfold(3, side, 1)  # (b, C, H', W', side, side)
            rows = patches.permute(0, 2, 3, 1, 4, 5).flatten(3).flatten(0, 2)  # (b H' W', C side side)
            moments += (rows.T @ rows).double()
            count += len(rows)
        variances, vectors = torch.linalg.eigh(moments / count)  # rising; (size,), (size, size)
        components = (vectors / (variances + self.eps).sqrt()).T.flip(0)  # the largest first
        # A component's sign is the algorithm's whim: let its largest entry be positive.
        signs = components.gather(1, components.abs().argmax(1, keepdim=True)).sign()
        self._set_components((components * signs).to(self.weight))
        self.fitted = True

    def _set_components(self, components: Tensor) -> None:
        """Components (n, C side side), the most important first: as many as there is room for, or by turns."""
        half = len(self.weight) // 2
        chosen = components[torch.arange(half, device=components.device) % len(components)]
        self.weight.copy_(torch.cat((chosen, -chosen)).view_as(self.weight))

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        super()._load_from_state_dict(state_dict, prefix, *rest)
        self.fitted = self.fitted or f"{prefix}weight" in state_dict
