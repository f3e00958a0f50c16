from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from cifarzoo.errors import DivergedError, LostProcessError
from cifarzoo.recipes import Recipe
from cifarzoo.training.averaging import Average
from cifarzoo.training.checkpoints import CheckpointWarning
from cifarzoo.training.losses import Meter
from cifarzoo.training.optim import create_optimizer
from cifarzoo.training.progress import Progress
from cifarzoo.training.ranks import Ranks
from cifarzoo.training.run_folder import RunFolder
from cifarzoo.training.selection import Selection
from cifarzoo.training.session import Session
from cifarzoo.training.signals import StopRequest
from cifarzoo.training.state import RunState
from cifarzoo.weights import Card

CPU = torch.device("cpu")


class Recorded(Progress):
    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)


@pytest.fixture
def state(make_net: Callable[..., nn.Module]) -> RunState:
    model = make_net()
    optimizer = create_optimizer(model, Recipe())
    selection = Selection(model, enabled=False)
    return RunState(
        model=model,
        optimizer=optimizer,
        average=Average(model, Recipe()),
        selection=selection,
        meter=Meter("cpu"),
        step=7,
    )


@pytest.mark.parametrize("path", [None, "run"])
def test_a_signal_saves_says_so_and_leaves(path: str | None, tmp_path: Path, state: RunState) -> None:
    progress, folder = Recorded(), RunFolder(None if path is None else tmp_path / path)
    with pytest.raises(KeyboardInterrupt), StopRequest() as stop:
        session = Session(stop, progress, Ranks(), folder)
        with session.saved_when_stopped(state, CPU):
            assert not session.must_leave(CPU)
            os.kill(os.getpid(), signal.SIGINT)
            assert session.must_leave(CPU)
            stop.leave()
    assert progress.said == ["stopped after step 7" + (": the same command goes on from there" if path else "")]
    assert [entry.name for entry in tmp_path.rglob("step-*")] == (["step-000000007-epoch-000000"] if path else [])


def test_what_begins_anew_each_time_is_not_said_to_go_on(tmp_path: Path, state: RunState) -> None:
    progress = Recorded()
    session = Session(StopRequest(), progress, Ranks(), RunFolder(tmp_path / "run"), resume="never")
    with pytest.raises(KeyboardInterrupt), session.saved_when_stopped(state, CPU):
        raise KeyboardInterrupt
    assert progress.said == [
        "stopped after step 7: the same command, but with resume='auto', goes on from there",
    ]


def test_what_could_not_be_saved_is_not_said_to_be(
    tmp_path: Path, state: RunState, full_disk: Callable[..., None]
) -> None:
    progress, folder = Recorded(), RunFolder(tmp_path / "run")
    for goes_on_from in ("the start", "step-000000007-epoch-000000"):
        with pytest.warns(CheckpointWarning), pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr("os.rename", full_disk)
            with Session(StopRequest(), progress, Ranks(), folder).saved_when_stopped(state, CPU):
                raise KeyboardInterrupt
        said = (
            f"stopped after step {state.step}, which could not be saved: the same command goes on from {goes_on_from}"
        )
        assert progress.said[-1] == said
        folder.checkpoint(state)
        state.step += 1


def test_an_error_is_not_saved(tmp_path: Path, state: RunState) -> None:
    session = Session(StopRequest(), Recorded(), Ranks(), RunFolder(tmp_path))
    with pytest.raises(ZeroDivisionError), session.saved_when_stopped(state, CPU):
        raise ZeroDivisionError
    assert not list(tmp_path.iterdir())


def test_a_compiler_that_the_signal_has_ended_is_no_error(tmp_path: Path, state: RunState) -> None:
    progress = Recorded()
    with (
        pytest.raises(SystemExit) as left,
        StopRequest() as stop,
        Session(stop, progress, Ranks(), RunFolder(tmp_path)).saved_when_stopped(state, CPU),
    ):
        os.kill(os.getpid(), signal.SIGTERM)
        raise RuntimeError("g++ failed")
    assert left.value.code == 143
    assert progress.said == ["stopped after step 7: the same command goes on from there"]
    assert [entry.name for entry in tmp_path.rglob("step-*")] == ["step-000000007-epoch-000000"]


def test_an_error_of_ours_is_told_whatever_signal_came(tmp_path: Path, state: RunState) -> None:
    with (
        pytest.raises(DivergedError),
        StopRequest() as stop,
        Session(stop, Recorded(), Ranks(), RunFolder(tmp_path)).saved_when_stopped(state, CPU),
    ):
        os.kill(os.getpid(), signal.SIGTERM)
        raise DivergedError("the loss is not finite")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("answer", [False, LostProcessError("gone")])
def test_no_process_leaves_before_the_state_is_saved(tmp_path: Path, state: RunState, answer: object) -> None:
    saved: list[bool] = []

    def wait(flag: bool, device: torch.device) -> bool:
        saved.append(any(tmp_path.rglob("step-*")))
        if isinstance(answer, Exception):
            raise answer
        return flag

    ranks: Any = SimpleNamespace(world_size=2, any=wait)
    session = Session(StopRequest(), Recorded(), ranks, RunFolder(tmp_path))
    with pytest.raises(KeyboardInterrupt), session.saved_when_stopped(state, CPU):
        raise KeyboardInterrupt
    assert saved == [True]


def test_several_leave_when_any_is_asked_to(tmp_path: Path) -> None:
    asked: list[bool] = []

    def answer(flag: bool, device: torch.device) -> bool:
        asked.append(flag)
        return len(asked) == 3

    ranks: Any = SimpleNamespace(world_size=2, any=answer)
    session = Session(StopRequest(), Recorded(), ranks, RunFolder(None))
    assert not session.must_leave(CPU, step=3)
    assert not session.must_leave(torch.device("cuda"), step=3)  # on a GPU only now and then
    assert len(asked) == 1
    assert not session.must_leave(torch.device("cuda"), step=20)
    assert session.must_leave(CPU)
    assert asked == [False] * 3


def test_a_step_is_looked_at_where_that_costs_nothing() -> None:
    session = Session(StopRequest(), Progress(), Ranks(), RunFolder(None))
    assert session.wants_report(CPU)
    assert not session.wants_report(torch.device("cuda"))


def test_every_process_has_the_card_of_the_finished_run() -> None:
    folder = RunFolder(None)
    session = Session(StopRequest(), Progress(), Ranks(), folder)
    assert session.card_of_end(CPU) is None
    folder.card = Card(arch="x", num_classes=2, top1=50.0)
    assert session.card_of_end(CPU) == folder.card
