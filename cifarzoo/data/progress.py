"""A progress bar on the terminal for whatever takes over a second."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

_PATIENCE_S = 1.0


@contextlib.contextmanager
def progress(title: str, total: int, *, in_bytes: bool = False) -> Iterator[Callable[[int], None]]:
    """Show how far something is, once it has taken a second, and only where there is a terminal.

    Args:
        title: what is being done.
        total: how much there is to do.
        in_bytes: show amounts as bytes.

    Yields:
        A function that is told how much has been done so far.
    """
    if not sys.stderr.isatty():
        yield lambda done: None
        return
    started, bar = time.monotonic(), _Bar(title, total, in_bytes)
    try:
        yield lambda done: bar.show(done) if time.monotonic() - started > _PATIENCE_S else None
    finally:
        bar.close()


class _Bar:
    """A bar of rich's, which is imported when it is first shown."""

    def __init__(self, title: str, total: int, in_bytes: bool) -> None:
        self._title, self._total, self._in_bytes = title, total, in_bytes
        self._bar: Any = None

    def show(self, done: int) -> None:
        """Draw it."""
        if self._bar is None:
            from rich import progress as rich
            from rich.console import Console

            amounts = [rich.DownloadColumn()] if self._in_bytes else [rich.MofNCompleteColumn()]
            columns = (rich.TextColumn("{task.description}"), rich.BarColumn(), *amounts, rich.TimeRemainingColumn())
            self._bar = rich.Progress(*columns, console=Console(stderr=True), transient=True)
            self._task = self._bar.add_task(self._title, total=self._total)
            self._bar.start()
        self._bar.update(self._task, completed=done)

    def close(self) -> None:
        """Take it off the screen."""
        if self._bar is not None:
            self._bar.stop()
