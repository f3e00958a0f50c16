"""Networks that learn in minutes: a whitening stem, three groups of convolutions, a scaled head.

The frame is that of airbench (Jordan, "94 % on CIFAR-10 in 3.29 seconds", 2024): the stem is computed from the training
pictures, convolutions begin as the identity, norms learn a bias only, and the last map is pooled by its maximum.
``speednet`` has its widths for 94 %: 1.97M parameters for 10 classes. ``speednet_64`` is ours: patches of 4x4 at stride
2, and three convolutions in the later groups with a residual over all but the first.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F

from cifarzoo.errors import SettingError
from cifarzoo.layers.conv import Conv2d
from cifarzoo.layers.whitening import WhiteningConv2d
from cifarzoo.models.base import Classifier
from cifarzoo.registry import register


class SpeedNet(Classifier):
    """A whitening stem, groups of convolutions with a max-pooling in each, a head without bias.

    Args:
        num_classes: number of logits; 0 leaves the pooled features.
        in_channels: channels of the input.
        patch_size: side of the stem's patches in px.
        patch_stride: px from one patch to the next.
        widths: channels of each group.
        depths: convolutions in each group, at least 2; with 3 or more a residual leads past all but the first.
        dropout: probability of dropping a pooled feature.
    """

    stem: Stem

    def __init__(
        self,
        *,
        num_classes: int,
        in_channels: int = 3,
        patch_size: int = 2,
        patch_stride: int = 1,
        widths: Sequence[int] = (64, 256, 256),
        depths: Sequence[int] = (2, 2, 2),
        dropout: float = 0.0,
    ) -> None:
        if min(depths) < 2:
            raise SettingError(f"depths (={depths!r}) must be at least 2 each")
        stem = Stem(in_channels=in_channels, patch_size=patch_size, patch_stride=patch_stride)
        inputs = (stem.conv.out_channels, *widths)
        super().__init__(
            stem=stem,
            stages=[Group(*group) for group in zip(inputs[:-1], widths, depths, strict=True)],
            widths=widths,
            reductions=[patch_stride * 2 ** (index + 1) for index in range(len(widths))],
            num_classes=num_classes,
            in_channels=in_channels,
            dropout=dropout,
            border_px=patch_size - patch_stride,
        )
        self.pool = nn.AdaptiveMaxPool2d(1)

    def initialize_from(self, images: Tensor) -> None:
        """Compute the stem from training pictures (B, C, H, W), float, normalised; loaded weights are left alone."""
        if not self.stem.conv.fitted:
            self.stem.conv.fit(self.normalize(images))

    def forward_head(self, x: Tensor, pre_logits: bool = False) -> Tensor:
        """The last map to (B, num_classes) logits, or to (B, num_features) scaled features with ``pre_logits``."""
        features = super().forward_head(x, pre_logits=True) / self.num_features  # (B, num_features)
        return features if pre_logits else self.classifier(features)  # (B, num_classes)

    def _new_classifier(self, num_classes: int) -> nn.Module:
        """Weights of size 1 on features of size 1 / num_features: the head's learning rate is that of its size."""
        head = super()._new_classifier(num_classes)
        if isinstance(head, nn.Linear):
            head = nn.Linear(self.num_features, num_classes, bias=False)
            nn.init.normal_(head.weight)
        return head


class Stem(nn.Module):
    """Whitened patches, then the activation: (B, C, H, W) to (B, 6 patch_size^2, H', W')."""

    def __init__(self, *, in_channels: int, patch_size: int, patch_stride: int) -> None:
        super().__init__()
        self.conv = WhiteningConv2d(in_channels=in_channels, kernel_size=patch_size, stride=patch_stride)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, 6 patch_size^2, H', W')."""
        return F.gelu(self.conv(x))


class Group(nn.Module):
    """A convolution and a max-pooling, then further convolutions: (B, C, H, W) to (B, width, H // 2, W // 2)."""

    def __init__(self, in_channels: int, width: int, depth: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList(IdentityConv2d(in_channels if i == 0 else width, width) for i in range(depth))
        self.norms = nn.ModuleList(_bias_norm(width) for _ in range(depth))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, width, H // 2, W // 2)."""
        x = F.max_pool2d(self.convs[0](x), 2)  # (B, width, H // 2, W // 2)
        x = skip = F.gelu(self.norms[0](x))
        for conv, norm in zip(self.convs[1:-1], self.norms[1:-1], strict=True):
            x = F.gelu(norm(conv(x)))
        x = self.norms[-1](self.convs[-1](x))
        return F.gelu(x + skip if len(self.convs) > 2 else x)


class IdentityConv2d(Conv2d):
    """A convolution whose first filters hand on the input's channels; the others are torch's own."""

    def reset_parameters(self) -> None:
        """Draw the weights anew."""
        nn.Conv2d.reset_parameters(self)
        nn.init.dirac_(self.weight[: self.in_channels].detach())


def _bias_norm(width: int) -> nn.BatchNorm2d:
    """A batch norm that learns no scale, and whose statistics follow fast since a run is short."""
    norm = nn.BatchNorm2d(width, momentum=0.4)
    norm.weight.requires_grad_(False)
    return norm


register(
    "speednet",
    SpeedNet,
    summary="learns CIFAR-10 in minutes: whitening stem, three groups",
    paper="Jordan, 94 % on CIFAR-10 in 3.29 seconds, 2024",
    input_size=32,
    num_classes=10,
    params=1_972_792,
    macs=118_147_360,
    min_size=17,
)

register(
    "speednet_64",
    SpeedNet,
    settings={"patch_size": 4, "patch_stride": 2, "widths": (128, 256, 512), "depths": (2, 3, 3)},
    summary="speednet for 64x64 pictures: patches of 4x4 at stride 2, residuals in the later groups",
    paper="Jordan, 94 % on CIFAR-10 in 3.29 seconds, 2024",
    input_size=64,
    num_classes=200,
    params=7_743_072,
    macs=307_110_400,
    min_size=32,
)
