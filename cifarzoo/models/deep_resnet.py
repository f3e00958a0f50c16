"""A deeper residual network for 64x64, narrow where the map is large: the workhorse there.

Two convolutions in the stem, nine residual blocks (He et al., 2015) in four stages, one linear layer behind dropout: 21
layers. 17.50M parameters for 200 classes.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from cifarzoo.layers.conv import ConvNormAct
from cifarzoo.layers.residual import residual_stage
from cifarzoo.models.base import Classifier
from cifarzoo.registry import register


class DeepResNet(Classifier):
    """A stem of two convolutions that halves the map, then stages of residual blocks that each halve it again.

    Args:
        num_classes: number of logits; 0 leaves the pooled features.
        in_channels: channels of the input.
        stem_widths: channels of the two convolutions of the stem.
        widths: channels of each stage.
        depths: residual blocks in each stage.
        dropout: probability of dropping a pooled feature.
    """

    def __init__(
        self,
        *,
        num_classes: int,
        in_channels: int = 3,
        stem_widths: tuple[int, int] = (32, 48),
        widths: Sequence[int] = (128, 208, 336, 576),
        depths: Sequence[int] = (2, 3, 2, 2),
        dropout: float = 0.1,
    ) -> None:
        stem = nn.Sequential(
            ConvNormAct(in_channels, stem_widths[0], stride=2),  # 64x64 -> 32x32
            ConvNormAct(stem_widths[0], stem_widths[1]),
        )
        stages, previous = [], stem_widths[1]
        for width, depth in zip(widths, depths, strict=True):
            stages.append(residual_stage(previous, width, depth, stride=2))  # 32x32 -> 16x16, and so on
            previous = width
        super().__init__(
            stem=stem,
            stages=stages,
            widths=widths,
            reductions=[4 * 2**index for index in range(len(widths))],
            num_classes=num_classes,
            in_channels=in_channels,
            dropout=dropout,
        )


register(
    "deep_resnet_64",
    DeepResNet,
    summary="21-layer residual network with dropout, the workhorse at 64x64",
    paper="He, Zhang, Ren and Sun, Deep residual learning for image recognition, 2015",
    input_size=64,
    num_classes=200,
    params=17_500_872,
    macs=389_296_640,
    min_size=32,
    report_row="T10",
)
