"""The next batch made while the current one is in use."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

import torch
from torch import Tensor

from cifarzoo.threads import compute_alone, threads_kept

Item = TypeVar("Item")
Batch = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Plan:
    """How a batch is made: parts, at least one, in any order and by any thread, then what gives the batch."""

    parts: Sequence[Callable[[], None]]
    finish: Callable[[], Batch]


def ahead(begin: Callable[[Item], Plan], items: Iterable[Item], device: torch.device) -> Iterator[Batch]:
    """Yield the batch of each item, made by a thread while the caller works with the one before.

    A caller who is back before the batch is there makes parts of it too. Both compute on one core each: teams of OpenMP
    threads would fight for the cores, and lose most of their speed beside any other busy process. On a GPU batches are
    made on a stream of their own. An error is raised where the batch would have come.
    """
    stream = torch.cuda.Stream(device) if device.type == "cuda" else None  # type: ignore[no-untyped-call]

    def started(item: Item) -> tuple[_Making, Future[None]]:
        making = _Making(lambda: begin(item), stream)
        return making, executor.submit(making.help)

    with ThreadPoolExecutor(1, "cifarzoo-loader") as executor:
        with threads_kept():
            executor.submit(compute_alone).result()
        rest = iter(items)
        waiting = deque(map(started, islice(rest, 1)))
        while waiting:
            making, future = waiting.popleft()
            if not future.done():
                with threads_kept():
                    compute_alone()
                    making.help()
            if not future.cancel():  # the thread has woken up in the meantime
                future.result()
            batch = making.result()
            del making, future
            waiting.extend(map(started, islice(rest, 1)))
            yield batch
            del batch  # the caller alone holds it while the next is made


class _Making:
    """A batch in the making: whoever helps takes the next part that nobody has begun."""

    def __init__(self, begin: Callable[[], Plan], stream: torch.cuda.Stream | None) -> None:
        self._begin, self._stream = begin, stream
        self._lock = threading.Lock()
        self._plan: Plan | None = None
        self._left: deque[Callable[[], None]] = deque()
        self._unfinished = 0
        self._batch: list[Batch] = []

    def help(self) -> None:
        """Work until there is nothing left to begin."""
        # A caller may be in inference mode; memory that is made there could not be written to by the thread.
        with torch.inference_mode(False), self._on_stream():
            while part := self._next():
                part()
                with self._lock:
                    self._unfinished -= 1
                    last = self._unfinished == 0
                if last and self._plan:
                    self._batch.append(self._plan.finish())

    def result(self) -> Batch:
        """The batch, after all who helped are done; nothing here refers to it any more."""
        batch, self._plan = self._batch.pop(), None
        if self._stream is not None:
            # What was begun on the other stream comes first, and the memory lives until the caller is done with it.
            current = torch.cuda.current_stream(self._stream.device)
            current.wait_stream(self._stream)
            for tensor in batch:
                tensor.record_stream(current)
        return batch

    def _next(self) -> Callable[[], None] | None:
        with self._lock:
            if self._plan is None:
                self._plan = self._begin()
                self._left.extend(self._plan.parts)
                self._unfinished = len(self._left)
            return self._left.popleft() if self._left else None

    def _on_stream(self) -> AbstractContextManager[object]:
        return nullcontext() if self._stream is None else torch.cuda.stream(self._stream)
