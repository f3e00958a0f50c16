"""Parts of a set: stratified splits and subsets."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import Tensor

from cifarzoo.data.dataset import Dataset
from cifarzoo.data.measure import derived_fingerprint
from cifarzoo.draws import Draws
from cifarzoo.errors import SettingError


def stratified(targets: Tensor, fraction: float, *, seed: int) -> tuple[Tensor, Tensor]:
    """Split indices so that each class gives the same share.

    Args:
        targets: (N,) int64.
        fraction: share of the second part, in (0, 1).
        seed: which images.

    Returns:
        (N - M,) and (M,) int64, both ascending. Each class gives the nearest whole number to its share, but at least
        one image to either part where it has two.
    """
    if not 0 < fraction < 1:
        raise SettingError(f"fraction (={fraction}) must be above 0 and below 1")
    keys = Draws(seed, 0, torch.arange(len(targets))).bits("stratified")[:, 0]  # (N,)
    held_out = torch.zeros(len(targets), dtype=torch.bool)
    for label in targets.bincount().nonzero()[:, 0]:
        rows = (targets == label).nonzero()[:, 0]  # (images of the class,)
        count = min(max(round(fraction * len(rows)), 1), len(rows) - 1)
        held_out[rows[keys[rows].argsort(stable=True)[:count]]] = True
    return (~held_out).nonzero()[:, 0], held_out.nonzero()[:, 0]


def split(dataset: Dataset, fraction: float, seed: int = 0) -> tuple[Dataset, Dataset]:
    """Hold a stratified part out.

    Args:
        dataset: any set.
        fraction: share of the second part, in (0, 1).
        seed: which images.

    Returns:
        The rest and the part held out; each has images of its own in memory.
    """
    rest, held_out = stratified(dataset.targets, fraction, seed=seed)
    return subset(dataset, rest), subset(dataset, held_out)


def sample(dataset: Dataset, images: int, *, seed: int = 0) -> Dataset:
    """About so many images, the same share of each class; the set itself for as many as it has or more."""
    if images >= len(dataset):
        return dataset
    return subset(dataset, stratified(dataset.targets, images / len(dataset), seed=seed)[1])


def subset(dataset: Dataset, indices: Tensor | Sequence[int]) -> Dataset:
    """The images of these indices, in their order.

    Args:
        dataset: any set.
        indices: (M,) in 0 ... N - 1.

    Returns:
        A set of the same kind with a copy of these images; mean, std and classes stay those of the whole.
    """
    rows = torch.as_tensor(indices)
    whole = not rows.numel() or not (rows.dtype == torch.bool or rows.is_floating_point())  # a mask is no list
    if not whole or rows.ndim != 1 or (len(rows) and not 0 <= int(rows.min()) <= int(rows.max()) < len(dataset)):
        raise SettingError(f"indices must be a list of whole numbers in 0 ... {len(dataset) - 1}")
    rows = rows.to(torch.int64)
    part = copy.copy(dataset)
    part.images, part.targets = dataset.images[rows], dataset.targets[rows]
    part.columns = {name: column[rows] for name, column in dataset.columns.items()}
    part.fingerprint = derived_fingerprint("subset", dataset.fingerprint, rows.tolist())
    return part


def concat(datasets: Sequence[Dataset]) -> Dataset:
    """Put sets with the same classes and image size one after the other.

    Args:
        datasets: at least one; mean, std and names are those of the first.

    Returns:
        A set with a copy of all images.
    """
    if not datasets:
        raise SettingError("datasets is empty; give at least one")
    first = datasets[0]
    for other in datasets[1:]:
        if other.classes != first.classes or other.images.shape[1:] != first.images.shape[1:]:
            raise SettingError(f"{other!r} and {first!r} differ in classes or image size; they cannot be put together")
    whole = copy.copy(first)
    whole.images = torch.cat([dataset.images for dataset in datasets])  # (N, C, H, W)
    whole.targets = torch.cat([dataset.targets for dataset in datasets])  # (N,)
    shared = set.intersection(*(set(dataset.columns) for dataset in datasets))
    whole.columns = {name: torch.cat([dataset.columns[name] for dataset in datasets]) for name in sorted(shared)}
    whole.fingerprint = derived_fingerprint("concat", *(dataset.fingerprint for dataset in datasets))
    return whole
