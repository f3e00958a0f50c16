"""What must fit together before anything starts: recipe, model and data."""

from __future__ import annotations

import os
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from cifarzoo.data.loader import ImageSet
from cifarzoo.errors import CifarZooError, RecipeError, SettingError
from cifarzoo.recipes import Recipe
from cifarzoo.training import seeding
from cifarzoo.training.modes import evaluating
from cifarzoo.training.precision import autocast
from cifarzoo.training.shrinking import resized


def choose_device(device: torch.device | str) -> torch.device:
    """The device of that name; ``auto`` is the first of CUDA, MPS and CPU that this machine has.

    Of several processes that torchrun has started, each takes the GPU of its number.

    Raises:
        SettingError: a device that does not exist here, or holds no values.
    """
    if str(device) == "auto":
        device = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    if str(device) == "cuda" and (local_rank := os.environ.get("LOCAL_RANK")):
        device = f"cuda:{local_rank}"
    try:
        torch.ones(1, device=device).item()  # "meta" knows shapes only
    except (RuntimeError, AssertionError) as error:  # torch raises either for a backend that is not built in
        reason = str(error).splitlines()[0]
        raise SettingError(f"device (={str(device)!r}) cannot be used here ({reason}); try 'auto' or 'cpu'") from None
    return torch.device(device)


def check_fit(model: nn.Module, recipe: Recipe, train: ImageSet, *others: ImageSet | None) -> None:
    """Raise RecipeError or SettingError if training could not run with these, as far as the model says what it takes.

    Args:
        model: on any device.
        recipe: of the run.
        train: the training set.
        others: the sets that are scored.
    """
    if hasattr(model, "_orig_mod"):  # its weights would carry the compiler's names
        raise SettingError("the model is compiled already; give the plain one, with compile=True in the recipe")
    check_data(model, train)
    for other in others:
        if other is not None:
            check_data(model, other)
            _check_alike(train, other)
    if recipe.batch_size > len(train.targets):
        raise RecipeError(
            f"batch_size (={recipe.batch_size}) exceeds the {len(train.targets)} training images; lower batch_size"
        )
    min_size = getattr(model, "min_size", 1)
    for _, side in recipe.sizes:
        if side < min_size:
            raise RecipeError(f"sizes has {side} px, the model takes {min_size} px or more; raise it")
        own = min(train.images.shape[-2:])
        if recipe.shrink == "window" and side > own:
            raise RecipeError(f"sizes has windows of {side} px, the pictures have {own}; lower it")


def check_outputs(
    model: nn.Module,
    train: ImageSet,
    *others: ImageSet | None,
    sides_px: Sequence[int] = (),
    precision: str,
    device: torch.device,
) -> None:
    """Send two pictures of each shape through the model: SettingError unless it gives logits of the sets' classes.

    Lazy modules get their shapes from the first of them; nothing else of the model changes.

    Args:
        model: on its device.
        train: the training set.
        others: the sets that are scored.
        sides_px: smaller sides that the training pictures are to have.
        precision: of the run.
        device: the model's.
    """
    datasets = (train, *others)
    of_shape = {dataset.images.shape[1:]: dataset for dataset in datasets if dataset is not None}
    with evaluating(model), torch.no_grad(), seeding.contained(device), autocast(precision, device):
        for dataset in of_shape.values():
            images = dataset.images[[0, -1]].to(device).float() / 255  # (2, C, H, W), their mean does not matter
            _check_logits(model, images, len(dataset.classes))
        images = train.images[[0, -1]].to(device).float() / 255
        for side_px in sides_px:
            _check_logits(model, resized(images, side_px), len(train.classes))


def _check_logits(model: nn.Module, images: Tensor, classes: int) -> None:
    """Raise SettingError unless images (B, C, H, W) give logits (B, classes)."""
    channels, height, width = images.shape[1:]
    pictures = f"pictures of {height}x{width} px with {channels} channel{'s' * (channels > 1)}"
    try:
        logits = model(images)
    except (torch.OutOfMemoryError, CifarZooError):
        raise
    except Exception as error:  # whatever a module of the user's raises; the cause stays visible to him
        reason = " ".join(str(error).split())
        raise SettingError(
            f"{type(model).__name__} does not take {pictures} ({reason}); build it for these, or prepare others"
        ) from error
    found = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
    if found != (len(images), classes):
        raise SettingError(
            f"{type(model).__name__} gives {found} for {len(images)} {pictures}, not {(len(images), classes)}: a logit "
            f"for each of {classes} classes; give it a last layer of {classes} outputs"
        )


def _check_alike(train: ImageSet, other: ImageSet) -> None:
    """Raise SettingError for a set that is not of the training set's kind."""
    if list(other.classes) != list(train.classes):
        raise SettingError("training and test set have different classes; take both from the same data set")
    channels = [dataset.images.shape[1] for dataset in (train, other)]
    if channels[0] != channels[1]:
        raise SettingError(
            f"training and test set have {channels[0]} and {channels[1]} channels; take both from the same data set"
        )


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
