"""The plain network with some of its convolutions replaced by residual blocks.

The frame is that of ``baseline_cnn``: a convolution at full size, then four stages of max-pooling and convolutions.
The second convolution of the two stages in the middle is a residual block (He et al., 2015). 6.10M parameters for 10
classes.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from cifarzoo.layers.conv import ConvNormAct
from cifarzoo.layers.residual import ResidualBlock
from cifarzoo.models.base import Classifier
from cifarzoo.registry import register


class ResidualCNN(Classifier):
    """A convolution at full size, then stages of max-pooling, a convolution and residual blocks.

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
        stem_width: int = 48,
        widths: Sequence[int] = (128, 256, 352, 480),
        depths: Sequence[int] = (0, 1, 1, 0),
        dropout: float = 0.0,
    ) -> None:
        stages, previous = [], stem_width
        for width, depth in zip(widths, depths, strict=True):
            blocks = [ResidualBlock(width, width) for _ in range(depth)]
            stages.append(nn.Sequential(nn.MaxPool2d(2), ConvNormAct(previous, width), *blocks))  # 32x32 -> 16x16, ...
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
    "residual_cnn",
    ResidualCNN,
    summary="baseline_cnn with residual blocks in the middle",
    paper="He, Zhang, Ren and Sun, Deep residual learning for image recognition, 2015",
    input_size=32,
    num_classes=10,
    params=6_102_842,
    macs=164_602_560,
    min_size=32,
    report_row="T3",
)
