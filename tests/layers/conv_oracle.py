"""Torch's convolution, against which the faster ones are held."""

from __future__ import annotations

from types import ModuleType

import torch
from torch import Tensor
from torch.nn import functional as F


def random(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def plainly(images: Tensor, weight: Tensor, slopes: Tensor, stride: int) -> tuple[Tensor, ...]:
    """Outputs and gradients of torch's convolution."""
    images, weight = images.detach().requires_grad_(), weight.detach().requires_grad_()
    found = F.conv2d(images, weight, stride=stride, padding=weight.shape[2] // 2)
    return (found, *torch.autograd.grad(found, (images, weight), slopes))


def faster(way: ModuleType, images: Tensor, weight: Tensor, slopes: Tensor, stride: int) -> tuple[Tensor, ...]:
    """The same by a module of the package."""
    found = way.convolve(images, weight, stride)
    gradients = way.gradients_of(images, weight, stride, slopes, True, True)
    return (found, *(gradient for gradient in gradients if gradient is not None))


def sides_after(images: Tensor, stride: int) -> list[int]:
    return [-(-side // stride) for side in images.shape[2:]]
