"""The next batch made while the current one is in use, and the memory that batches are written to."""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from math import prod
from queue import Empty, SimpleQueue
from typing import TypeVar

import torch
from torch import Tensor

Item = TypeVar("Item")
Batch = tuple[Tensor, Tensor]


def ahead(make: Callable[[Item], Batch], items: Iterable[Item], device: torch.device) -> Iterator[Batch]:
    """Yield ``make(item)`` for each item, made by a thread while the caller works with the one before.

    The thread computes alone: a team of OpenMP threads behind each of two threads would fight for the same cores, and
    loses most of its speed beside any other busy process. On a GPU it works on a stream of its own. An error is raised
    where the batch would have come.
    """
    stream = torch.cuda.Stream(device) if device.type == "cuda" else None  # type: ignore[no-untyped-call]
    threads = torch.get_num_threads()
    with ThreadPoolExecutor(1, "cifarzoo-loader") as executor:
        executor.submit(_compute_alone).result()
        torch.set_num_threads(threads)  # each thread has its own number, but later ones begin with what was set last
        rest = iter(items)
        waiting = deque(executor.submit(_made, make, item, stream) for item in islice(rest, 1))
        while waiting:
            batch = waiting.popleft().result()
            if stream is not None:
                _hand_over(batch, stream)
            waiting.extend(executor.submit(_made, make, item, stream) for item in islice(rest, 1))
            yield batch
            del batch  # the caller alone holds it while the next is made


def _compute_alone() -> None:
    torch.get_num_threads()  # the first question in a thread sets its number to the one set last, so ask before
    torch.set_num_threads(1)


def _made(make: Callable[[Item], Batch], item: Item, stream: torch.cuda.Stream | None) -> Batch:
    if stream is None:
        return make(item)
    with torch.cuda.stream(stream):
        return make(item)


def _hand_over(batch: Batch, stream: torch.cuda.Stream) -> None:
    """Let the caller's stream wait for what another has begun, and the memory live until the caller is done with it."""
    current = torch.cuda.current_stream(stream.device)
    current.wait_stream(stream)
    for tensor in batch:
        tensor.record_stream(current)


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
