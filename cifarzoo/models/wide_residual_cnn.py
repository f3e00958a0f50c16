"""More residual blocks and more channels: the workhorse at 32x32.

A convolution that halves the map and widens it, then residual blocks at that width, three times: the order of David
Page's ResNet-9 (2018), with a strided convolution where his has a convolution and max-pooling, and two blocks at 4x4,
where a block costs least. 11.03M parameters for 10 classes.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from cifarzoo.layers.conv import ConvNormAct
from cifarzoo.layers.residual import ResidualBlock
from cifarzoo.models.base import Classifier
from cifarzoo.registry import register


class WideResidualCNN(Classifier):
    """A convolution at full size, then stages of a strided convolution and residual blocks.

    Args:
        num_classes: number of logits; 0 leaves the pooled features.
        in_channels: channels of the input.
        stem_width: channels of the first convolution.
        widths: channels of each stage.
        depths: residual blocks in each stage, behind its convolution.
        dropout: probability of dropping a pooled feature.
    """

    def __init__(
        self,
        *,
        num_classes: int,
        in_channels: int = 3,
        stem_width: int = 64,
        widths: Sequence[int] = (128, 240, 480),
        depths: Sequence[int] = (1, 1, 2),
        dropout: float = 0.0,
    ) -> None:
        stages, previous = [], stem_width
        for width, depth in zip(widths, depths, strict=True):
            blocks = [ResidualBlock(width, width) for _ in range(depth)]
            stages.append(nn.Sequential(ConvNormAct(previous, width, stride=2), *blocks))  # 32x32 -> 16x16, and so on
            previous = width
        super().__init__(
            stem=ConvNormAct(in_channels, stem_width),
            stages=stages,
            widths=widths,
            reductions=[2 ** (index + 1) for index in range(len(widths))],
            num_classes=num_classes,
            in_channels=in_channels,
            dropout=dropout,
        )


register(
    "wide_residual_cnn",
    WideResidualCNN,
    summary="deeper and wider residual network, the workhorse at 32x32",
    paper="He, Zhang, Ren and Sun, Deep residual learning for image recognition, 2015",
    input_size=32,
    num_classes=10,
    params=11_026_794,
    macs=329_495_232,
    min_size=16,
    report_row="T6",
)
