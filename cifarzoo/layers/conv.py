"""Convolutions as every family here uses them: 3x3, no bias, batch norm behind."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cifarzoo.layers import winograd, winograd_autograd

_FEW_PIXELS = 4  # a 2x2 map: there the CPU's convolution is several times slower than the same work as matrix product


class Conv2d(nn.Conv2d):
    """A convolution that keeps the size at stride 1, without bias, initialised for a ReLU behind it.

    Initialisation: He, Zhang, Ren and Sun, "Delving deep into rectifiers", 2015 (fan-out, so that gradients keep their
    scale). On a CPU, with the same result but for rounding, a 3x3 convolution of many channels takes fewer
    multiplications (``layers.winograd``), and a map of at most 2x2 pixels is one matrix product.
    """

    winograd: bool = True
    """False, of a layer or of the class, leaves such convolutions to torch."""

    def __init__(self, in_channels: int, out_channels: int, *, kernel_size: int = 3, stride: int = 1) -> None:
        super().__init__(in_channels, out_channels, kernel_size, stride, padding=kernel_size // 2, bias=False)

    def reset_parameters(self) -> None:
        """Draw the weights anew."""
        nn.init.kaiming_normal_(self.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, input: Tensor) -> Tensor:
        """(B, C, H, W) to (B, out_channels, H / stride, W / stride), rounded up."""
        if input.device.type != "cpu" or self._is_changed() or _is_exported():
            return super().forward(input)
        stride = self.stride[0]
        pixels = -(-input.shape[2] // stride) * -(-input.shape[3] // stride)
        if self.winograd and self.kernel_size == (3, 3) and stride == 1 and winograd.pays(input, self.weight):
            return winograd_autograd.conv2d(input, self.weight)
        return self._matrix_product(input) if pixels <= _FEW_PIXELS else super().forward(input)

    def _is_changed(self) -> bool:
        """Whether it has got what it was made without: a bias from a fused norm, a dilation in place of a stride."""
        pad = self.kernel_size[0] // 2
        now = (self.groups, self.dilation, self.padding, self.padding_mode)
        return self.bias is not None or now != (1, (1, 1), (pad, pad), "zeros")

    def _matrix_product(self, x: Tensor) -> Tensor:
        side, stride, pad = self.kernel_size[0], self.stride[0], self.kernel_size[0] // 2
        x = F.pad(x.permute(0, 2, 3, 1), (0, 0, pad, pad, pad, pad))  # (B, H + 2 pad, W + 2 pad, C)
        windows = x.unfold(1, side, stride).unfold(2, side, stride)  # (B, H', W', C, side, side)
        rows = windows.permute(0, 1, 2, 4, 5, 3).flatten(3)  # (B, H', W', side * side * C)
        weight = self.weight.permute(0, 2, 3, 1).flatten(1)  # (out_channels, side * side * C)
        return F.linear(rows, weight).permute(0, 3, 1, 2)  # (B, out_channels, H', W'), channels_last


def _is_exported() -> bool:
    """Whether the layer is being written down for elsewhere: it is to be a convolution there."""
    return torch.compiler.is_exporting() or torch.jit.is_tracing()  # type: ignore[attr-defined,no-untyped-call]  # public


class ConvNormAct(nn.Module):
    """Convolution, batch norm, ReLU: (B, C, H, W) float to (B, out_channels, H / stride, W / stride)."""

    def __init__(self, in_channels: int, out_channels: int, *, stride: int = 1) -> None:
        super().__init__()
        self.conv = Conv2d(in_channels, out_channels, stride=stride)
        self.norm = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, out_channels, H / stride, W / stride)."""
        return F.relu(self.norm(self.conv(x)), inplace=True)
