"""The next batch made while the current one is in use, and the memory that batches are written to."""

from __future__ import annotations

import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from math import prod
from queue import Empty, SimpleQueue
from typing import TypeVar

import torch
from torch import Tensor

Item = TypeVar("Item")
Batch = tuple[Tensor, Tensor]
Share = Callable[[Callable[[Sequence[int]], None], Sequence[int]], None]  # a function over parts, the parts


def ahead(make: Callable[[Item, Share], Batch], items: Iterable[Item], device: torch.device) -> Iterator[Batch]:
    """Yield ``make(item, share)`` for each item, made by a thread while the caller works with the one before.

    ``share`` runs a function over two halves of some work at once, where torch may use more than one thread. Each of
    the two threads computes alone: a team of OpenMP threads behind each of them would fight for the same cores, and
    loses most of its speed beside any other busy process. On a GPU one thread works on a stream of its own. An error is
    raised where the batch would have come.
    """
    stream = torch.cuda.Stream(device) if device.type == "cuda" else None  # type: ignore[no-untyped-call]
    threads = torch.get_num_threads()
    workers = min(2, threads) if device.type == "cpu" else 1
    ready = threading.Barrier(workers)
    with ThreadPoolExecutor(workers, "cifarzoo-loader") as executor:
        list(executor.map(_compute_alone, [ready] * workers))
        torch.set_num_threads(threads)  # each thread has its own number, but later ones begin with what was set last
        share = partial(_share, executor) if workers > 1 else _alone
        rest = iter(items)
        # One batch is in the making at a time, so the second thread is always free for half of it.
        waiting = deque(executor.submit(_made, make, item, share, stream) for item in islice(rest, 1))
        while waiting:
            batch = waiting.popleft().result()
            if stream is not None:
                _hand_over(batch, stream)
            waiting.extend(executor.submit(_made, make, item, share, stream) for item in islice(rest, 1))
            yield batch
            del batch  # the caller alone holds it while the next is made


def _share(executor: ThreadPoolExecutor, work: Callable[[Sequence[int]], None], parts: Sequence[int]) -> None:
    """Let another thread do the second half of some parts."""
    middle = (len(parts) + 1) // 2
    other = executor.submit(work, parts[middle:])
    try:
        work(parts[:middle])
    finally:
        other.result()


def _alone(work: Callable[[Sequence[int]], None], parts: Sequence[int]) -> None:
    work(parts)


def _compute_alone(ready: threading.Barrier) -> None:
    torch.get_num_threads()  # the first question in a thread sets its number to the one set last, so ask before
    torch.set_num_threads(1)
    ready.wait()  # so that each worker comes here once


def _made(make: Callable[[Item, Share], Batch], item: Item, share: Share, stream: torch.cuda.Stream | None) -> Batch:
    if stream is None:
        return make(item, share)
    with torch.cuda.stream(stream):
        return make(item, share)


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
