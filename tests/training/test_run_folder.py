from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from cifarzoo import files
from cifarzoo.errors import CifarZooError, ResumeError, SettingError
from cifarzoo.recipes import Recipe
from cifarzoo.training import run_folder
from cifarzoo.training.averaging import Average
from cifarzoo.training.checkpoints import CheckpointWarning
from cifarzoo.training.history import EpochRecord, History
from cifarzoo.training.losses import Meter
from cifarzoo.training.optim import create_optimizer
from cifarzoo.training.resuming import ResumeWarning
from cifarzoo.training.run_folder import RunFolder
from cifarzoo.training.selection import Selection
from cifarzoo.training.state import RunState
from cifarzoo.weights import Card, load_weights

RECIPE = Recipe(lr=0.25, epochs=2)
ENVIRONMENT = {"model": {"arch": "x"}, "train": {"images": 8}, "test": None, "threads": 1}


def record(epoch: int) -> EpochRecord:
    return EpochRecord(epoch=epoch, step=2, lr=0.1, train_loss=1, train_top1=50, seconds=2.0, images_per_s=3)


@pytest.fixture
def state(make_net: Callable[..., nn.Module]) -> RunState:
    model = make_net()
    optimizer, average = create_optimizer(model, RECIPE), Average(model, RECIPE)
    selection = Selection(model, enabled=False)
    return RunState(model=model, optimizer=optimizer, average=average, selection=selection, meter=Meter("cpu"))


def card(state: RunState, epochs: float) -> Card:
    return Card(arch="x", num_classes=2, recipe=json.loads(RECIPE.to_json()), epochs=epochs)


def test_holds_what_the_run_was_and_gave(tmp_path: Path, state: RunState) -> None:
    path = tmp_path / "new" / "run"
    folder = RunFolder(path)
    with folder.held():
        assert folder.begin(state, RECIPE, ENVIRONMENT, resume="auto") is False
        state.history.records.append(record(1))
        folder.record(state.history, final=True)
        folder.checkpoint(state)
        assert (path / "checkpoints").is_dir()
        written = folder.finish(state.model.state_dict(), card(state, 1), state.history)
    names = {file.name for file in path.iterdir() if not file.name.endswith(".lock")}
    assert names == {"recipe.json", "environment.json", *run_folder.RESULTS}
    assert Recipe.from_json((path / "recipe.json").read_text()) == RECIPE
    assert json.loads((path / "environment.json").read_text()) == ENVIRONMENT
    assert History.read(path).records == [record(1)]
    assert torch.equal(load_weights(path)[0]["head.weight"], state.model.head.weight)
    assert folder.card == written


def test_an_unfinished_run_is_taken_up(tmp_path: Path, state: RunState) -> None:
    folder = RunFolder(tmp_path)
    folder.begin(state, RECIPE, ENVIRONMENT, resume="auto")
    state.step = 7
    folder.checkpoint(state)
    assert folder.holds(state)
    state.step = 0
    assert not folder.holds(state)
    assert folder.begin(state, RECIPE, ENVIRONMENT, resume="auto") is False
    assert state.step == 7
    state.step = 0
    (tmp_path / "confusion.png").touch()  # which eval --plots has drawn of the earlier weights
    RunFolder(tmp_path).begin(state, RECIPE, ENVIRONMENT, resume="never")
    assert state.step == 0
    assert not (tmp_path / "checkpoints").exists()
    assert not (tmp_path / "confusion.png").exists()


def test_what_a_kill_left_half_done_is_cleared_away(tmp_path: Path, state: RunState) -> None:
    (tmp_path / ".checkpoints.12ab.removed" / "step-1").mkdir(parents=True)
    (tmp_path / ".model.safetensors.12ab.partial").write_bytes(b"half")
    (tmp_path / ".notes.partial").write_text("not ours")
    RunFolder(tmp_path).begin(state, RECIPE, ENVIRONMENT, resume="auto")
    assert {path.name for path in tmp_path.iterdir()} == {"recipe.json", "environment.json", ".notes.partial"}


def test_another_start_is_said(tmp_path: Path, state: RunState) -> None:
    start = {**ENVIRONMENT, "initial_weights": "a", "begun_from": "a"}
    RunFolder(tmp_path).begin(state, RECIPE, start, resume="auto")
    folder = RunFolder(tmp_path)
    folder.checkpoint(state)
    with pytest.warns(ResumeWarning, match="began with other weights than this model has; it goes on with its own"):
        folder.begin(state, RECIPE, {**ENVIRONMENT, "initial_weights": "b", "begun_from": "b"}, resume="auto")
    assert (folder.began["initial_weights"], folder.began["begun_from"]) == ("a", "a")


