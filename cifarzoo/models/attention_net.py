"""Attention blocks behind a convolutional stem.

The frame is that of the residual networks; the residual blocks are replaced by transformer blocks (Vaswani et al.,
2017) at two resolutions, 8x8 and 4x4. Convolutions read the pixels, since patches alone learn slowly from 50,000 images
(Hassani et al., "Escaping the big data paradigm with compact transformers", 2021). The grid of learned positions is
interpolated where the map has another size than it was made for. 8.97M parameters for 10 classes.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cifarzoo.layers.attention import AttentionBlock
from cifarzoo.layers.conv import Conv2d, ConvNormAct
from cifarzoo.models.base import Classifier
from cifarzoo.registry import register


class AttentionStage(nn.Module):
    """A strided convolution, learned positions, attention blocks, a layer norm; maps in, maps out.

    Args:
        in_channels: channels of the input.
        width: channels of the output.
        depth: attention blocks.
        grid_size: side of the grid of learned positions.
        mlp_ratio: width of a block's hidden layer over ``width``.
    """

    def __init__(self, in_channels: int, width: int, *, depth: int, grid_size: int, mlp_ratio: int) -> None:
        super().__init__()
        self.conv = Conv2d(in_channels, width, stride=2)
        self.conv_norm = nn.BatchNorm2d(width)
        self.position = nn.Parameter(torch.empty(1, width, grid_size, grid_size))
        nn.init.trunc_normal_(self.position, std=0.02)
        self.blocks = nn.Sequential(*[AttentionBlock(width, mlp_ratio=mlp_ratio) for _ in range(depth)])
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, width, H / 2, W / 2)."""
        x = self.conv_norm(self.conv(x))  # (B, D, H / 2, W / 2)
        size = (x.shape[2], x.shape[3])
        position: Tensor = self.position
        if size != (position.shape[2], position.shape[3]):
            position = F.interpolate(position, size=size, mode="bilinear", align_corners=False)  # (1, D, H / 2, W / 2)
        tokens: Tensor = (x + position.to(x.dtype)).flatten(2).transpose(1, 2)  # (B, T, D)
        tokens = self.norm(self.blocks(tokens))
        return tokens.transpose(1, 2).reshape(x.shape)  # (B, D, H / 2, W / 2)


class AttentionNet(Classifier):
    """A stem of two convolutions that halves the map, then stages of attention that each halve it again.

    Args:
        num_classes: number of logits; 0 leaves the pooled features.
        in_channels: channels of the input.
        stem_widths: channels of the two convolutions of the stem.
        widths: channels of each stage, multiples of 64, the width of a head.
        depths: attention blocks in each stage.
        mlp_ratio: width of a block's hidden layer over that of the stage.
        dropout: probability of dropping a pooled feature.
    """

    def __init__(
        self,
        *,
        num_classes: int,
        in_channels: int = 3,
        stem_widths: tuple[int, int] = (48, 128),
        widths: Sequence[int] = (192, 448),
        depths: Sequence[int] = (5, 3),
        mlp_ratio: int = 3,
        dropout: float = 0.0,
    ) -> None:
        stem = nn.Sequential(
            ConvNormAct(in_channels, stem_widths[0]),
            ConvNormAct(stem_widths[0], stem_widths[1], stride=2),  # 32x32 -> 16x16
        )
        stages, previous = [], stem_widths[1]
        for index, (width, depth) in enumerate(zip(widths, depths, strict=True)):
            grid_size = max(1, 8 // 2**index)  # 16x16 -> 8x8, then 8x8 -> 4x4
            stages.append(AttentionStage(previous, width, depth=depth, grid_size=grid_size, mlp_ratio=mlp_ratio))
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
    "attention_net",
    AttentionNet,
    summary="attention at 8x8 and 4x4 behind a convolutional stem",
    paper="Vaswani et al., Attention is all you need, 2017",
    input_size=32,
    num_classes=10,
    params=8_970_746,
    macs=264_884_608,
    min_size=16,
    report_row="T7",
)
