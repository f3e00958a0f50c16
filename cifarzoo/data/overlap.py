"""Images that two sets share, or that one has twice, pixel by pixel."""

from __future__ import annotations

import hashlib

import torch
from torch import Tensor

from cifarzoo.data.dataset import Dataset
from cifarzoo.data.parts import subset
from cifarzoo.errors import SettingError


def find_overlap(a: Dataset, b: Dataset) -> Tensor:
    """Find the images of one set that are in another as well, whatever their labels say.

    Args:
        a: the set to look in, the training part as a rule.
        b: the set to look through; its images are of the same size.

    Returns:
        (M,) int64, ascending: indices into ``b``.
    """
    if a.images.shape[1:] != b.images.shape[1:]:
        raise SettingError(f"images of {tuple(a.images.shape[1:])} and {tuple(b.images.shape[1:])} cannot be equal")
    known = set(_hashes(a.images))
    return torch.tensor([row for row, digest in enumerate(_hashes(b.images)) if digest in known], dtype=torch.int64)


def find_duplicates(dataset: Dataset) -> Tensor:
    """Find the images of a set whose pixels it has had before.

    Returns:
        (M,) int64, ascending: indices of all but the first of each.
    """
    seen: set[bytes] = set()
    rows = []
    for row, digest in enumerate(_hashes(dataset.images)):
        if digest in seen:
            rows.append(row)
        seen.add(digest)
    return torch.tensor(rows, dtype=torch.int64)


def drop_overlap(a: Dataset, b: Dataset) -> Dataset:
    """The second set without the images that the first one has as well; a copy of what is left, in memory."""
    keep = torch.ones(len(b), dtype=torch.bool)
    keep[find_overlap(a, b)] = False
    return subset(b, keep.nonzero()[:, 0])


def _hashes(images: Tensor) -> list[bytes]:
    """A hash of each image's pixels, from (N, C, H, W) uint8."""
    return [hashlib.blake2b(image.tobytes(), digest_size=16).digest() for image in images.numpy()]
