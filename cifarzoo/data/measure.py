"""What can be measured of a set's images: mean and standard deviation, and a fingerprint."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

from cifarzoo.data.cores import usable_cores

_BLOCK = 1024  # images that a thread works on in one go


def fingerprint(images: Tensor, targets: Tensor, classes: Sequence[str]) -> str:
    """16 hex digits that stand for these images (N, C, H, W), in this order, with these labels and classes."""
    pixels = images.numpy()

    def block_hash(first: int) -> bytes:
        return hashlib.sha256(np.ascontiguousarray(pixels[first : first + _BLOCK]).data).digest()

    digest = hashlib.sha256(json.dumps([list(pixels.shape), list(classes)]).encode())
    with ThreadPoolExecutor(usable_cores()) as pool:
        for block in pool.map(block_hash, range(0, len(pixels), _BLOCK)):
            digest.update(block)
    digest.update(np.ascontiguousarray(targets.numpy(), dtype="<i8").data)
    return digest.hexdigest()[:16]


def derived_fingerprint(*parts: object) -> str:
    """16 hex digits for a set that is made from others, from their fingerprints and what was done."""
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()[:16]


def mean_and_std(images: Tensor) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of pixel / 255 for each channel, from (N, C, H, W) uint8; exact but for rounding."""
    levels = torch.arange(256, dtype=torch.float64) / 255
    means, stds = [], []
    for channel in range(images.shape[1]):
        counts = torch.zeros(256, dtype=torch.int64)
        for first in range(0, len(images), _BLOCK):
            counts += torch.bincount(images[first : first + _BLOCK, channel].flatten(), minlength=256)
        share = counts.double() / counts.sum()
        mean = float((share * levels).sum())
        means.append(mean)
        std = float((share * (levels - mean) ** 2).sum().sqrt())
        stds.append(max(std, 1 / 255))  # images of one colour have none, and it is divided by
    return tuple(means), tuple(stds)
