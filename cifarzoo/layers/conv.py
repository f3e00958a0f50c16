"""Convolutions as every family here uses them: 3x3, no bias, batch norm behind."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F


class Conv2d(nn.Conv2d):
    """A convolution that keeps the size at stride 1, without bias, initialised for a ReLU behind it.

    He, Zhang, Ren and Sun, "Delving deep into rectifiers", 2015 (fan-out, so that gradients keep their scale).
    """

    def __init__(self, in_channels: int, out_channels: int, *, kernel_size: int = 3, stride: int = 1) -> None:
        super().__init__(in_channels, out_channels, kernel_size, stride, padding=kernel_size // 2, bias=False)

    def reset_parameters(self) -> None:
        """Draw the weights anew."""
        nn.init.kaiming_normal_(self.weight, mode="fan_out", nonlinearity="relu")


class ConvNormAct(nn.Module):
    """Convolution, batch norm, ReLU: (B, C, H, W) float to (B, out_channels, H / stride, W / stride)."""

    def __init__(self, in_channels: int, out_channels: int, *, stride: int = 1) -> None:
        super().__init__()
        self.conv = Conv2d(in_channels, out_channels, stride=stride)
        self.norm = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, out_channels, H / stride, W / stride)."""
        return F.relu(self.norm(self.conv(x)), inplace=True)
