"""Batches of a data set that is in memory: indexed, augmented, normalised and converted whole, never image by image.

The order of an epoch and every augmentation are counter-based (cifarzoo/draws.py): the same seed and epoch give the
same batches, and a run is resumed from three numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor

from cifarzoo.data.batches import Augmentation, BatchMaker
from cifarzoo.data.batches import ImageSet as ImageSet  # the loader's callers name it from here
from cifarzoo.data.prefetch import ahead
from cifarzoo.draws import permutation
from cifarzoo.errors import ResumeError, SettingError


class Loader:
    """Iterates ``(images, targets)`` over a data set, one epoch a pass.

    A pass that ends moves on to the next epoch; ``set_epoch`` goes to any other. Several ranks share each global batch
    of ``batch_size * world_size`` images, so the global batches are those of one process with that batch size.

    Args:
        dataset: see ``ImageSet``.
        batch_size: images in a batch of this rank.
        augment: applied to each batch, see ``Augmentation``; None leaves the images as they are.
        shuffle: a new order in each epoch; False keeps the data set's own.
        drop_last: leave out the images after the last full global batch. Otherwise the ranks share them as evenly as
            they can: no image is lost or repeated, but a rank may have one batch less than another.
        seed: of the order and of the augmentation.
        device: where the batches are wanted.
        dtype: of the images.
        memory_format: of the images.
        rank: which of the ``world_size`` processes this is.
        world_size: number of processes that share an epoch.

    Yields:
        images: (B, C, H, W) ``dtype``, mean 0 and std 1 over the data set.
        targets: (B,) int64; (B, K) float rows that sum to 1 where the augmentation mixes images.

    Raises:
        SettingError: an argument outside what is legal.
    """

    def __init__(
        self,
        dataset: ImageSet,
        batch_size: int,
        *,
        augment: Augmentation | None = None,
        shuffle: bool = True,
        drop_last: bool = True,
        seed: int = 0,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
        memory_format: torch.memory_format = torch.channels_last,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        if batch_size < 1:
            raise SettingError(f"batch_size (={batch_size}) must be at least 1")
        if not 0 <= rank < world_size:
            raise SettingError(f"rank (={rank}) must be in 0 ... {world_size - 1} for world_size={world_size}")
        self.dataset, self.batch_size, self.augment = dataset, batch_size, augment
        self.shuffle, self.drop_last, self.seed = shuffle, drop_last, seed
        self.device, self.dtype, self.memory_format = torch.device(device), dtype, memory_format
        self.rank, self.world_size = rank, world_size
        self.epoch = 0
        self._start = 0  # images of the order that the next pass leaves out, because a resumed run has seen them
        self._position = 0  # images of the order that all ranks together have handed out in this epoch
        if not len(self) and drop_last:
            raise SettingError(
                f"batch_size (={batch_size}) x world_size (={world_size}) must not exceed the {self._count} images; "
                "lower it, or pass drop_last=False"
            )
        self._maker = BatchMaker(dataset, augment=augment, device=self.device, dtype=dtype, memory_format=memory_format)

    @property
    def _count(self) -> int:
        return len(self.dataset.targets)

    def __len__(self) -> int:
        """Batches of this rank in a whole epoch."""
        return len(self._spans(0))

    def set_epoch(self, epoch: int) -> None:
        """Let the next pass be ``epoch``; the place that ``load_state_dict`` gave within that epoch is kept."""
        if epoch != self.epoch:
            self.epoch, self._start, self._position = epoch, 0, 0

    def state_dict(self) -> dict[str, int]:
        """Where the loader stands: each batch handed out counts as seen. Holds for any batch size and world size."""
        return {"seed": self.seed, "epoch": self.epoch, "position": self._position, "images": self._count}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Let the next pass go on where the state was taken.

        Raises:
            ResumeError: the state is of a data set of another size.
        """
        if state["images"] != self._count:
            raise ResumeError(
                f"the state is of a data set of {state['images']} images, this one has {self._count}; "
                "resume with the data set that the run began with"
            )
        self.seed, self.epoch = state["seed"], state["epoch"]
        self._start = self._position = state["position"]

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        epoch, start = self.epoch, self._start
        self._start, self._position = 0, start
        order = permutation(self.seed, epoch, self._count) if self.shuffle else torch.arange(self._count)  # (N,)
        global_batch = self.batch_size * self.world_size
        parts = (order[first:last] for first, last in self._spans(start))
        for step, batch in enumerate(ahead(partial(self._maker.begin, self.seed, epoch), parts, self.device), 1):
            self._position = min(start + step * global_batch, self._count)
            yield batch
        self.epoch, self._position = epoch + 1, 0

    def _spans(self, start: int) -> list[tuple[int, int]]:
        """First and last (exclusive) place in the order of each batch of this rank."""
        global_batch = self.batch_size * self.world_size
        steps, rest = divmod(self._count - start, global_batch)
        spans = []
        for step in range(steps):
            first = start + step * global_batch + self.rank * self.batch_size
            spans.append((first, first + self.batch_size))
        if rest and not self.drop_last:
            first = start + steps * global_batch + rest * self.rank // self.world_size
            last = start + steps * global_batch + rest * (self.rank + 1) // self.world_size
            spans += [(first, last)] if last > first else []
        return spans
