"""A batch in pieces, on as many threads as torch may use.

One thread runs each piece from its first operation to its last. Handing the threads parts of every small operation
instead would cost more in waiting than it saves, and would round values at the seams differently: results do not
depend on the number of threads, nor on how a batch is split.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import TypeVar

import torch
from torch import Tensor

from cifarzoo.threads import compute_alone, even_spans, threads_kept

# 1024 images of 32x32, or 256 of 64x64. Each call into torch gives up the interpreter and has to win it back from the
# other thread, so few long calls go faster than many short ones, even where a piece is larger than a core's cache.
_PIECE_BYTES = 3 << 20

T = TypeVar("T")


def in_pieces(function: Callable[[slice], T], images: Tensor) -> list[T]:
    """Call a function with the rows of each piece of a batch; its results in order.

    Args:
        function: of a slice of rows; must not depend on how the batch is split.
        images: (B, C, H, W); only its shape, dtype and device matter.
    """
    count = len(images)
    if images.device.type != "cpu" or count == 0:
        return [function(slice(0, count))]
    threads = torch.get_num_threads()
    step = max(1, _PIECE_BYTES * count // max(1, images.nbytes))
    pieces = -(-count // step)
    if threads == 1:
        return [function(slice(first, first + step)) for first in range(0, count, step)]
    pieces = min(count, -(-pieces // threads) * threads)  # so that all threads end together
    spans = even_spans(count, pieces)
    pool = _pool(threads - 1, os.getpid())
    futures = [pool.submit(function, span) for span in spans[1:]]
    with threads_kept():
        compute_alone()
        results = {0: function(spans[0])}
        for piece in reversed(range(1, pieces)):  # what no other thread has begun
            if futures[piece - 1].cancel():
                results[piece] = function(spans[piece])
    return [results[piece] if piece in results else futures[piece - 1].result() for piece in range(pieces)]


@lru_cache(maxsize=1)
def _pool(workers: int, process: int) -> ThreadPoolExecutor:
    """Workers for this process (a forked one has none of its parent's), each with one thread of its own for torch."""
    ready = threading.Barrier(workers)

    def start(_: int) -> None:
        compute_alone()
        ready.wait()

    pool = ThreadPoolExecutor(workers, thread_name_prefix="cifarzoo-augment")
    with threads_kept():
        list(pool.map(start, range(workers)))
    return pool
