"""What must fit together before anything starts: recipe, model and data."""

from __future__ import annotations

import os

import torch
from torch import nn

from cifarzoo.data.loader import ImageSet
from cifarzoo.errors import RecipeError, SettingError
from cifarzoo.recipes import Recipe


def choose_device(device: torch.device | str) -> torch.device:
    """The device of that name; ``auto`` is the first of CUDA, MPS and CPU that this machine has.

    Of several processes that torchrun has started, each takes the GPU of its number.

    Raises:
        SettingError: a device that does not exist here.
    """
    if str(device) == "auto":
        device = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:  # torch raises either for a backend that is not built in
        reason = str(error).splitlines()[0]
        raise SettingError(f"device (={str(device)!r}) cannot be used here ({reason}); try 'auto' or 'cpu'") from None
    local_rank = os.environ.get("LOCAL_RANK")
    return torch.device("cuda", int(local_rank)) if str(device) == "cuda" and local_rank else torch.device(device)


def check_fit(model: nn.Module, recipe: Recipe, train: ImageSet, test: ImageSet | None) -> None:
    """Raise RecipeError or SettingError if training could not run with these."""
    check_data(model, train)
    if test is not None:
        check_data(model, test)
        if list(test.classes) != list(train.classes):
            raise SettingError("training and test set have different classes; take both from the same data set")
    if recipe.batch_size > len(train.targets):
        raise RecipeError(
            f"batch_size (={recipe.batch_size}) exceeds the {len(train.targets)} training images; lower batch_size"
        )
    min_size = getattr(model, "min_size", 1)
    for _, side in recipe.sizes:
        if side < min_size:
            raise RecipeError(f"sizes has {side} px, the model takes {min_size} px or more; raise it")


def check_data(model: nn.Module, dataset: ImageSet) -> None:
    """Raise SettingError if a data set does not fit a model: classes, channels, smallest side, an empty set."""
    count, channels, height, width = dataset.images.shape
    classes, name = len(dataset.classes), getattr(dataset, "name", "the data set")
    if not count:
        raise SettingError(f"{name} holds no image; choose a larger part of it")
    num_classes = getattr(model, "num_classes", classes)
    if num_classes != classes:
        raise SettingError(
            f"{name} has {classes} classes, the model num_classes={num_classes}; create it with num_classes={classes}"
        )
    in_channels = getattr(model, "in_channels", channels)
    if in_channels != channels:
        raise SettingError(
            f"{name} has {channels} channels, the model in_channels={in_channels}; create it with {channels}"
        )
    min_size = getattr(model, "min_size", 1)
    if min(height, width) < min_size:
        raise SettingError(
            f"{name} has images of {height}x{width} px, the model takes {min_size} px or more; resize them"
        )
