"""The report's final structure: a residual network of 17 convolution and linear layers.

Two convolutions in the stem, seven residual blocks of two (He et al., 2015), one linear layer; the projections on the
skip paths are not counted. Unlike the networks of the paper it goes down to 2x2 maps, where its last and widest stage
holds four fifths of the parameters at a third of the cost. ``resnet17``: 53.24M parameters for 10 classes at 32x32;
``resnet17_64``: the same layers with a stem that halves the map twice, 46.87M for 200 classes at 64x64.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from cifarzoo.layers.conv import ConvNormAct
from cifarzoo.layers.residual import residual_stage
from cifarzoo.models.base import Classifier
from cifarzoo.registry import register


class ResNet(Classifier):
    """A stem of two convolutions, then stages of residual blocks, each but the first of which halves the map.

    Args:
        num_classes: number of logits; 0 leaves the pooled features.
        in_channels: channels of the input.
        stem_width: channels of the first convolution; the second has those of the first stage.
        stem_stride: stride of the first convolution; the second has stride 2.
        widths: channels of each stage.
        depths: residual blocks in each stage.
        dropout: probability of dropping a pooled feature.
    """

    def __init__(
        self,
        *,
        num_classes: int,
        in_channels: int = 3,
        stem_width: int = 48,
        stem_stride: int = 1,
        widths: Sequence[int] = (96, 192, 560, 1152),
        depths: Sequence[int] = (1, 2, 2, 2),
        dropout: float = 0.0,
    ) -> None:
        stem = nn.Sequential(
            ConvNormAct(in_channels, stem_width, stride=stem_stride),
            ConvNormAct(stem_width, widths[0], stride=2),  # 32x32 -> 16x16
        )
        stages, previous = [], widths[0]
        for index, (width, depth) in enumerate(zip(widths, depths, strict=True)):
            stages.append(residual_stage(previous, width, depth, stride=1 if index == 0 else 2))  # 16x16 -> 8x8, ...
            previous = width
        super().__init__(
            stem=stem,
            stages=stages,
            widths=widths,
            reductions=[2 * stem_stride * 2**index for index in range(len(widths))],
            num_classes=num_classes,
            in_channels=in_channels,
            dropout=dropout,
        )


register(
    "resnet17",
    ResNet,
    summary="17-layer residual network, widest at 2x2",
    paper="He, Zhang, Ren and Sun, Deep residual learning for image recognition, 2015",
    input_size=32,
    num_classes=10,
    params=53_244_954,
    macs=451_730_688,
    min_size=32,
    report_row="T8",
)
register(
    "resnet17_64",
    ResNet,
    settings={"stem_stride": 2, "widths": (96, 192, 576, 1040)},
    summary="resnet17 with a stem for 64x64",
    paper="He, Zhang, Ren and Sun, Deep residual learning for image recognition, 2015",
    input_size=64,
    num_classes=200,
    params=46_872_728,
    macs=431_913_088,
    min_size=32,
    report_row="T9",
)
