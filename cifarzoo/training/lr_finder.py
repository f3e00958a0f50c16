"""The learning rate range test: which peak learning rate to try first."""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from cifarzoo.data.loader import ImageSet, Loader
from cifarzoo.errors import DivergedError, SettingError
from cifarzoo.recipes import Recipe
from cifarzoo.training import seeding
from cifarzoo.training.batches import create_loader, memory_format
from cifarzoo.training.checks import check_fit, check_outputs, choose_device
from cifarzoo.training.guard import Guard
from cifarzoo.training.losses import backward
from cifarzoo.training.optim import create_optimizer, set_lr
from cifarzoo.training.precision import autocast, choose_precision, flushed_denormals
from cifarzoo.training.preparing import initialize_from_data

_SMOOTHING = 0.9  # of the running mean that the suggestion is read from
_TOO_MUCH = 2.0  # times the lowest loss: the test ends there
_FEWEST = 5  # points to read a suggestion from
_HIGHEST = 1e30  # optimisers multiply a learning rate by more than 1: beyond 3e38 torch takes it for no fp32 number


@dataclass(frozen=True, kw_only=True)
class LrRange:
    """What a range test found: the (smoothed) training loss at each learning rate, and the one to try."""

    lrs: tuple[float, ...]
    losses: tuple[float, ...]
    suggested: float


def find_lr(
    model: nn.Module,
    recipe: Recipe,
    train: ImageSet,
    *,
    lowest: float = 1e-5,
    highest: float = 10.0,
    steps: int = 100,
    device: torch.device | str = "auto",
) -> LrRange:
    """Train a copy of the model for a few steps at ever larger learning rates (Smith, "Cyclical learning rates", 2017).

    Args:
        model: stays as it is.
        recipe: its optimiser, batch size, augmentation, smoothing and precision are used.
        train: the training set.
        lowest: learning rate of the first step.
        highest: learning rate of the last; the test ends earlier when the loss has doubled from its lowest.
        steps: of the test.
        device: as for ``Trainer``.

    Returns:
        The curve, and as suggestion the learning rate at which the loss fell fastest.

    Raises:
        SettingError, RecipeError: the range is empty or its steps too large, or model, recipe and data do not fit.
        DivergedError: the loss is not finite from the start.
    """
    _check_range(lowest, highest, steps)
    check_fit(model, recipe, train)
    device = choose_device(device)
    precision = choose_precision(recipe.precision, device)
    model = copy.deepcopy(model).to(device).to(memory_format=memory_format(recipe)).train()
    check_outputs(model, train, precision=precision, device=device)
    optimizer = create_optimizer(model, recipe, precision=precision)
    initialize_from_data(model, train)
    guard = Guard(model, optimizer, clip_norm=recipe.clip_norm, device=device)
    loader = create_loader(model, recipe, train, device=device)
    curve: dict[float, float] = {}  # learning rate to smoothed loss
    mean = 0.0
    with flushed_denormals(), seeding.contained(device):
        for step, (images, targets) in enumerate(_batches(loader, steps)):
            seeding.seed_step(recipe.seed, step)
            set_lr(optimizer, lr := lowest * (highest / lowest) ** (step / (steps - 1)))
            loss, _ = backward(
                model,
                images,
                targets,
                parts=recipe.accumulate,
                label_smoothing=recipe.label_smoothing,
                autocast=lambda: autocast(precision, device),
            )
            mean = _SMOOTHING * mean + (1 - _SMOOTHING) * loss.item()
            smoothed = mean / (1 - _SMOOTHING ** (step + 1))  # without the zero that the mean began with
            if not math.isfinite(smoothed) or (curve and smoothed > _TOO_MUCH * min(curve.values())):
                break
            curve[lr] = smoothed
            guard.update(loss, step=step + 1)
    _check_found(curve, lowest, highest, steps)
    return LrRange(lrs=tuple(curve), losses=tuple(curve.values()), suggested=_steepest([*curve], [*curve.values()]))


def _batches(loader: Loader, count: int) -> Iterator[tuple[Tensor, Tensor]]:
    """So many batches, of as many epochs as it takes."""
    return itertools.islice(itertools.chain.from_iterable(iter(loader) for _ in itertools.count()), count)


def _check_range(lowest: float, highest: float, steps: int) -> None:
    """Raise SettingError for a range that holds nothing."""
    if not 0 < lowest < highest <= _HIGHEST or steps < 10:
        raise SettingError(
            f"lowest (={lowest}) must be above 0 and below highest (={highest}), that {_HIGHEST} or less, and steps "
            f"(={steps}) 10 or more"
        )


def _check_found(curve: Mapping[float, float], lowest: float, highest: float, steps: int) -> None:
    """Raise DivergedError or SettingError for a curve that is too short to read anything from it."""
    if not curve:
        raise DivergedError("the loss is not finite before the first step; check the model and the images")
    if len(curve) < _FEWEST:
        raise SettingError(
            f"the loss blew up after {len(curve)} of {steps} steps, too few to suggest anything; lower lowest "
            f"(={lowest}) or highest (={highest}), or take more steps"
        )


def _steepest(lrs: list[float], losses: list[float]) -> float:
    """The learning rate where the loss falls fastest over its logarithm: before the lowest loss, if there is a fall."""
    lowest = losses.index(min(losses))
    slopes = [after - before for before, after in itertools.pairwise(losses[: lowest + 1])]
    return lrs[slopes.index(min(slopes))] if slopes else lrs[0]
