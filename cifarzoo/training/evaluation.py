"""How good a model is on a data set."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cifarzoo.data.loader import ImageSet, Loader
from cifarzoo.errors import SettingError
from cifarzoo.training.allocator import keep_freed_memory
from cifarzoo.training.checks import check_data
from cifarzoo.training.precision import autocast, choose_precision


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """A model's result on a data set: accuracies in percent, ``loss`` the mean cross-entropy in nats."""

    top1: float
    top5: float
    loss: float
    images: int
    views: int


@dataclass(frozen=True)
class _Restated:
    """A data set under another mean and std: those that a model expects."""

    images: Tensor
    targets: Tensor
    classes: Sequence[str]
    mean: Sequence[float]
    std: Sequence[float]


def as_model_expects(model: nn.Module, dataset: ImageSet) -> ImageSet:
    """The data set under the mean and std that a model wants.

    Those of its card if it was trained before; pixel / 255 untouched if it normalises by itself; the data set's own
    otherwise.
    """
    card = getattr(model, "card", None)
    if not isinstance(getattr(model, "normalize", nn.Identity()), nn.Identity):
        channels = dataset.images.shape[1]
        mean, std = [0.0] * channels, [1.0] * channels
    elif card is not None and card.mean is not None and card.std is not None:
        mean, std = card.mean, card.std
    else:
        return dataset
    return restated(dataset, mean, std)


def restated(dataset: ImageSet, mean: Sequence[float], std: Sequence[float]) -> ImageSet:
    """The same images under another mean and std."""
    return _Restated(dataset.images, dataset.targets, dataset.classes, mean, std)


def evaluate(
    model: nn.Module,
    dataset: ImageSet,
    *,
    views: int = 1,
    batch_size: int = 500,
    precision: str = "fp32",
    allocator: bool = True,
    on_batch: Callable[[], None] | None = None,
) -> Evaluation:
    """Score a model on every image of a data set.

    Args:
        model: as it is, on its device; it is put in eval mode for the time being.
        dataset: uint8 images and targets.
        views: how many versions of each image are averaged: 1.
        batch_size: images at a time; it changes the speed only.
        precision: ``fp32``, ``bf16`` or ``auto``. Published numbers are of ``fp32``.
        allocator: keep freed memory in the process (``training.keep_freed_memory``).
        on_batch: called after each batch; what it raises ends the evaluation.

    Raises:
        SettingError: the data do not fit the model, or an argument is outside what is legal.
    """
    check_data(model, dataset)
    if views != 1:
        raise SettingError(f"views (={views!r}) must be 1")
    if allocator:
        keep_freed_memory()
    device = next((parameter.device for parameter in model.parameters()), torch.device("cpu"))
    precision = choose_precision(precision, device)
    loader = Loader(as_model_expects(model, dataset), batch_size, shuffle=False, drop_last=False, device=device)
    top_k = min(5, len(dataset.classes))
    sums = torch.zeros(3, device=device)  # top-1, top-5, loss
    training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            for images, targets in loader:
                with autocast(precision, device):
                    logits = model(images).float()  # (B, K)
                found = logits.topk(top_k, dim=1).indices == targets[:, None]  # (B, top_k)
                loss = F.cross_entropy(logits, targets, reduction="sum")
                sums += torch.stack([found[:, 0].sum(), found.sum(), loss])
                if on_batch is not None:
                    on_batch()
    finally:
        model.train(training)
    top1, top5, loss_sum = sums.tolist()
    count = len(dataset.targets)
    return Evaluation(
        top1=100 * top1 / count, top5=100 * top5 / count, loss=loss_sum / count, images=count, views=views
    )
