"""Convolutions as every family here uses them: 3x3, no bias, batch norm behind."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cifarzoo.layers import fast_conv, patches, strips, winograd


class Conv2d(nn.Conv2d):
    """A convolution that keeps the size at stride 1, without bias, initialised for a ReLU behind it.

    Initialisation: He, Zhang, Ren and Sun, "Delving deep into rectifiers", 2015 (fan-out, so that gradients keep their
    scale). On a CPU, with the same result but for rounding, a 3x3 convolution of many channels takes fewer
    multiplications (``layers.winograd``), one on maps of few pixels is one matrix product (``layers.patches``), and in
    bf16 small maps are taken several at a time (``layers.strips``).
    """

    fast: bool = True
    """False, of a layer or of the class, leaves all to torch."""

    def __init__(self, in_channels: int, out_channels: int, *, kernel_size: int = 3, stride: int = 1) -> None:
        super().__init__(in_channels, out_channels, kernel_size, stride, padding=kernel_size // 2, bias=False)

    def reset_parameters(self) -> None:
        """Draw the weights anew."""
        nn.init.kaiming_normal_(self.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, input: Tensor) -> Tensor:
        """(B, C, H, W) to (B, out_channels, H / stride, W / stride), rounded up."""
        is_plain = self.fast and self.kernel_size[0] % 2 and not self._is_changed()
        if input.device.type != "cpu" or not is_plain or _is_exported():
            return super().forward(input)
        input, weight, stride = _autocast(input), _autocast(self.weight), self.stride[0]
        if self.kernel_size == (3, 3) and stride == 1 and winograd.pays(input, weight):
            return fast_conv.by_tiles(input, weight)
        if patches.pays(input, stride):
            return fast_conv.by_patches(input, weight, stride=stride)
        if strips.pays(input, weight, stride):
            return fast_conv.by_strips(input, weight, stride=stride)
        found: Tensor = self._conv_forward(input, weight, None)
        return found

    def _is_changed(self) -> bool:
        """Whether it has got what it was made without: a bias from a fused norm, a dilation in place of a stride."""
        pad = self.kernel_size[0] // 2
        now = (self.groups, self.dilation, self.padding, self.padding_mode)
        return self.bias is not None or now != (1, (1, 1), (pad, pad), "zeros")


def _autocast(tensor: Tensor) -> Tensor:
    """The tensor as torch's own convolution would take it; 64 bits stay."""
    if not torch.is_autocast_enabled("cpu") or tensor.dtype == torch.float64:
        return tensor
    return tensor.to(torch.get_autocast_dtype("cpu"))


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
