"""Images that are in memory already, as a data set."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from cifarzoo.data.dataset import Dataset
from cifarzoo.data.measure import fingerprint, mean_and_std
from cifarzoo.errors import DataError


class ArrayDataset(Dataset):
    """Your own arrays.

    Args:
        images: (N, C, H, W) uint8, a tensor or an array; it is not copied where that can be avoided.
        targets: (N,) integers, indices into ``classes``.
        classes: one name a class.
        mean: of pixel / 255 for each channel; measured unless given. For a test set give the training set's.
        std: the standard deviation, likewise.
        name: of the set.
        split: which part of it.

    Raises:
        DataError: shapes, types or labels that do not fit together.
    """

    def __init__(
        self,
        images: Tensor | np.ndarray,
        targets: Tensor | np.ndarray | Sequence[int],
        classes: Sequence[str],
        *,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        name: str = "arrays",
        split: str = "train",
    ) -> None:
        pixels, labels = _tensor(images, "images"), _tensor(targets, "targets")
        if pixels.dtype != torch.uint8 or pixels.ndim != 4 or not len(pixels):
            raise DataError(f"images must be (N, C, H, W) uint8, N > 0, not {tuple(pixels.shape)} {pixels.dtype}")
        if labels.is_floating_point() or labels.is_complex() or labels.dtype == torch.bool:
            raise DataError(f"targets must be integers, not {labels.dtype}")
        labels = labels.to(torch.int64)
        if mean is None or std is None:
            measured_mean, measured_std = mean_and_std(pixels)
            mean, std = mean or measured_mean, std or measured_std
        super().__init__(
            images=pixels,
            targets=labels,
            classes=tuple(classes),
            mean=tuple(mean),
            std=tuple(std),
            name=name,
            split=split,
            fingerprint=fingerprint(pixels, labels, tuple(classes)),
        )


def _tensor(values: Tensor | np.ndarray | Sequence[int], name: str) -> Tensor:
    """The values on the CPU, contiguous."""
    if isinstance(values, np.ndarray) and not values.flags.writeable:
        values = values.copy()  # torch would warn that it could be written to
    try:
        return torch.as_tensor(values).cpu().contiguous()
    except (TypeError, ValueError, RuntimeError) as error:
        raise DataError(f"{name} cannot be made a tensor: {error}") from None
