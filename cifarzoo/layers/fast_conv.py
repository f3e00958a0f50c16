"""Faster convolutions with their gradients: for autograd as it runs, and as operators for what is compiled."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from cifarzoo.layers import patches, strips, winograd

_PATCHES, _STRIPS = 0, 1  # in place of a tile's side


def by_tiles(images: Tensor, weight: Tensor, *, tile: int | None = None) -> Tensor:
    """What ``torch.nn.functional.conv2d`` gives with a padding of 1, in channels_last order, by Winograd's algorithm.

    Args:
        images: (B, C, H, W) float, fastest in channels_last order.
        weight: (K, C, 3, 3), of the same type.
        tile: side of the tiles, 2 to 4; None takes the best.

    Returns:
        (B, K, H, W).
    """
    return _conv2d(images, weight, 1, tile or winograd.best_tile(images.shape[2], images.shape[3]))


def by_patches(images: Tensor, weight: Tensor, *, stride: int = 1) -> Tensor:
    """The same for any odd side of a filter and any stride, by one matrix product.

    Args:
        images: (B, C, H, W) float, fastest in channels_last order.
        weight: (K, C, side, side), of the same type.
        stride: px from one patch to the next.

    Returns:
        (B, K, H / stride, W / stride), rounded up.
    """
    return _conv2d(images, weight, stride, _PATCHES)


def by_strips(images: Tensor, weight: Tensor, *, stride: int = 1) -> Tensor:
    """The same, several maps at a time: see ``by_patches``."""
    return _conv2d(images, weight, stride, _STRIPS)


def _conv2d(images: Tensor, weight: Tensor, stride: int, tile: int) -> Tensor:
    found: Tensor = (_operator if torch.compiler.is_compiling() else _Conv2d.apply)(images, weight, stride, tile)
    return found


def _convolve(images: Tensor, weight: Tensor, stride: int, tile: int) -> Tensor:
    if tile == _PATCHES:
        return patches.convolve(images, weight, stride)
    if tile == _STRIPS:
        return strips.convolve(images, weight, stride)
    return winograd.convolve(images, weight, tile)


def _gradients_of(
    images: Tensor, weight: Tensor, stride: int, tile: int, slopes: Tensor, wants_images: bool, wants_weight: bool
) -> tuple[Tensor | None, Tensor | None]:
    if tile == _PATCHES:
        return patches.gradients_of(images, weight, stride, slopes, wants_images, wants_weight)
    if tile == _STRIPS:
        return strips.gradients_of(images, weight, stride, slopes, wants_images, wants_weight)
    return winograd.gradients_of(images, weight, tile, slopes, wants_images, wants_weight)


class _Conv2d(torch.autograd.Function):
    """The convolution and its gradients."""

    @staticmethod
    def forward(images: Tensor, weight: Tensor, stride: int, tile: int) -> Tensor:
        """(B, C, H, W) to (B, K, H / stride, W / stride)."""
        return _convolve(images, weight, stride, tile)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, int, int], output: Tensor) -> None:
        """Keep what the gradients need."""
        images, weight, ctx.stride, ctx.tile = inputs
        ctx.save_for_backward(images, weight)
        ctx.save_for_forward(images, weight)

    @staticmethod
    def vmap(
        info: Any, in_dims: tuple[int | None, ...], images: Tensor, weight: Tensor, stride: int, tile: int
    ) -> tuple[Tensor, int]:
        """Under ``torch.vmap``: torch's own."""
        plain = partial(F.conv2d, stride=stride, padding=weight.shape[-1] // 2)
        return torch.vmap(plain, in_dims[:2])(images, weight), 0

    @staticmethod
    def jvp(ctx: Any, of_images: Tensor | None, of_weight: Tensor | None, *_: None) -> Tensor:
        """In forward mode: torch's own."""
        images, weight = ctx.saved_tensors
        of_images = torch.zeros_like(images) if of_images is None else of_images
        of_weight = torch.zeros_like(weight) if of_weight is None else of_weight
        plain = partial(F.conv2d, stride=ctx.stride, padding=weight.shape[-1] // 2)
        return plain(of_images, weight) + plain(images, of_weight)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        """The gradients of images and weight."""
        images, weight = ctx.saved_tensors
        wants_images, wants_weight = ctx.needs_input_grad[:2]
        if torch.is_grad_enabled():  # a gradient of these gradients is asked for: torch knows its own
            found = patches.torchs_gradients_of(images, weight, ctx.stride, gradients[0], wants_images, wants_weight)
            return *found, None, None
        asked = (images, weight, ctx.stride, ctx.tile, gradients[0], wants_images, wants_weight)
        return *_gradients_of(*asked), None, None


# ---- operators: the compiler sees one call instead of tens, and fuses what stands around it


@torch.library.custom_op("cifarzoo::conv2d", mutates_args=())
def _operator(images: Tensor, weight: Tensor, stride: int, tile: int) -> Tensor:
    return _convolve(images, weight, stride, tile)


@_operator.register_fake
def _(images: Tensor, weight: Tensor, stride: int, tile: int) -> Tensor:
    return _channels_last(images, len(weight), stride)


@torch.library.custom_op("cifarzoo::conv2d_backward", mutates_args=())
def _backward_operator(
    images: Tensor, weight: Tensor, stride: int, tile: int, slopes: Tensor, wants_images: bool, wants_weight: bool
) -> tuple[Tensor, Tensor]:
    of_images, of_weight = _gradients_of(images, weight, stride, tile, slopes, wants_images, wants_weight)
    nothing = images.new_empty(0)  # an operator gives tensors
    if of_images is not None and not of_images.is_contiguous(memory_format=torch.channels_last):
        of_images = of_images.contiguous(memory_format=torch.channels_last)  # as it was promised
    return nothing if of_images is None else of_images, nothing.clone() if of_weight is None else of_weight


@_backward_operator.register_fake
def _(
    images: Tensor, weight: Tensor, stride: int, tile: int, slopes: Tensor, wants_images: bool, wants_weight: bool
) -> tuple[Tensor, Tensor]:
    wanted, given, side, _ = weight.shape
    of_weight = weight.new_empty(0)
    if wants_weight and tile in (_PATCHES, _STRIPS):
        of_weight = weight.new_empty(wanted, side, side, given).permute(0, 3, 1, 2)
    elif wants_weight:
        of_weight = weight.new_empty(side, side, given, wanted).permute(3, 2, 0, 1)
    return _channels_last(images, given, 1) if wants_images else images.new_empty(0), of_weight


def _channels_last(images: Tensor, channels: int, stride: int) -> Tensor:
    """An empty map for each image (B, channels, H / stride, W / stride)."""
    height, width = (-(-side // stride) for side in images.shape[2:])
    return images.new_empty(len(images), height, width, channels).permute(0, 3, 1, 2)


def _setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, int, int], output: Tensor) -> None:
    images, weight, ctx.stride, ctx.tile = inputs
    ctx.save_for_backward(images, weight)


def _backward(ctx: Any, slopes: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
    images, weight = ctx.saved_tensors
    wants_images, wants_weight = ctx.needs_input_grad[:2]
    asked = (images, weight, ctx.stride, ctx.tile, slopes, wants_images, wants_weight)
    of_images, of_weight = _backward_operator(*asked)
    return of_images if wants_images else None, of_weight if wants_weight else None, None, None


_operator.register_autograd(_backward, setup_context=_setup_context)
