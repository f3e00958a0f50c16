"""The folder of a run: what was asked, where it ran, what it measured, what came out, and how to go on with it."""

from __future__ import annotations

import contextlib
import json
import shutil
import time
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from cifarzoo import files
from cifarzoo.errors import CifarZooError, ResumeError, SettingError
from cifarzoo.recipes import Recipe
from cifarzoo.training.checkpoints import CheckpointWarning, load_newest, remove_checkpoints, save_checkpoint
from cifarzoo.training.history import History
from cifarzoo.training.plots import draw_curves, save_figure
from cifarzoo.training.resuming import check_same_run, read_environment, warn_of_changes, warn_of_other_start
from cifarzoo.training.state import RunState
from cifarzoo.weights import Card, load_weights, save_weights
from cifarzoo.weights.store import RUN_WEIGHTS

RESULTS = ("history.csv", "history.jsonl", "loss.png", RUN_WEIGHTS, "model.json")
_PLOTS = ("confusion.png", "mistakes.png")  # which `cifarzoo eval --plots` draws of the weights


class RunFolder:
    """Reads and writes a run's files; without a path it does nothing.

    recipe.json, environment.json, history.csv, history.jsonl, loss.png, model.safetensors with its card model.json, and
    checkpoints/ while the run is unfinished.

    Args:
        path: the folder, or None.
        checkpoint_every_s: seconds from one checkpoint to the next within an epoch.
    """

    _PLOT_EVERY_S = 30.0  # a picture takes a third of a second: short epochs share one

    def __init__(self, path: Path | str | None, *, checkpoint_every_s: float = 600.0) -> None:
        self.path = None if path is None else Path(path)
        self.last_good: str | None = None
        """Name of the newest checkpoint."""
        self.began: Mapping[str, Any] = {}
        """Where and with what the run began: its environment.json, once it is taken up."""
        self.card: Card | None = None
        """Of the weights, once the run is finished."""
        self._checkpoint_every_s = checkpoint_every_s
        self._plotted_s = self._saved_s = time.monotonic()

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Make the folder and hold it against other processes.

        Raises:
            SettingError: it cannot be written.
            CifarZooError: another process trains in it.
        """
        if self.path is None:
            yield
            return
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock = contextlib.ExitStack()
            lock.enter_context(files.locked(self.path / ".run", timeout_s=0))
        except OSError as error:
            raise _unwritable(self.path, error) from None
        with lock:
            yield

    def begin(self, state: RunState, recipe: Recipe, environment: Mapping[str, Any], *, resume: str) -> bool:
        """Take up the run that the folder holds, or lay down what is known of a new one.

        Args:
            state: becomes what the newest checkpoint says.
            recipe: must be that of the run in the folder.
            environment: must name the same model and data; other differences give a warning.
            resume: ``auto``, or ``never`` to remove the run in the folder.

        Returns:
            Whether the run is finished already; model, history and step are then those of its end.

        Raises:
            ResumeError: the folder holds another run, or the damaged weights of a finished one.
            SettingError: it cannot be written.
        """
        self.began = environment
        if self.path is None:
            return False
        if resume == "never":
            self._clear()
        self._remove_leftovers()
        checkpoint, finished = load_newest(self.path / "checkpoints"), self._finished()
        if checkpoint or finished:
            check_same_run(self.path, recipe, environment)
            warn_of_other_start(self.path, environment)
            self.began = {**environment, **read_environment(self.path)}
        if finished:
            weights, self.card, history = finished
            state.model.load_state_dict(weights)
            state.history.records[:] = history.records
            state.step, state.lr = history.last.step, history.last.lr
            remove_checkpoints(self.path / "checkpoints")  # of a process that ended between the weights and this
            return True
        if checkpoint:
            warn_of_changes(self.path, environment)
            state.restore(*checkpoint)
            self.last_good = _name(state)
            return False
        if (self.path / RUN_WEIGHTS).exists():  # of a run that ended: not to be lost without being asked for
            raise ResumeError(
                f"{self.path} holds a {RUN_WEIGHTS} that is damaged, or whose card or history is; choose another "
                "folder, or resume='never' to replace it"
            )
        try:
            files.write_text(self.path / "recipe.json", recipe.to_json())
            files.write_text(self.path / "environment.json", json.dumps(environment, indent=2) + "\n")
        except OSError as error:
            raise _unwritable(self.path, error) from None
        return False

    def due(self) -> bool:
        """Whether the last checkpoint is as old as one may be within an epoch."""
        return self.path is not None and time.monotonic() - self._saved_s >= self._checkpoint_every_s

    def checkpoint(self, state: RunState) -> None:
        """Save the state, which is ``last_good`` then; a disk that is full or broken gives a warning."""
        if self.path is None:
            return
        name = _name(state)
        with _warning_of_failure("checkpoint", self.path):
            save_checkpoint(self.path / "checkpoints", name, state.tensors(), state.facts())
            self.last_good = name
        self._saved_s = time.monotonic()

    def holds(self, state: RunState) -> bool:
        """Whether the newest checkpoint is of this state."""
        return self.last_good == _name(state)

    def record(self, history: History, *, final: bool) -> None:
        """Write the history, and draw it at the end or if the last drawing is old."""
        if self.path is None:
            return
        with _warning_of_failure("history", self.path):
            _write_history(history, self.path)
            if final or time.monotonic() - self._plotted_s >= self._PLOT_EVERY_S:
                save_figure(draw_curves({self.path.name: history}), self.path / "loss.png")
                self._plotted_s = time.monotonic()

    def finish(self, weights: Mapping[str, Tensor], card: Card, history: History) -> Card:
        """Write the weights and their card, which comes back as written; the checkpoints have done their work.

        Raises:
            CifarZooError: they or the history could not be written; the last checkpoint stays.
        """
        if self.path is None:
            return card
        try:
            _write_history(history, self.path)  # until now a failure gave a warning only
            self.card = save_weights(weights, card, self.path / RUN_WEIGHTS)
            remove_checkpoints(self.path / "checkpoints")
        except OSError as error:
            raise CifarZooError(
                f"the trained weights could not be written to {self.path} ({error}); make room and repeat the command"
            ) from None
        return self.card

    def _finished(self) -> tuple[dict[str, Tensor], Card, History] | None:
        """The weights of the run's end, with card and history, if all of it is there, intact."""
        if self.path is None:
            return None
        with contextlib.suppress(CifarZooError):
            weights, card = load_weights(self.path)
            history = History.read(self.path)
            if history.ends_after(card.epochs):
                return weights, card, history
        return None

    def _remove_leftovers(self) -> None:
        """Remove what a kill has left half written or half removed."""
        if self.path is not None:
            for name in (*RESULTS, "recipe.json", "environment.json"):
                for partial in self.path.glob(f".{name}.*.partial"):
                    partial.unlink(missing_ok=True)
            for removed in self.path.glob(".checkpoints.*.removed"):
                shutil.rmtree(removed, ignore_errors=True)

    def _clear(self) -> None:
        """Remove what an earlier run has left."""
        if self.path is not None:
            remove_checkpoints(self.path / "checkpoints")
            for name in (*RESULTS, *_PLOTS):
                (self.path / name).unlink(missing_ok=True)


def _write_history(history: History, path: Path) -> None:
    files.write_text(path / "history.csv", history.to_csv())
    files.write_text(path / "history.jsonl", history.to_jsonl())


def _name(state: RunState) -> str:
    """The name of a state's checkpoint: later ones sort after it."""
    return f"step-{state.step:09d}-epoch-{state.epoch:06d}"


@contextlib.contextmanager
def _warning_of_failure(what: str, path: Path) -> Iterator[None]:
    """Turn a failure to write into a warning."""
    try:
        yield
    except OSError as error:
        warnings.warn(
            f"the {what} could not be written to {path} ({error}); make room", CheckpointWarning, stacklevel=4
        )


def _unwritable(path: Path, error: OSError) -> SettingError:
    return SettingError(f"output_dir (={str(path)!r}) cannot be written ({error}); choose another")