def test_a_finished_run_is_left_as_it_is(tmp_path: Path, state: RunState, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = RunFolder(tmp_path)
    folder.begin(state, RECIPE, ENVIRONMENT, resume="auto")
    state.history.records.append(record(1))
    folder.record(state.history, final=True)
    written = folder.finish(state.model.state_dict(), card(state, 1), state.history)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    state.history.records.clear()
    torch.nn.init.zeros_(state.model.head.weight)
    read: list[Path] = []
    monkeypatch.setattr(run_folder, "load_weights", lambda path: read.append(path) or load_weights(path))
    folder = RunFolder(tmp_path)
    assert folder.begin(state, RECIPE, ENVIRONMENT, resume="auto") is True
    assert folder.card == written
    assert read == [tmp_path]  # and hashed once
    assert state.history.records == [record(1)]
    assert (state.step, state.lr) == (record(1).step, record(1).lr)
    assert state.model.head.weight.any()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("finished", [False, True])
def test_another_run_is_refused_and_stays(finished: bool, tmp_path: Path, state: RunState) -> None:
    folder = RunFolder(tmp_path)
    folder.begin(state, RECIPE, ENVIRONMENT, resume="auto")
    state.history.records.append(record(1))
    folder.record(state.history, final=True)
    folder.checkpoint(state)
    if finished:
        folder.finish(state.model.state_dict(), card(state, 1), state.history)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(ResumeError, match=r"recipe\.lr was 0\.25, is 0\.5"):
        folder.begin(state, RECIPE.replace(lr=0.5), ENVIRONMENT, resume="auto")
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("name", ["model.safetensors", "model.json", "history.jsonl"])
def test_a_finished_run_that_is_damaged_is_not_replaced_unasked(name: str, tmp_path: Path, state: RunState) -> None:
    folder = RunFolder(tmp_path)
    folder.begin(state, RECIPE, ENVIRONMENT, resume="auto")
    state.history.records.append(record(1))
    folder.record(state.history, final=True)
    folder.finish(state.model.state_dict(), card(state, 1), state.history)
    (tmp_path / name).write_bytes(b"damaged")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(ResumeError, match=r"is damaged.*resume='never'"):
        folder.begin(state, RECIPE, ENVIRONMENT, resume="auto")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert folder.begin(state, RECIPE, ENVIRONMENT, resume="never") is False
    assert not (tmp_path / "model.safetensors").exists()


def test_checkpoints_within_an_epoch_come_when_due(tmp_path: Path) -> None:
    assert not RunFolder(tmp_path).due()
    assert not RunFolder(None, checkpoint_every_s=0).due()
    assert RunFolder(tmp_path, checkpoint_every_s=0).due()


def test_a_full_disk_is_a_warning_until_the_end(
    tmp_path: Path, state: RunState, full_disk: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = RunFolder(tmp_path)
    folder.begin(state, RECIPE, ENVIRONMENT, resume="auto")
    monkeypatch.setattr("os.write", full_disk)
    monkeypatch.setattr(files, "write_bytes", full_disk)
    state.history.records.append(record(1))
    with pytest.warns(CheckpointWarning, match="checkpoint could not be written.*No space left.*make room"):
        folder.checkpoint(state)
    assert not folder.holds(state)
    with pytest.warns(CheckpointWarning, match="history could not be written"):
        folder.record(state.history, final=True)
    with pytest.raises(CifarZooError, match=r"weights could not be written.*make room"):
        folder.finish(state.model.state_dict(), card(state, 1), state.history)


def test_a_history_that_could_not_be_written_before_is_there_at_the_end(
    tmp_path: Path, state: RunState, full_disk: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without it the finished run would pass for a damaged one."""
    folder = RunFolder(tmp_path)
    folder.begin(state, RECIPE, ENVIRONMENT, resume="auto")
    state.history.records.append(record(1))
    with monkeypatch.context() as patch, pytest.warns(CheckpointWarning, match="history could not be written"):
        patch.setattr(files, "write_bytes", full_disk)
        folder.record(state.history, final=True)
    folder.finish(state.model.state_dict(), card(state, 1), state.history)
    assert RunFolder(tmp_path).begin(state, RECIPE, ENVIRONMENT, resume="auto") is True


def test_two_processes_do_not_share_a_folder(tmp_path: Path) -> None:
    with RunFolder(tmp_path).held(), pytest.raises(CifarZooError, match="held by another"), RunFolder(tmp_path).held():
        pass
    with RunFolder(tmp_path).held():
        pass


def test_pictures_are_drawn_at_the_end_or_now_and_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, history = RunFolder(tmp_path), History(records=[record(1)])
    folder.record(history, final=False)
    assert not (tmp_path / "loss.png").exists()
    monkeypatch.setattr(RunFolder, "_PLOT_EVERY_S", 0.0)
    folder.record(history, final=False)
    assert (tmp_path / "loss.png").exists()


def test_without_a_path_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: RunState) -> None:
    monkeypatch.chdir(tmp_path)
    folder, nothing = RunFolder(None, checkpoint_every_s=0), Card(arch="x", num_classes=2)
    with folder.held():
        assert folder.begin(state, RECIPE, ENVIRONMENT, resume="never") is False
        folder.checkpoint(state)
        folder.record(History(records=[record(1)]), final=True)
        assert folder.finish({}, nothing, History()) is nothing
        assert folder.card is None
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SettingError, match=r"output_dir .*cannot be written"), RunFolder(tmp_path / "file/run").held():
        pass
