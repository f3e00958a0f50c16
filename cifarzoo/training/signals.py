"""Ctrl-C and SIGTERM: the first asks the run to save and leave, a second one leaves at once."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Self

from cifarzoo.errors import LostProcessError

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_SHOW_CURSOR = b"\x1b[?25h\n"  # a live bar hides it


class StopRequest:
    """While it is entered, a signal is noted instead of killing; outside the main thread it does nothing.

    Example::

        with StopRequest() as stop:
            for batch in batches:
                work(batch)
                if stop.requested:
                    save()
                    stop.leave()
    """

    def __init__(self) -> None:
        self._signal: int | None = None
        self._before: dict[int, Any] = {}

    @property
    def requested(self) -> bool:
        """Whether a signal has come."""
        return self._signal is not None

    def leave(self) -> None:
        """Raise what the signal means: KeyboardInterrupt (exit code 130), or SystemExit with 143 for SIGTERM."""
        if self._signal == signal.SIGTERM:
            raise SystemExit(128 + signal.SIGTERM)
        raise KeyboardInterrupt

    def check(self) -> None:
        """Leave if a signal has come."""
        if self.requested:
            self.leave()

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._note) for number in _SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Put the handlers back; a signal that nobody has acted on is acted on now.

        torchrun ends the processes that are left by a signal: that another one is gone is what it is about then.
        """
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if kind is None or issubclass(kind, LostProcessError):
            self.check()

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            if os.isatty(2):
                os.write(2, _SHOW_CURSOR)
            os._exit(128 + number)  # checkpoints are whole or absent at every moment
        self._signal = number
