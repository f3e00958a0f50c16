from __future__ import annotations

import io
import sys
from dataclasses import replace

import pytest
import torch

from cifarzoo.recipes import Recipe
from cifarzoo.training.averaging import Average
from cifarzoo.training.history import EpochRecord
from cifarzoo.training.losses import Meter, batch_sums
from cifarzoo.training.progress import Bar, Lines, Progress, create_progress, epoch_line
from cifarzoo.training.selection import Selection
from cifarzoo.training.state import RunState

RECORD = EpochRecord(
    epoch=3,
    step=30,
    lr=0.1,
    train_loss=0.5,
    train_top1=80.0,
    test_loss=0.6,
    test_top1=78.25,
    seconds=2.5,
    images_per_s=1234.0,
)


def state() -> RunState:
    model = torch.nn.Linear(1, 1)
    meter = Meter("cpu")
    meter.add(batch_sums(torch.tensor(1.5), torch.eye(4), torch.tensor([0, 1, 2, 0])))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    average = Average(model, Recipe())
    selection = Selection(model, enabled=False)
    return RunState(
        model=model,
        optimizer=optimizer,
        average=average,
        selection=selection,
        meter=meter,
        step=5,
        images=4,
        epoch_s=0.5,
    )


def test_a_bar_needs_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    assert type(create_progress(True)) is Lines
    assert type(create_progress(False)) is Progress
    monkeypatch.setattr(stream, "isatty", lambda: True)
    assert type(create_progress(True)) is Bar


def test_lines_are_plain() -> None:
    stream = io.StringIO()
    with Lines(stream) as lines:
        assert not lines.wants_step()
        lines.say("hello")
        lines.epoch(RECORD, epochs=10)
    hello, epoch = stream.getvalue().splitlines()
    assert hello == "hello"
    assert epoch == epoch_line(RECORD, epochs=10)
    assert "\x1b" not in epoch
    assert epoch_line(RECORD, epochs=None).startswith("epoch 3  loss")
    assert "holdout" not in epoch
    assert "holdout  12.50 %" in epoch_line(replace(RECORD, holdout_top1=12.5), epochs=None)
    for part in ("3/10", "0.5000", "80.00 %", "78.25 %", "1,234 images/s", "2.5 s"):
        assert part in epoch


def test_silence_writes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress() as silence:
        silence.say("hello")
        silence.step(state(), done=0.5)
        silence.epoch(RECORD, epochs=10)
    assert capsys.readouterr() == ("", "")


def make_terminal(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """Let stderr pass for a terminal. Not a fixture: pytest sets stderr anew between a fixture and its test."""
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    return stream


def test_a_bar_shows_loss_accuracy_and_speed_and_leaves_the_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = make_terminal(monkeypatch)
    with Bar() as bar:
        assert bar.wants_step()
        bar.step(state(), done=0.5)
        assert not bar.wants_step()
        bar.epoch(RECORD, epochs=10)
        bar._bar.refresh()
    text = terminal.getvalue()
    assert "train 75.0 %  8" in text  # nothing was tested yet
    for part in ("epoch 1", "loss 1.500", "train 75.0 %", "8 images/s", "50 %", epoch_line(RECORD, epochs=10)):
        assert part in text


def test_a_bar_goes_on_showing_the_last_test(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = make_terminal(monkeypatch)
    later = state()
    later.history.records += [RECORD, replace(RECORD, test_top1=None)]
    with Bar() as bar:
        bar.step(later, done=0.5)
        bar._bar.refresh()
    assert "epoch 3  loss 1.500  train 75.0 %  test 78.2 %  8 images/s" in terminal.getvalue()
