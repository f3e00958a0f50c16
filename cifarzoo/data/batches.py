"""One batch from its indices: gathered, augmented and normalised in parts, each while it is in the cache."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import partial
from typing import Protocol

import torch
from torch import Tensor

from cifarzoo.data.buffers import Buffers, Scratch
from cifarzoo.data.prefetch import Plan
from cifarzoo.draws import Draws
from cifarzoo.normalizer import Normalizer
from cifarzoo.threads import even_spans

_PART_BYTES = 3 << 18  # pixels of a part, 256 images of 32x32: they stay in the cache, and calls are few
_AUGMENTED_BYTES = 3 << 20  # where each operation takes its share of the images, fewer and longer calls pay


class ImageSet(Protocol):
    """What the loader needs of a data set."""

    @property
    def images(self) -> Tensor:
        """(N, C, H, W) uint8."""

    @property
    def targets(self) -> Tensor:
        """(N,) int64."""

    @property
    def classes(self) -> Sequence[str]:
        """One name a class."""

    @property
    def mean(self) -> Sequence[float]:
        """Mean of pixel / 255, one number a channel."""

    @property
    def std(self) -> Sequence[float]:
        """Standard deviation of pixel / 255, one number a channel."""


class Augmentation(Protocol):
    """What the loader needs of an augmentation."""

    @property
    def mixes(self) -> bool:
        """Whether ``mix`` does anything."""

    def __call__(self, images: Tensor, *, draws: Draws | None = None) -> Tensor:
        """(B, C, H, W) uint8 to the same, each image on its own; the input is left unchanged."""

    def mix(
        self, images: Tensor, targets: Tensor, *, num_classes: int, draws: Draws | None = None
    ) -> tuple[Tensor, Tensor]:
        """(B, C, H, W) float and (B,) int64 to mixed images and (B, K) float targets."""


class BatchMaker:
    """Plans batches of a data set; see ``Loader`` for the arguments."""

    def __init__(
        self,
        dataset: ImageSet,
        *,
        augment: Augmentation | None,
        device: torch.device,
        dtype: torch.dtype,
        memory_format: torch.memory_format,
    ) -> None:
        self._dataset, self._augment = dataset, augment
        self._device, self._dtype, self._memory_format = device, dtype, memory_format
        self._images = _placed(dataset.images, device)
        self._normalize = Normalizer(dataset.mean, dataset.std, device=device, memory_format=memory_format)
        self._buffers, self._scratch = Buffers(), Scratch()

    def begin(self, seed: int, epoch: int, indices: Tensor) -> Plan:
        """Plan the batch of some indices (B,): images (B, C, H, W) normalised, targets (B,) or (B, K)."""
        targets, indices = self._dataset.targets[indices].to(self._device), indices.to(self._device)  # (B,)
        draws = None if self._augment is None else Draws(seed, epoch, indices)
        memory: list[Tensor] = []  # (B, C, H, W), as soon as one part knows the size of augmented images
        lock = threading.Lock()

        def fill(rows: slice) -> None:
            pixels = self._gather(indices[rows])
            if self._augment is not None:
                pixels = self._augment(pixels, draws=draws and draws[rows])
            with lock:
                if not memory:
                    memory.append(self._empty(torch.Size((len(indices), *pixels.shape[1:]))))
            self._normalize(pixels, out=memory[0][rows])

        def finish() -> tuple[Tensor, Tensor]:
            if self._augment is None or not self._augment.mixes:
                return memory[0], targets
            count = len(self._dataset.classes)
            mixed, soft = self._augment.mix(memory[0], targets, num_classes=count, draws=draws)
            return mixed.to(self._dtype), soft

        return Plan([partial(fill, rows) for rows in self._parts(len(indices))], finish)

    def _parts(self, count: int) -> list[slice]:
        """The rows of each part; on a CPU their number is even, since two may be at work."""
        size = _PART_BYTES if self._augment is None else _AUGMENTED_BYTES
        pairs = -(-count * self._images[:1].numel() // (2 * size))
        parts = min(count, 2 * pairs) if self._device.type == "cpu" else 1
        return even_spans(count, parts)

    def _gather(self, indices: Tensor) -> Tensor:
        """The images (b, C, H, W) of some indices (b,)."""
        if self._device.type == "cpu" and self._augment is None:  # nobody else sees the pixels
            shape = torch.Size((len(indices), *self._images.shape[1:]))
            return torch.index_select(self._images, 0, indices, out=self._scratch.take(shape, self._images.dtype))
        if self._images.device == indices.device:
            return self._images.index_select(0, indices)
        return self._images.index_select(0, indices.cpu()).pin_memory().to(self._device, non_blocking=True)

    def _empty(self, shape: torch.Size) -> Tensor:
        """Memory for a batch."""
        if self._device.type == "cpu":
            return self._buffers.take(shape, self._dtype, self._memory_format)
        return torch.empty(shape, dtype=self._dtype, device=self._device, memory_format=self._memory_format)


def _placed(images: Tensor, device: torch.device) -> Tensor:
    """The images on the device, unless they would take over half of a GPU's free memory, which training needs."""
    if device.type == "cuda" and images.nbytes > torch.cuda.mem_get_info(device)[0] // 2:
        return images
    return images.to(device)
