"""Winograd's convolutions with their gradients: for autograd as it runs, and as operators for what is compiled."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from cifarzoo.layers.winograd import best_tile, convolve, gradients_of


def conv2d(images: Tensor, weight: Tensor, *, tile: int | None = None) -> Tensor:
    """What ``torch.nn.functional.conv2d`` gives with a padding of 1, in channels_last order.

    Args:
        images: (B, C, H, W) float, fastest in channels_last order.
        weight: (K, C, 3, 3), of the same type.
        tile: side of the tiles, 2 to 4; None takes the best.

    Returns:
        (B, K, H, W).
    """
    tile = tile or best_tile(images.shape[2], images.shape[3])
    found: Tensor = (_operator if torch.compiler.is_compiling() else _Conv2d.apply)(images, weight, tile)
    return found


class _Conv2d(torch.autograd.Function):
    """The convolution and its gradients."""

    @staticmethod
    def forward(images: Tensor, weight: Tensor, tile: int) -> Tensor:
        """(B, C, H, W) to (B, K, H, W)."""
        return convolve(images, weight, tile)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, int], output: Tensor) -> None:
        """Keep what the gradients need."""
        images, weight, ctx.tile = inputs
        ctx.save_for_backward(images, weight)
        ctx.save_for_forward(images, weight)

    @staticmethod
    def vmap(
        info: Any, in_dims: tuple[int | None, int | None, None], images: Tensor, weight: Tensor, tile: int
    ) -> tuple[Tensor, int]:
        """Under ``torch.vmap``: torch's own."""
        return torch.vmap(partial(F.conv2d, padding=1), in_dims[:2])(images, weight), 0

    @staticmethod
    def jvp(ctx: Any, of_images: Tensor | None, of_weight: Tensor | None, _: None) -> Tensor:
        """In forward mode: torch's own."""
        images, weight = ctx.saved_tensors
        of_images = torch.zeros_like(images) if of_images is None else of_images
        of_weight = torch.zeros_like(weight) if of_weight is None else of_weight
        return F.conv2d(of_images, weight, padding=1) + F.conv2d(images, of_weight, padding=1)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        """The gradients of images and weight."""
        images, weight = ctx.saved_tensors
        wants_images, wants_weight, _ = ctx.needs_input_grad
        if torch.is_grad_enabled():  # a gradient of these gradients is asked for: torch knows its own
            wanted = [wants_images, wants_weight, False]
            plain = torch.ops.aten.convolution_backward.default
            found = plain(gradients[0], images, weight, None, [1, 1], [1, 1], [1, 1], False, [0, 0], 1, wanted)
            return found[0], found[1], None
        return *gradients_of(images, weight, ctx.tile, gradients[0], wants_images, wants_weight), None


# ---- operators: the compiler sees one call instead of tens, and fuses what stands around it


@torch.library.custom_op("cifarzoo::winograd_conv2d", mutates_args=())
def _operator(images: Tensor, weight: Tensor, tile: int) -> Tensor:
    return convolve(images, weight, tile)


@_operator.register_fake
def _(images: Tensor, weight: Tensor, tile: int) -> Tensor:
    return _channels_last(images, len(weight))


@torch.library.custom_op("cifarzoo::winograd_conv2d_backward", mutates_args=())
def _backward_operator(
    images: Tensor, weight: Tensor, tile: int, slopes: Tensor, wants_images: bool, wants_weight: bool
) -> tuple[Tensor, Tensor]:
    of_images, of_weight = gradients_of(images, weight, tile, slopes, wants_images, wants_weight)
    nothing = images.new_empty(0)  # an operator gives tensors
    return nothing if of_images is None else of_images, nothing.clone() if of_weight is None else of_weight


@_backward_operator.register_fake
def _(
    images: Tensor, weight: Tensor, tile: int, slopes: Tensor, wants_images: bool, wants_weight: bool
) -> tuple[Tensor, Tensor]:
    wanted, given = weight.shape[:2]
    of_weight = weight.new_empty(3, 3, given, wanted).permute(3, 2, 0, 1) if wants_weight else weight.new_empty(0)
    return _channels_last(images, given) if wants_images else images.new_empty(0), of_weight


def _channels_last(images: Tensor, channels: int) -> Tensor:
    """An empty map for each image (B, channels, H, W)."""
    return images.new_empty(len(images), *images.shape[2:], channels).permute(0, 3, 1, 2)


def _setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, int], output: Tensor) -> None:
    images, weight, ctx.tile = inputs
    ctx.save_for_backward(images, weight)


def _backward(ctx: Any, slopes: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
    images, weight = ctx.saved_tensors
    wants_images, wants_weight, _ = ctx.needs_input_grad
    of_images, of_weight = _backward_operator(images, weight, ctx.tile, slopes, wants_images, wants_weight)
    return of_images if wants_images else None, of_weight if wants_weight else None, None


_operator.register_autograd(_backward, setup_context=_setup_context)
