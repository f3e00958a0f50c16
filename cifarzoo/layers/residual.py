"""The residual block of He, Zhang, Ren and Sun, "Deep residual learning for image recognition", 2015."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from cifarzoo.layers.conv import Conv2d


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with batch norm around a skip path, ReLU behind the sum.

    The last norm starts at zero, so that a new block passes its input on (Goyal et al., "Accurate, large minibatch
    SGD", 2017). Where the shape changes, the skip path averages 2x2 pixels and projects (He, Zhang et al., "Bag of
    tricks for image classification with convolutional neural networks", 2018).

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        stride: 1, or 2 to halve the map (rounded up).
    """

    def __init__(self, in_channels: int, out_channels: int, *, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = Conv2d(in_channels, out_channels, stride=stride)
        self.norm1 = nn.BatchNorm2d(out_channels)
        self.conv2 = Conv2d(out_channels, out_channels)
        self.norm2 = nn.BatchNorm2d(out_channels)
        nn.init.zeros_(self.norm2.weight)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or in_channels != out_channels:
            self.shortcut = nn.Sequential(
                nn.AvgPool2d(stride, ceil_mode=True) if stride != 1 else nn.Identity(),
                Conv2d(in_channels, out_channels, kernel_size=1),
                nn.BatchNorm2d(out_channels),
            )

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, out_channels, H / stride, W / stride)."""
        y = F.relu(self.norm1(self.conv1(x)), inplace=True)  # (B, out_channels, H / stride, W / stride)
        y = self.norm2(self.conv2(y))
        return F.relu(y.add_(self.shortcut(x)), inplace=True)


def residual_stage(in_channels: int, out_channels: int, depth: int, *, stride: int) -> nn.Sequential:
    """``depth`` residual blocks, the first of which has the stride and changes the channels."""
    first = ResidualBlock(in_channels, out_channels, stride=stride)
    return nn.Sequential(first, *[ResidualBlock(out_channels, out_channels) for _ in range(depth - 1)])
