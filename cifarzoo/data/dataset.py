"""A labelled set of equally large images, whole in memory or mapped from its cache file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor

from cifarzoo.data import cache
from cifarzoo.errors import DataError, SettingError


class Dataset:
    """Images and their classes, in the form that ``Loader`` and ``torch.utils.data.DataLoader`` take.

    The images may be mapped from a file that many processes share: treat them as read-only.

    Args:
        images: (N, C, H, W) uint8.
        targets: (N,) int64, indices into ``classes``.
        classes: one name a class, as the source calls it; each once.
        class_names: the same in words; ``classes`` by default.
        mean: of pixel / 255 over the training part, one number a channel.
        std: the standard deviation, likewise.
        name: of the set.
        split: which part of it.
        fingerprint: a hash of what is in it; equal fingerprints mean equal images in an equal order.
        columns: further (N,) tensors by name, such as ``coarse_targets``.
        cache_file: the file that ``images`` is mapped from, if it is.

    Raises:
        DataError: shapes, types or labels that do not fit together.
    """

    def __init__(
        self,
        *,
        images: Tensor,
        targets: Tensor,
        classes: tuple[str, ...],
        mean: tuple[float, ...],
        std: tuple[float, ...],
        name: str,
        split: str,
        fingerprint: str,
        class_names: tuple[str, ...] | None = None,
        columns: Mapping[str, Tensor] | None = None,
        cache_file: Path | None = None,
    ) -> None:
        self.images, self.targets = images, targets
        self.classes, self.class_names = tuple(classes), tuple(class_names or classes)
        self.mean, self.std = tuple(mean), tuple(std)
        self.name, self.split, self.fingerprint = name, split, fingerprint
        self.columns = dict(columns or {})
        self._mapped = (cache_file, images) if cache_file else None
        _check(self)

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.images[index], int(self.targets[index])

    @property
    def num_classes(self) -> int:
        """How many classes there are."""
        return len(self.classes)

    @property
    def cache_file(self) -> Path | None:
        """The file that the images are mapped from, or None where they are the process's own."""
        return self._mapped[0] if self._mapped and self._mapped[1] is self.images else None

    def __repr__(self) -> str:
        count, channels, height, width = self.images.shape
        return (
            f"{type(self).__name__}(name={self.name!r}, split={self.split!r}, {count:,} images {channels}x{height}x"
            f"{width}, {self.num_classes} classes, fingerprint={self.fingerprint!r})"
        )

    def __copy__(self) -> Self:
        # Not by way of the state: that would open the cache file again.
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        return twin

    def __getstate__(self) -> dict[str, Any]:
        # A worker process maps the same file: pickling the images themselves would copy them to each.
        if self.cache_file is None:
            return {**self.__dict__, "_mapped": None}  # of a part: the whole stays behind
        return {**self.__dict__, "images": None, "_mapped": self.cache_file}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if state["images"] is None:
            self.images = cache.read(state["_mapped"]).images
            self._mapped = (state["_mapped"], self.images)


def _check(dataset: Dataset) -> None:
    """Raise DataError unless the fields fit together."""
    images, targets = dataset.images, dataset.targets
    if images.ndim != 4 or images.dtype != torch.uint8:
        raise DataError(f"images must be (N, C, H, W) uint8, not {tuple(images.shape)} {images.dtype}")
    if targets.shape != images.shape[:1] or targets.dtype != torch.int64:
        raise DataError(f"targets must be ({len(images)},) int64, not {tuple(targets.shape)} {targets.dtype}")
    if len(targets) and not 0 <= int(targets.min()) <= int(targets.max()) < len(dataset.classes):
        raise DataError(
            f"targets must lie in 0 ... {len(dataset.classes) - 1}, the indices of the {len(dataset.classes)} classes; "
            f"they span {int(targets.min())} ... {int(targets.max())}"
        )
    twice = sorted(name for name, count in Counter(dataset.classes).items() if count > 1)
    if twice:
        raise DataError(f"classes holds {twice[0]!r} more than once; give each class a name of its own")
    channels = images.shape[1]
    if not len(dataset.mean) == len(dataset.std) == channels or not min(dataset.std) > 0:
        raise SettingError(f"mean (={dataset.mean}) and std (={dataset.std}) need {channels} numbers each, std above 0")
