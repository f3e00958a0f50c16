"""The memory that batches are written to."""

from __future__ import annotations

import threading
import weakref
from math import prod
from queue import Empty, SimpleQueue

import torch
from torch import Tensor


class Buffers:
    """Memory for batches, used again as soon as nothing refers to it any more.

    Fresh memory costs more than writing to it: the system hands it out page by page, zeroed. A buffer comes back by the
    death of the object through which torch knows it, thus after the last tensor over it is gone, be it a view, a NumPy
    array or saved by autograd.
    """

    def __init__(self) -> None:
        self._free: SimpleQueue[Tensor] = SimpleQueue()
        self._made = 0
        self._patience_s = 0.02

    def take(self, shape: torch.Size, dtype: torch.dtype, memory_format: torch.memory_format) -> Tensor:
        """An uninitialised (B, C, H, W) tensor on the CPU."""
        size = prod(shape) * dtype.itemsize
        memory = self._wait()
        if memory is None or len(memory) < size:
            memory = torch.empty(size, dtype=torch.uint8)
        lease = memory.numpy()  # a new object each time; from_numpy keeps it until the tensor's storage is freed
        weakref.finalize(lease, self._give_back, memory).atexit = False
        flat = torch.from_numpy(lease)[:size].view(dtype)
        if memory_format is not torch.channels_last:
            return flat.view(shape)
        batch, channels, height, width = shape
        return flat.view(batch, height, width, channels).permute(0, 3, 1, 2)  # (B, C, H, W)

    def _wait(self) -> Tensor | None:
        """A free buffer, or None where one has to be made.

        A loop lets go of a batch just after it got the next, so two buffers do, if the third is not made too soon. Only
        a loop that keeps its batches makes this wait in vain, and once.
        """
        try:
            return self._free.get(timeout=self._patience_s if self._made >= 2 else 0)
        except Empty:
            self._patience_s = 0.0 if self._made >= 2 else self._patience_s
            self._made += 1
            return None

    def _give_back(self, memory: Tensor) -> None:
        if self._free.qsize() < 2:
            self._free.put(memory)
        else:
            self._made -= 1


class Scratch(threading.local):
    """Memory of each thread for one thing at a time: what was taken is gone when the thread takes the next.

    The system's allocator cuts blocks of this size anew for each batch and leaves holes that nothing fits in, megabytes
    in an epoch; and a thread's own memory stays in the cache of its core.
    """

    def __init__(self) -> None:
        self._memory = torch.empty(0, dtype=torch.uint8)

    def take(self, shape: torch.Size, dtype: torch.dtype) -> Tensor:
        """An uninitialised tensor on the CPU."""
        size = prod(shape) * dtype.itemsize
        if len(self._memory) < size:
            self._memory = torch.empty(size, dtype=torch.uint8)
        return self._memory[:size].view(dtype).view(shape)
