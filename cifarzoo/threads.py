"""Threads that compute side by side, each on one core, and the shares they take."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path

import torch

_HARD = 2  # omp_pause_hard: the threads end, and begin anew when they are needed


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


def renew_workers() -> None:
    """End the OpenMP threads that wait for this one's work; those that begin with the next take over its modes.

    A thread has its own floating-point modes, which it takes from the one that begins it. Where torch's OpenMP cannot
    be found, nothing is done.
    """
    for path in _openmp_libraries():
        with suppress(OSError, AttributeError):  # no such file any more, or an OpenMP older than 5.0
            ctypes.CDLL(path).omp_pause_resource_all(_HARD)


def _openmp_libraries() -> list[str]:
    """The GNU OpenMP libraries that this process has loaded; torch's wheels bring theirs."""
    try:
        maps = Path("/proc/self/maps").read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return []
    return sorted({line[line.index("/") :] for line in maps if "/" in line and "libgomp" in line})


def even_spans(count: int, parts: int) -> list[slice]:
    """Cut ``count`` rows into so many slices in order, whose lengths differ by one at most."""
    return [slice(first, last) for first, last in pairwise(count * part // parts for part in range(parts + 1))]
