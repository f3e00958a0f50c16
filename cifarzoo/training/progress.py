"""What a user sees while a model trains: a live bar on a terminal, plain lines elsewhere, or nothing."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO

from cifarzoo.training.history import EpochRecord
from cifarzoo.training.state import RunState

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID


class Progress:
    """Shows nothing; the ways of showing derive from it. Use as a context."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the terminal as it was."""

    def say(self, text: str) -> None:
        """A message, a line or more."""

    def wants_step(self) -> bool:
        """Whether ``step`` would show something now: reading the loss waits for the device, so ask first."""
        return False

    def step(self, state: RunState, *, done: float) -> None:
        """How far the run is, in [0, 1], and the epoch so far."""

    def epoch(self, record: EpochRecord, *, epochs: int | None) -> None:
        """An epoch that has ended."""


class Lines(Progress):
    """A line an epoch, for log files and pipes."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream

    def say(self, text: str) -> None:
        """Write the text and a line end."""
        self._stream.write(text + "\n")
        self._stream.flush()

    def epoch(self, record: EpochRecord, *, epochs: int | None) -> None:
        """Write the epoch as one line."""
        self.say(epoch_line(record, epochs=epochs))


class Bar(Progress):
    """A line an epoch, and below them a bar with the running loss, accuracy, speed and time left."""

    _INTERVAL_S = 0.25

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"))
        self._bar: RichProgress = Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True))
        self._task: TaskID | None = None
        self._shown_s = 0.0

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the bar away; the lines stay."""
        if self._task is not None:
            self._bar.remove_task(self._task)
        self._bar.stop()

    def say(self, text: str) -> None:
        """Print above the bar."""
        self._bar.console.print(text, highlight=False, markup=False)

    def wants_step(self) -> bool:
        """At most four times a second."""
        return time.monotonic() - self._shown_s >= self._INTERVAL_S

    def step(self, state: RunState, *, done: float) -> None:
        """Move the bar."""
        self._shown_s = time.monotonic()
        loss, top1 = state.meter.read()
        tested = [record.test_top1 for record in state.history.records if record.test_top1 is not None]
        test = f"  test {tested[-1]:.1f} %" if tested else ""  # of the last evaluation
        text = f"epoch {state.epoch + 1}  loss {loss:.3f}  train {top1:.1f} %{test}  {state.images_per_s:,.0f} images/s"
        if self._task is None:
            self._task = self._bar.add_task(text, total=1.0)
        self._bar.update(self._task, completed=done, description=text)

    def epoch(self, record: EpochRecord, *, epochs: int | None) -> None:
        """Print the epoch above the bar."""
        self.say(epoch_line(record, epochs=epochs))


def create_progress(enabled: bool) -> Progress:
    """A bar if stderr is a terminal, lines if it is not, silence if not ``enabled``."""
    if not enabled:
        return Progress()
    return Bar() if sys.stderr.isatty() else Lines()


def epoch_line(record: EpochRecord, *, epochs: int | None) -> str:
    """One line about an epoch, of so many or of an unknown number."""
    number = str(record.epoch) if epochs is None else f"{record.epoch:>{len(str(epochs))}}/{epochs}"
    held = "" if record.holdout_top1 is None else f"  holdout {record.holdout_top1:6.2f} %"
    test = "" if record.test_top1 is None else f"  test {record.test_top1:6.2f} % (loss {record.test_loss:.4f})"
    return (
        f"epoch {number}  loss {record.train_loss:.4f}  train {record.train_top1:6.2f} %{held}{test}"
        f"  {record.images_per_s:,.0f} images/s  {record.seconds:.1f} s"
    )
