"""What a training run costs in floating point operations."""

from __future__ import annotations

import copy
import itertools

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from cifarzoo.recipes import Recipe
from cifarzoo.training.history import History

_BATCH = 2  # the fewest that batch norm trains on


def training_pflop(
    model: nn.Module, recipe: Recipe, *, images: float, size_px: int, history: History | None = None
) -> float:
    """Count the operations of a run's forward and backward passes, in units of 10^15.

    Convolutions and matrix products are counted, a multiplication and an addition as two operations; smaller pictures
    count as such, and layers without a gradient not in the backward pass. A convolution counts as the plain sum, though
    a CPU may take fewer operations. Augmentation, optimiser and evaluation are left out.

    Args:
        model: that is trained.
        recipe: whose ``sizes`` and ``freeze`` change the cost on the way.
        images: seen in the whole run, an image as often as it is seen.
        size_px: side of the pictures at the end.
        history: of a run by the clock (``seconds``), whose shares are of its time: tells, to an epoch, how many images
            that was. Without it they count as shares of the images.
    """
    of_images = history.steps_share if history is not None and recipe.seconds else float
    marks = sorted({0.0, 1.0, *(until for until, _ in recipe.sizes), *(start for _, start in recipe.freeze)})
    total = 0.0
    for start, end in itertools.pairwise(marks):
        side = next((side for until, side in recipe.sizes if start < until), size_px)
        frozen = tuple(prefix for prefix, begin in recipe.freeze if begin <= start)
        total += (of_images(end) - of_images(start)) * _flop_an_image(model, side, frozen)
    return total * images / 1e15


def _flop_an_image(model: nn.Module, side: int, frozen: tuple[str, ...]) -> float:
    """Of one image forward and backward, the parameters whose names start with ``frozen`` having no gradient."""
    network = copy.deepcopy(model).to("meta").train()  # only shapes: nothing is computed
    for name, parameter in network.named_parameters():
        if frozen and name.startswith(frozen):
            parameter.requires_grad_(False)
    images = torch.zeros(_BATCH, getattr(model, "in_channels", 3), side, side, device="meta")
    with torch.enable_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        network(images).sum().backward()
    return float(counter.get_total_flops()) / _BATCH
