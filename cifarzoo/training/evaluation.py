"""How good a model is on a data set."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cifarzoo.data.loader import ImageSet, Loader
from cifarzoo.errors import DivergedError
from cifarzoo.layers.normalize import normalizes
from cifarzoo.training.allocator import keep_freed_memory
from cifarzoo.training.checks import check_data
from cifarzoo.training.modes import evaluating
from cifarzoo.training.precision import autocast, choose_precision
from cifarzoo.training.ranks import Ranks
from cifarzoo.training.views import average_over_views, check_views

_CALIBRATION_BINS = 15


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """A model's result on a data set."""

    top1: float
    """Percent."""
    top5: float
    """Percent; of all classes where there are fewer than five."""
    loss: float
    """Mean cross-entropy in nats, which is the negative log likelihood of an image."""
    ece: float
    """Expected calibration error, in [0, 1]: how far confidence is from accuracy (Guo et al., 2017; 15 bins)."""
    per_class: Mapping[str, float]
    """Accuracy in percent of each class that has images."""
    images: int
    views: int


def evaluate(
    model: nn.Module,
    dataset: ImageSet,
    *,
    views: int = 1,
    batch_size: int = 500,
    precision: str = "fp32",
    allocator: bool = True,
    on_batch: Callable[[], None] | None = None,
    ranks: Ranks | None = None,
) -> Evaluation:
    """Score a model on every image of a data set.

    Args:
        model: as it is, on its device; it is put in eval mode for the time being.
        dataset: uint8 images and targets.
        views: how many views of each image are averaged: 1, 2 (mirrored) or 6 (also moved by a pixel).
        batch_size: images at a time; it changes the speed only.
        precision: ``fp32``, ``bf16`` or ``auto``. Published numbers are of ``fp32``.
        allocator: keep freed memory in the process (``training.keep_freed_memory``).
        on_batch: called after each batch; what it raises ends the evaluation.
        ranks: processes that share the images; each gets the whole result. None for this one alone.

    Raises:
        SettingError: the data do not fit the model, or an argument is outside what is legal.
        DivergedError: the model's outputs are not finite.
    """
    logits = compute_logits(
        model,
        dataset,
        views=views,
        batch_size=batch_size,
        precision=precision,
        allocator=allocator,
        on_batch=on_batch,
        ranks=ranks,
    )
    return summarize(logits, dataset.targets, dataset.classes, views=views)


def compute_logits(
    model: nn.Module,
    dataset: ImageSet,
    *,
    views: int = 1,
    batch_size: int = 500,
    precision: str = "fp32",
    allocator: bool = True,
    on_batch: Callable[[], None] | None = None,
    ranks: Ranks | None = None,
) -> Tensor:
    """A model's logits for every image of a data set, in its order: arguments and errors as for ``evaluate``.

    Returns:
        (N, K) float32 on the CPU.
    """
    check_data(model, dataset)
    check_views(views)
    if allocator:
        keep_freed_memory()
    device = next((parameter.device for parameter in model.parameters()), torch.device("cpu"))
    precision = choose_precision(precision, device)
    ranks = ranks or Ranks()
    count = len(dataset.targets)
    loader = Loader(
        restated(
            as_model_expects(model, dataset), targets=torch.arange(count)
        ),  # targets that say whose logits these are
        batch_size,
        shuffle=False,
        drop_last=False,
        device=device,
        rank=ranks.rank,
        world_size=ranks.world_size,
    )
    found = [torch.empty(0, len(dataset.classes), device=device)]
    places = [torch.empty(0, dtype=torch.int64, device=device)]
    with evaluating(model), torch.inference_mode(), autocast(precision, device):
        for images, indices in loader:  # (B, C, H, W), (B,)
            found.append(average_over_views(model, images, views))  # (B, K)
            places.append(indices)
            if on_batch is not None:
                on_batch()
    return ranks.gather(torch.cat(found), torch.cat(places), count).cpu()


def summarize(logits: Tensor, targets: Tensor, classes: Sequence[str], *, views: int = 1) -> Evaluation:
    """What logits say about a model.

    Args:
        logits: (N, K) float32.
        targets: (N,) int64.
        classes: K names.
        views: how many views the logits are of.

    Raises:
        DivergedError: logits that are not finite; no accuracy could be read from them.
    """
    broken = int((~logits.isfinite().all(1)).sum())
    if broken:
        raise DivergedError(
            f"the model's outputs are not finite on {broken} of {len(logits)} images, its weights are too large or "
            "broken; train again with a lower lr, a longer warmup_epochs or clip_norm"
        )
    best = logits.topk(min(5, logits.shape[1]), dim=1).indices  # (N, 5)
    right = best[:, 0] == targets  # (N,)
    totals = targets.bincount(minlength=len(classes))  # (K,)
    hits = targets[right].bincount(minlength=len(classes))  # (K,)
    return Evaluation(
        top1=100 * right.double().mean().item(),
        top5=100 * (best == targets[:, None]).any(1).double().mean().item(),
        loss=F.cross_entropy(logits.double(), targets).item(),
        ece=calibration_error(logits.double().softmax(1).amax(1), right),
        per_class={
            name: 100 * hit / total
            for name, hit, total in zip(classes, hits.tolist(), totals.tolist(), strict=True)
            if total
        },
        images=len(targets),
        views=views,
    )


def calibration_error(confidence: Tensor, right: Tensor) -> float:
    """Mean distance of confidence from accuracy, over bins of equal width, weighted by their images.

    Args:
        confidence: (N,) float, the probability of the predicted class.
        right: (N,) bool, whether it is the true one.

    Returns:
        A number in [0, 1].
    """
    bins = (confidence * _CALIBRATION_BINS).ceil().clamp(1, _CALIBRATION_BINS).long() - 1  # (N,), each (low, high]
    gaps = torch.zeros(_CALIBRATION_BINS, dtype=torch.float64)
    gaps.index_add_(0, bins, confidence.double() - right.double())  # images x (confidence - accuracy)
    return gaps.abs().sum().item() / len(confidence)


@dataclass(frozen=True)
class _Restated:
    """A data set under another mean and std: those that a model expects."""

    images: Tensor
    targets: Tensor
    classes: Sequence[str]
    mean: Sequence[float]
    std: Sequence[float]
    name: str = "the data set"
    split: str | None = None
    fingerprint: str | None = None


def as_model_expects(model: nn.Module, dataset: ImageSet) -> ImageSet:
    """The data set under the mean and std that a model wants.

    Those of its card if it was trained before; pixel / 255 untouched if it normalises by itself; the data set's own
    otherwise.
    """
    card = getattr(model, "card", None)
    if normalizes(model):
        channels = dataset.images.shape[1]
        return restated(dataset, mean=[0.0] * channels, std=[1.0] * channels)
    if card is not None and card.mean is not None and card.std is not None:
        return restated(dataset, mean=card.mean, std=card.std)
    return dataset


def restated(
    dataset: ImageSet,
    *,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    targets: Tensor | None = None,
) -> ImageSet:
    """The same images with another mean and std, or other targets."""
    return _Restated(
        dataset.images,
        dataset.targets if targets is None else targets,
        dataset.classes,
        dataset.mean if mean is None else mean,
        dataset.std if std is None else std,
        getattr(dataset, "name", "the data set"),
        getattr(dataset, "split", None),
        getattr(dataset, "fingerprint", None),
    )
