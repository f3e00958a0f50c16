"""Threads that compute side by side, each on one core, and the shares they take."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

import torch


def compute_alone() -> None:
    """Let torch compute on the calling thread alone, and on one in threads that begin later."""
    torch.get_num_threads()  # a thread's first question sets its number to the one set last, so ask before
    torch.set_num_threads(1)


@contextmanager
def threads_kept() -> Iterator[None]:
    """Leave the number of threads that torch uses, here and in threads that begin later, as it was."""
    threads = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def even_spans(count: int, parts: int) -> list[slice]:
    """Cut ``count`` rows into so many slices in order, whose lengths differ by one at most."""
    return [slice(first, last) for first, last in pairwise(count * part // parts for part in range(parts + 1))]
