"""A plain convolutional network: what the other families are measured against.

No source: convolutions, batch norm and max-pooling in the order of every textbook. Most parameters lie where the map is
4x4 and 2x2, so that it is cheap on a CPU. 7.28M parameters for 10 classes.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from cifarzoo.layers.conv import ConvNormAct
from cifarzoo.models.base import Classifier
from cifarzoo.registry import register


class BaselineCNN(Classifier):
    """A convolution at full size, then stages that each halve the map by max-pooling and convolve.

    Args:
        num_classes: number of logits; 0 leaves the pooled features.
        in_channels: channels of the input.
        stem_width: channels of the first convolution.
        widths: channels of each stage.
        depths: convolutions in each stage.
        dropout: probability of dropping a pooled feature.
    """

    def __init__(
        self,
        *,
        num_classes: int,
        in_channels: int = 3,
        stem_width: int = 64,
        widths: Sequence[int] = (128, 192, 512, 736),
        depths: Sequence[int] = (1, 2, 2, 1),
        dropout: float = 0.0,
    ) -> None:
        stages, previous = [], stem_width
        for width, depth in zip(widths, depths, strict=True):
            convs = [ConvNormAct(previous if index == 0 else width, width) for index in range(depth)]
            stages.append(nn.Sequential(nn.MaxPool2d(2), *convs))  # 32x32 -> 16x16, and so on
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
    "baseline_cnn",
    BaselineCNN,
    summary="plain convolutions and max-pooling",
    input_size=32,
    num_classes=10,
    params=7_275_978,
    macs=121_511_104,
    min_size=32,
    report_row="T2",
)
